import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFromBase64 } from "../../src/codec/base64.ts";
import { decodeBase64Reference } from "../reference/media-message.ts";
import { codecs } from "../support/codecs.ts";

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
        expect(decode(changed)).toEqual(decodeBase64Reference(changed));
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
});
