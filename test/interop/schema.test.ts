import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { file_frames } from "../../src/pipecat/wire/frames_pb.ts";
import { describeWith } from "./suite.ts";

const SCRIPT = fileURLToPath(new URL("bots/frames_descriptor.py", import.meta.url));

type Schema = Record<string, Record<string, object>>;

/** Our schema in the words of the script. */
const ours: Schema = Object.fromEntries(
  file_frames.messages.map((message) => [
    message.name,
    Object.fromEntries(
      message.fields.map((field) => [
        field.name,
        {
          number: field.number,
          type: field.fieldKind === "scalar" ? ScalarType[field.scalar].toLowerCase() : field.fieldKind,
          message: field.message?.name ?? null,
          repeated: field.fieldKind === "list",
          optional: field.fieldKind === "scalar" && field.presence === FeatureSet_FieldPresence.EXPLICIT,
          oneof: field.oneof?.name ?? null,
        },
      ]),
    ),
  ]),
);

for (const [name, lacks] of [
  ["current", []],
  ["old", ["InterruptionFrame", "interruption"]],
  ["original", ["InterruptionFrame", "interruption"]],
] as const) {
  describeWith(name, ({ python }) => {
    it(`has our schema${lacks.length ? ", but for what came later" : ""}`, async () => {
      const { stdout } = await promisify(execFile)(python, [SCRIPT]);
      const { package: name, syntax, messages } = JSON.parse(stdout) as Record<string, unknown>;
      expect([name, syntax]).toEqual([file_frames.proto.package, file_frames.proto.syntax]);
      const without = <T extends object>(all: T) =>
        Object.fromEntries(Object.entries(all).filter(([key]) => !(lacks as readonly string[]).includes(key)));
      const expected = Object.entries(without(ours)).map(([message, fields]) => [message, without(fields)]);
      expect(messages).toEqual(Object.fromEntries(expected));
    });
  });
}
