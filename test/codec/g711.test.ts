import { describe, expect, it } from "vitest";
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw, loadCodecSync } from "../../src/codec/index.ts";
import { aLaw, decodeReference, encodeReference, muLaw } from "../reference/g711.ts";
import { codecs } from "../support/codecs.ts";
import { noise } from "../support/signals.ts";

const everySample = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

type Encode = typeof encodeMuLaw;
type Decode = typeof decodeMuLaw;

describe.each([
  { name: "µ-law", law: muLaw, encode: encodeMuLaw, decode: decodeMuLaw },
  { name: "A-law", law: aLaw, encode: encodeALaw, decode: decodeALaw },
  ...codecs.flatMap(([variant, codec]) => [
    {
      name: `µ-law (${variant})`,
      law: muLaw,
      encode: ((samples, output) => codec.encodeMuLaw(samples, output)) as Encode,
      decode: ((bytes, output) => codec.decodeMuLaw(bytes, output)) as Decode,
    },
    {
      name: `A-law (${variant})`,
      law: aLaw,
      encode: ((samples, output) => codec.encodeALaw(samples, output)) as Encode,
      decode: ((bytes, output) => codec.decodeALaw(bytes, output)) as Decode,
    },
  ]),
])("G.711 $name", ({ law, encode, decode }) => {
  it("encodes each of 65,536 samples as the standard's tables do", () => {
    const expected = Uint8Array.from(everySample, (sample) => encodeReference(law, sample));
    expect(Buffer.compare(encode(everySample), expected)).toBe(0);
  });

  it("decodes each of 256 codes as the standard's tables do", () => {
    expect([...decode(everyByte)]).toEqual([...everyByte].map((code) => decodeReference(law, code)));
  });

  it("puts each sample between the decision values of its interval, and its mirror image into the other half", () => {
    const codes = encode(everySample);
    const unit = 2 ** (16 - law.bits);
    for (const sample of everySample) {
      if (sample % unit !== 0) continue;
      const code = codes[sample + 32_768]!;
      const magnitude = Math.abs(sample / unit);
      const interval = law.decisions.findIndex((_, n) => law.codeOf(n, sample < 0) === code);
      const [from, to] = [law.decisions[interval]!, law.decisions[interval + 1] ?? Number.POSITIVE_INFINITY];
      if (!(from <= magnitude && magnitude <= to)) expect.unreachable(`${sample} lies in interval ${interval}`);
      const mirrored = law === muLaw ? -sample : -unit - sample;
      if (mirrored < -32_768 || mirrored > 32_767 || (law === muLaw && sample === 0)) continue;
      if (codes[mirrored + 32_768] !== (code ^ 0x80)) expect.unreachable(`${sample} and ${mirrored}`);
    }
  });

  it("does any number of samples, at any place in memory", () => {
    const samples = noise(100_000, 7);
    const codes = Uint8Array.from(samples, (sample) => encodeReference(law, sample));
    for (const length of [...Array(40).keys(), 160, 24_575, 24_576, 24_577, 100_000]) {
      const bytes = encode(samples.subarray(0, length));
      expect(Buffer.compare(bytes, codes.subarray(0, length))).toBe(0);
      const again = decode(codes.subarray(0, length));
      expect(again.length).toBe(length);
      expect(again.every((sample, i) => sample === decodeReference(law, codes[i]!))).toBe(true);
    }
  }, 20_000);

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

describe("G.711 in the codec", () => {
  it("throws what a trap throws, and works again", () => {
    const codec = loadCodecSync();
    const decodeMuLawTrap = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    Object.assign(codec.core, { exports: { ...codec.core.exports, decodeMuLaw: decodeMuLawTrap } });
    expect(() => codec.decodeMuLaw(everyByte)).toThrowError(expect.objectContaining({ code: "CODEC_TRAP" }));
    expect(codec.decodeMuLaw(everyByte)).toEqual(decodeMuLaw(everyByte));
    expect(codec.traps).toBe(1);
  });

  it.each(codecs)("decodes to where resampling begins and encodes from where it ends (%s)", (_variant, codec) => {
    const { core } = codec;
    const handle = core.open(8000, 24000, "default");
    core.message.set(everyByte);
    core.exports.decodeMuLaw(256);
    const count = core.convert(handle, 256, 1);
    core.exports.encodeMuLaw(count);
    const codes = core.message.slice(0, count);
    core.close(handle);
    using resampler = codec.createResampler(8000, 24000);
    expect(codes).toEqual(encodeMuLaw(resampler.process(decodeMuLaw(everyByte))));
  });
});

describe("G.711 on a decision value", () => {
  // ITU's software tools (G.191) take the one's complement of a negative number in both laws.
  it("differs from ITU's tools for 127 values of 14 bits, the negative decision values of µ-law, by one interval", () => {
    const tools = { ...muLaw, magnitudeOf: aLaw.magnitudeOf };
    const uniform = everySample.filter((sample) => sample % 4 === 0);
    const differing = uniform.filter(
      (sample) => encodeMuLaw(Int16Array.of(sample))[0] !== encodeReference(tools, sample),
    );
    expect(new Set(differing)).toEqual(new Set(muLaw.decisions.slice(1).map((decision) => -4 * decision)));
    expect(differing.length).toBe(127);
    for (const sample of differing) {
      expect(encodeReference(tools, sample) - encodeMuLaw(Int16Array.of(sample))[0]!).toBe(1);
    }
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
