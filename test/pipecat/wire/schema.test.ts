import { readFileSync } from "node:fs";
import { ScalarType } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { file_frames } from "../../../src/pipecat/wire/frames_pb.ts";

const proto = readFileSync(new URL("../../../src/pipecat/wire/frames.proto", import.meta.url), "utf8");

/** `Message.field: type = number`, as the .proto says; a oneof's are `Message.oneof/field`. */
function fieldsOf(source: string): string[] {
  const fields: string[] = [];
  let message = "";
  let oneof = "";
  for (const line of source.replace(/\/\/.*$/gm, "").split("\n")) {
    const [, opens, name] = /(message|oneof) (\w+) \{/.exec(line) ?? [];
    if (opens === "message") message = name as string;
    else if (opens === "oneof") oneof = `${name}/`;
    else if (line.includes("}")) oneof = "";
    const [, optional = "", type, field, number] = /(optional )?(\w+) (\w+) = (\d+);/.exec(line) ?? [];
    if (field !== undefined) fields.push(`${message}.${oneof}${field}: ${optional}${type} = ${number}`);
  }
  return fields;
}

it("is generated from the schema beside it", () => {
  const generated = file_frames.messages.flatMap((message) =>
    message.fields.map((field) => {
      const type = field.message?.name ?? ScalarType[field.scalar as ScalarType].toLowerCase();
      const oneof = field.oneof === undefined ? "" : `${field.oneof.name}/`;
      const optional = field.proto.proto3Optional ? "optional " : "";
      return `${message.name}.${oneof}${field.name}: ${optional}${type} = ${field.number}`;
    }),
  );
  expect(file_frames.proto.package).toBe(/package (\w+);/.exec(proto)?.[1]);
  expect(generated).toEqual(fieldsOf(proto));
});

it("has the numbers that Pipecat publishes", () => {
  expect(fieldsOf(proto)).toEqual([
    "TextFrame.id: uint64 = 1",
    "TextFrame.name: string = 2",
    "TextFrame.text: string = 3",
    "AudioRawFrame.id: uint64 = 1",
    "AudioRawFrame.name: string = 2",
    "AudioRawFrame.audio: bytes = 3",
    "AudioRawFrame.sample_rate: uint32 = 4",
    "AudioRawFrame.num_channels: uint32 = 5",
    "AudioRawFrame.pts: optional uint64 = 6",
    "TranscriptionFrame.id: uint64 = 1",
    "TranscriptionFrame.name: string = 2",
    "TranscriptionFrame.text: string = 3",
    "TranscriptionFrame.user_id: string = 4",
    "TranscriptionFrame.timestamp: string = 5",
    "MessageFrame.data: string = 1",
    "InterruptionFrame.id: uint64 = 1",
    "InterruptionFrame.name: string = 2",
    "Frame.frame/text: TextFrame = 1",
    "Frame.frame/audio: AudioRawFrame = 2",
    "Frame.frame/transcription: TranscriptionFrame = 3",
    "Frame.frame/message: MessageFrame = 4",
    "Frame.frame/interruption: InterruptionFrame = 5",
  ]);
});
