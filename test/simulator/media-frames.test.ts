import fc from "fast-check";
import { expect, it } from "vitest";
import { mediaFrame } from "../../src/simulator/media-frames.ts";

/** RFC 6455, 5.2, byte by byte: the text of one masked frame of middle length. */
function textOf(frame: Buffer): string {
  expect(frame[0]).toBe(0x81);
  expect(frame[1]).toBe(0x80 | 126);
  expect(frame.length).toBe(8 + frame.readUInt16BE(2));
  const mask = frame.subarray(4, 8);
  expect([...mask].every((byte) => byte !== 0)).toBe(true);
  return Buffer.from(frame.subarray(8).map((byte, at) => byte ^ mask[at % 4]!)).toString();
}

it("a media frame is the message, masked, wherever its payload begins", () => {
  const ascii = fc.string({ minLength: 1, maxLength: 300, unit: "binary-ascii" });
  const payloads = fc.constantFrom("A".repeat(1_280), "Zm9v".repeat(320), "+/==".repeat(40));
  fc.assert(
    fc.property(ascii, payloads, ascii, (before, payload, after) => {
      expect(textOf(mediaFrame(before, payload, after)!)).toBe(before + payload + after);
    }),
  );
});

it("what has another header is left to ws", () => {
  expect(mediaFrame("a", "b".repeat(123), "c")).toBeNull();
  expect(mediaFrame("a", "b".repeat(124), "c")).not.toBeNull();
  expect(mediaFrame("", "b".repeat(0xffff), "")).not.toBeNull();
  expect(mediaFrame("", "b".repeat(0x10000), "")).toBeNull();
});
