import { fromBinary } from "@bufbuild/protobuf";
import { FrameSchema } from "../../src/pipecat/wire/frames_pb.ts";
import type { WireFrame } from "../../src/pipecat/wire/index.ts";

/** What a frame is, by a general protobuf decoder and the rules for audio, one after the other. */
export function readFrameReference(bytes: Uint8Array): WireFrame {
  const malformed = (reason: "not-protobuf" | "too-long" | "sample-rate" | "channels" | "partial-sample") =>
    ({ kind: "malformed", reason }) as const;
  if (bytes.length > 2 ** 20) return malformed("too-long");
  let frame: ReturnType<typeof fromBinary<typeof FrameSchema>>["frame"];
  try {
    frame = fromBinary(FrameSchema, bytes).frame;
  } catch {
    return malformed("not-protobuf");
  }
  if (frame.case === undefined) return { kind: "unknown" };
  if (frame.case === "text") return { kind: "text", text: frame.value.text };
  if (frame.case === "message") return { kind: "message", data: frame.value.data };
  if (frame.case === "interruption") return { kind: "interruption" };
  if (frame.case === "transcription") {
    const { text, userId, timestamp } = frame.value;
    return { kind: "transcription", text, userId, timestamp };
  }
  const { audio, sampleRate, numChannels } = frame.value;
  if (sampleRate === 0 || sampleRate > 384_000) return malformed("sample-rate");
  if (numChannels === 0 || numChannels > 8) return malformed("channels");
  if (!Number.isInteger(audio.length / 2 / numChannels)) return malformed("partial-sample");
  const view = new DataView(audio.buffer, audio.byteOffset, audio.byteLength);
  const samples = Int16Array.from({ length: audio.length / 2 }, (_, i) => view.getInt16(2 * i, true));
  return { kind: "audio", audio: samples, sampleRate, numChannels };
}
