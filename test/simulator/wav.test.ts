import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWav, readSpeechRecording, readWavFile, SimulatorError, writeWav } from "../../src/simulator/index.ts";

/** A WAV by hand, with every field open to lies. */
function wav(fields: {
  format?: number;
  bits?: number;
  channels?: number;
  rate?: number;
  data: Uint8Array;
  dataLength?: number;
  before?: Buffer;
  fmtLength?: number;
}) {
  const { format = 1, bits = 16, channels = 1, rate = 24_000, data, before = Buffer.alloc(0), fmtLength = 16 } = fields;
  const fmt = Buffer.alloc(8 + fmtLength);
  fmt.write("fmt ");
  fmt.writeUInt32LE(fmtLength, 4);
  if (fmtLength >= 16) {
    fmt.writeUInt16LE(format, 8);
    fmt.writeUInt16LE(channels, 10);
    fmt.writeUInt32LE(rate, 12);
    fmt.writeUInt16LE(bits, 22);
  }
  const dataHead = Buffer.from("data\0\0\0\0");
  dataHead.writeUInt32LE(fields.dataLength ?? data.length, 4);
  return Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE"), before, fmt, dataHead, data]);
}

const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error instanceof SimulatorError ? error.code : error;
  }
  return "nothing thrown";
};

describe("parseWav", () => {
  it("gives back what writeWav wrote, also from an odd offset", () => {
    const samples = fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 500 });
    fc.assert(
      fc.property(samples, fc.constantFrom(8000, 16_000, 24_000, 44_100), (values, rate) => {
        const written = writeWav(Int16Array.from(values), rate);
        const shifted = new Uint8Array(written.length + 1).subarray(1);
        shifted.set(written);
        expect(parseWav(shifted)).toEqual({ samples: Int16Array.from(values), sampleRate: rate });
      }),
    );
  });

  it("mixes channels to mono", () => {
    const stereo = writeWav([Int16Array.of(100, -5, 32_767), Int16Array.of(300, 5, 32_767)], 8000);
    expect(parseWav(stereo).samples).toEqual(Int16Array.of(200, 0, 32_767));
  });

  it.each([
    ["8-bit", { bits: 8, data: Uint8Array.of(0, 128, 255) }, [-32_768, 0, 32_512]],
    ["24-bit", { bits: 24, data: Uint8Array.of(0, 0, 128, 0, 1, 0, 255, 255, 127) }, [-32_768, 1, 32_767]],
    [
      "32-bit",
      { bits: 32, data: new Uint8Array(Int32Array.of(-(2 ** 31), 65_536, 2 ** 31 - 1).buffer) },
      [-32_768, 1, 32_767],
    ],
    [
      "float",
      { format: 3, bits: 32, data: new Uint8Array(Float32Array.of(-1, 0.5, 7, Number.NaN).buffer) },
      [-32_768, 16_384, 32_767, 0],
    ],
  ])("reads %s", (_, fields, expected) => {
    expect([...parseWav(wav(fields)).samples]).toEqual(expected);
  });

  it("reads the extensible header, skips chunks it does not know, and takes a streamed length", () => {
    const extensible = wav({ format: 0xfffe, fmtLength: 40, data: Uint8Array.of(1, 0) });
    extensible.writeUInt16LE(1, 12 + 8 + 24);
    expect(parseWav(extensible).samples).toEqual(Int16Array.of(1));
    const listed = wav({ before: Buffer.from("LIST\x03\0\0\0abc\0"), data: Uint8Array.of(2, 0) });
    expect(parseWav(listed).samples).toEqual(Int16Array.of(2));
    for (const dataLength of [0, 0xffff_ffff]) {
      expect(parseWav(wav({ dataLength, data: Uint8Array.of(3, 0) })).samples).toEqual(Int16Array.of(3));
    }
  });

  it.each([
    ["nothing", Buffer.alloc(0), "WAV_MALFORMED"],
    ["another file", Buffer.from("ID3 this is a long enough mp3"), "WAV_MALFORMED"],
    ["a cut file", wav({ data: Uint8Array.of(1, 0), dataLength: 4 }), "WAV_MALFORMED"],
    ["half a sample", wav({ data: Uint8Array.of(1) }), "WAV_MALFORMED"],
    ["a short fmt", wav({ fmtLength: 8, data: Uint8Array.of(1, 0) }), "WAV_MALFORMED"],
    ["no data", wav({ data: new Uint8Array(0) }).subarray(0, 36), "WAV_MALFORMED"],
    ["no channel", wav({ channels: 0, data: Uint8Array.of(1, 0) }), "WAV_MALFORMED"],
    ["an absurd rate", wav({ rate: 1, data: Uint8Array.of(1, 0) }), "WAV_MALFORMED"],
    ["mu-law", wav({ format: 7, bits: 8, data: Uint8Array.of(1) }), "WAV_UNSUPPORTED"],
  ])("refuses %s", (_, bytes, code) => {
    expect(codeOf(() => parseWav(bytes))).toBe(code);
  });

  it("answers any bytes with a recording or a coded error", () => {
    const good = writeWav(Int16Array.of(1, 2, 3), 24_000);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bytes = good.slice(0, length);
        if (at < length) bytes[at] = value;
        const code = codeOf(() => parseWav(bytes));
        expect(["nothing thrown", "WAV_MALFORMED", "WAV_UNSUPPORTED"]).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

describe("files", () => {
  it("are read", () => {
    const folder = mkdtempSync(join(tmpdir(), "wav-"));
    try {
      writeFileSync(join(folder, "a.wav"), writeWav(Int16Array.of(7), 8000));
      expect(readWavFile(join(folder, "a.wav"))).toEqual({ samples: Int16Array.of(7), sampleRate: 8000 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("hold the demo's speech: 16 kHz, loud enough, without a pause", () => {
    const { samples, sampleRate } = readSpeechRecording();
    expect(sampleRate).toBe(16_000);
    expect(samples.length / sampleRate).toBeGreaterThan(5);
    expect(samples.length / sampleRate).toBeLessThan(6);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    expect(20 * Math.log10(peak / 32_768)).toBeCloseTo(-6, 0);
    for (let at = 0; at + 8000 <= samples.length; at += 800) {
      const energy = samples.subarray(at, at + 8000).reduce((sum, sample) => sum + sample * sample, 0);
      expect(Math.sqrt(energy / 8000)).toBeGreaterThan(500);
    }
  });
});

describe("writeWav", () => {
  it("refuses what cannot be one file", () => {
    expect(() => writeWav([], 8000)).toThrow(RangeError);
    expect(() => writeWav([new Int16Array(1), new Int16Array(2)], 8000)).toThrow(RangeError);
    expect(() => writeWav(new Int16Array(1), 0)).toThrow(RangeError);
  });
});
