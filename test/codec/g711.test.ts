import { describe, expect, it } from "vitest";
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from "../../src/codec/index.ts";
import { aLaw, decodeReference, encodeReference, muLaw } from "../reference/g711.ts";

const everySample = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

describe.each([
  { name: "µ-law", law: muLaw, encode: encodeMuLaw, decode: decodeMuLaw },
  { name: "A-law", law: aLaw, encode: encodeALaw, decode: decodeALaw },
])("G.711 $name", ({ law, encode, decode }) => {
  it("encodes each of 65,536 samples as the standard's tables do", () => {
    const expected = Uint8Array.from(everySample, (sample) => encodeReference(law, sample));
    expect(Buffer.compare(encode(everySample), expected)).toBe(0);
  });

  it("decodes each of 256 codes as the standard's tables do", () => {
    expect([...decode(everyByte)]).toEqual([...everyByte].map((code) => decodeReference(law, code)));
  });

  it("gives every code back that means a sample of its own", () => {
    const again = encode(decode(everyByte));
    // µ-law has two zeros.
    const changed = [...everyByte].filter((code) => again[code] !== code);
    expect(changed).toEqual(law === muLaw ? [0x7f] : []);
  });

  it("writes into the caller's array, wherever it begins, and no further", () => {
    const samples = new Int16Array(new ArrayBuffer(20), 2, 4);
    samples.set([0, 1_000, -1_000, 32_767]);
    const bytes = new Uint8Array(9).fill(7);
    const written = encode(samples, bytes.subarray(3));
    expect([...bytes]).toEqual([7, 7, 7, ...encode(samples), 7, 7]);
    expect([written.byteOffset, written.length]).toEqual([3, 4]);
    const decoded = new Int16Array(6).fill(7);
    expect(decode(written, decoded).length).toBe(4);
    expect([...decoded]).toEqual([...decode(written), 7, 7]);
    const exact = new Uint8Array(4);
    expect(encode(samples, exact)).toBe(exact);
    expect(encode(new Int16Array(0)).length).toBe(0);
  });

  it("refuses what it cannot use, before anything is written", () => {
    expect(() => encode(new Int16Array(3), new Uint8Array(2))).toThrow(
      new RangeError("output must hold 3, got room for 2"),
    );
    expect(() => decode(new Uint8Array(3), new Int16Array(2))).toThrow(RangeError);
    expect(() => encode(new Uint8Array(2) as never)).toThrow(
      new TypeError("samples must be an Int16Array, got object"),
    );
    expect(() => decode("AA" as never)).toThrow(new TypeError("bytes must be a Uint8Array, got string"));
    expect(() => encode(new Int16Array(1), new Int16Array(1) as never)).toThrow(TypeError);
    expect(() => decode(new Uint8Array(1), new Uint8Array(1) as never)).toThrow(TypeError);
  });
});

describe("G.711, by the printed tables", () => {
  it("has their first, last and middle values", () => {
    // In 16 bits: table 2 in units of 4, table 1 in units of 8.
    expect([...decodeMuLaw(Uint8Array.of(0x80, 0x8f, 0xef, 0xff, 0x7f, 0x00))]).toEqual([
      4 * 8031,
      4 * 4191,
      4 * 33,
      0,
      0,
      -4 * 8031,
    ]);
    expect([...decodeALaw(Uint8Array.of(0xaa, 0xd5, 0x55, 0x2a))]).toEqual([8 * 4032, 8, -8, -8 * 4032]);
  });
});
