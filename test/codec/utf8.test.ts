import fc from "fast-check";
import { expect, it } from "vitest";
import * as chosen from "../../src/codec/utf8.ts";
import { PlainTextDecoder, PlainTextEncoder } from "../../src/codec/utf8.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.uint16Array().map((units) => String.fromCharCode(...units)),
);
/** Bytes near the borders of the encoding. */
const byte = fc.constantFrom(
  0,
  0x41,
  0x7f,
  0x80,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbf,
  0xc0,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xe1,
  0xed,
);
const late = fc.constantFrom(0xee, 0xef, 0xbb, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
const bytes = fc
  .array(fc.oneof(byte, late, fc.nat({ max: 255 })), { maxLength: 12 })
  .map((list) => Uint8Array.from(list));

const outcome = <T>(run: () => T) => {
  try {
    return run();
  } catch (error) {
    return (error as Error).constructor;
  }
};

it("takes the platform's own where there is one", () => {
  expect(chosen.TextEncoder).toBe(TextEncoder);
  expect(chosen.TextDecoder).toBe(TextDecoder);
});

it("encodes as the platform does, into whatever room there is", () => {
  fc.assert(
    fc.property(text, fc.nat({ max: 40 }), (text, room) => {
      expect(new PlainTextEncoder().encode(text)).toEqual(new TextEncoder().encode(text));
      const [ours, theirs] = [new Uint8Array(room), new Uint8Array(room)];
      expect(new PlainTextEncoder().encodeInto(text, ours)).toEqual(new TextEncoder().encodeInto(text, theirs));
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 2_000 },
  );
});

it("decodes as the platform does, good bytes and bad", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        bytes,
        text.map((text) => new TextEncoder().encode(text)),
      ),
      fc.record({ fatal: fc.boolean(), ignoreBOM: fc.boolean() }),
      (bytes, options) => {
        const ours = outcome(() => new PlainTextDecoder("utf-8", options).decode(bytes));
        expect(ours).toEqual(outcome(() => new TextDecoder("utf-8", options).decode(bytes)));
      },
    ),
    { numRuns: 5_000 },
  );
});

it("knows no other encoding, and says so only when asked to decode", () => {
  expect(() => new PlainTextDecoder("utf-16le").decode(new Uint8Array(2))).toThrowError(TypeError);
});
