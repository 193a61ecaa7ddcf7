import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFromBase64 } from "../../src/codec/base64.ts";
import { decodeBase64Reference } from "../reference/media-message.ts";
import { codecs } from "../support/codecs.ts";

/** As `expect(actual).toEqual(expected)`, in a hundredth of the time when they are equal. */
function expectSameBytes(actual: Uint8Array | null, expected: Uint8Array | null, text: string): void {
  const same = actual === null || expected === null ? actual === expected : Buffer.compare(actual, expected) === 0;
  if (!same) expect(actual, JSON.stringify(text)).toEqual(expected);
}

describe.each(codecs)("base64 (%s)", (_variant, codec) => {
  const { core } = codec;
  const encode = (bytes: Uint8Array) => {
    core.pcmBytes.set(bytes);
    const length = core.exports.encodeBase64(bytes.length);
    return new TextDecoder().decode(core.outBytes.slice(0, length));
  };
  const decode = (text: string) => {
    const characters = Uint8Array.from(text, (c) => c.charCodeAt(0));
    core.message.set(characters);
    const length = core.exports.decodeBase64(characters.length);
    return length < 0 ? null : core.pcmBytes.slice(0, length);
  };

  it.each([
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
  ])("RFC 4648 §10: %s ⇄ %s", (plain, text) => {
    expect(encode(new TextEncoder().encode(plain))).toBe(text);
    expect(decode(text)).toEqual(new TextEncoder().encode(plain));
  });

  it("does what Buffer does, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(encode(bytes)).toBe(text);
        expect(decode(text)).toEqual(bytes);
        expect(bytesFromBase64(text)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it("refuses every character outside the alphabet, at every place", () => {
    const text = Buffer.alloc(30, 0xa5).toString("base64");
    for (let place = 0; place < text.length; place++) {
      for (let c = 0; c < 256; c++) {
        const changed = text.slice(0, place) + String.fromCharCode(c) + text.slice(place + 1);
        expectSameBytes(decode(changed), decodeBase64Reference(changed), changed);
      }
    }
  });

  it("is strict about length, padding and stray bits", () => {
    const characters = fc.constantFrom(..."ABgw1234567890+/=_- ");
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 40 }), (list) => {
        expect(decode(list.join(""))).toEqual(decodeBase64Reference(list.join("")));
      }),
      { numRuns: 3_000 },
    );
  });

  it("refuses a wrong character wherever it stands in a long text, whole vectors and rest", () => {
    const text = Buffer.alloc(298, 0x5a).toString("base64");
    for (let place = 0; place < text.length; place++) {
      for (const wrong of "\0 \n=-_,.*@[`{\x7f\x80\xc1\xff") {
        const changed = text.slice(0, place) + wrong + text.slice(place + 1);
        expectSameBytes(decode(changed), decodeBase64Reference(changed), changed);
      }
    }
  });

  it("refuses every stray bit behind the last byte, and takes all that have none", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let taken = 0;
    for (const before of ["", "Zm9v".repeat(9)]) {
      for (const a of alphabet) {
        for (const b of alphabet) {
          for (const last of [`${a}${b}==`, `A${a}${b}=`]) {
            const bytes = decode(before + last);
            expectSameBytes(bytes, decodeBase64Reference(before + last), before + last);
            if (bytes !== null) taken++;
          }
        }
      }
    }
    // One byte has 256 values; two bytes with the first six bits 0 have 1,024.
    expect(taken).toBe(2 * (256 + 1_024));
  });

  it("takes every length up to a few vectors, and as much as a message may hold", () => {
    const bytes = Uint8Array.from({ length: 49_149 }, (_, i) => (i * 167) >> 3);
    for (let length = 0; length <= 200; length++) {
      const text = Buffer.from(bytes.subarray(0, length)).toString("base64");
      expect(encode(bytes.subarray(0, length))).toBe(text);
      expect(decode(text)).toEqual(bytes.slice(0, length));
      for (const short of [1, 2, 3]) {
        expect(decode(text.slice(0, -short))).toEqual(decodeBase64Reference(text.slice(0, -short)));
      }
    }
    expect(decode(Buffer.from(bytes).toString("base64"))).toEqual(bytes);
  });
});
