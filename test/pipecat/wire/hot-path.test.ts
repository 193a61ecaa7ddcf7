import * as protobuf from "@bufbuild/protobuf";
import { expect, it, vi } from "vitest";
import { AudioFrameWriter, encodeFrame, FrameReader } from "../../../src/pipecat/wire/index.ts";

vi.mock("@bufbuild/protobuf", async (original) => {
  const actual = await original<typeof protobuf>();
  return { ...actual, fromBinary: vi.fn(actual.fromBinary), toBinary: vi.fn(actual.toBinary) };
});

it("keeps the general encoder and decoder out of audio", () => {
  const written = new AudioFrameWriter(16_000).write(new Int16Array(320));
  expect(protobuf.toBinary).not.toHaveBeenCalled();
  const reader = new FrameReader();
  expect(reader.read(written).kind).toBe("audio");
  expect(protobuf.fromBinary).not.toHaveBeenCalled();

  expect(reader.read(encodeFrame({ kind: "interruption" })).kind).toBe("interruption");
  expect(protobuf.toBinary).toHaveBeenCalledOnce();
  expect(protobuf.fromBinary).toHaveBeenCalledOnce();
});
