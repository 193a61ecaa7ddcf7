import { execFile } from "node:child_process";
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "../../src/cli/arguments.ts";
import { run } from "../../src/cli/resample.ts";
import { defaultCodec, resample } from "../../src/codec/index.ts";
import { parseWav, readWavFile, writeWav } from "../../src/simulator/index.ts";
import { expectSameSamples, noise } from "../support/signals.ts";

let folder: string;
let input: string;
let output: string;
let printed: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
  input = join(folder, "in.wav");
  output = join(folder, "out.wav");
  printed = [];
  vi.spyOn(console, "log").mockImplementation((line) => printed.push(line));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  expect(defaultCodec().openResamplers).toBe(0);
});

/** A WAV whose data are `bytes`, whatever they mean. */
function wavOf(format: number, bits: number, channels: number, sampleRate: number, bytes: Uint8Array): Uint8Array {
  const wav = new Uint8Array(44 + bytes.length);
  wav.set(writeWav(new Int16Array(0), sampleRate));
  wav.set(bytes, 44);
  const view = new DataView(wav.buffer);
  view.setUint16(20, format, true);
  view.setUint16(22, channels, true);
  view.setUint16(32, (channels * bits) / 8, true);
  view.setUint16(34, bits, true);
  view.setUint32(40, bytes.length, true);
  return wav;
}

/** The samples of one channel of a PCM16 file. */
function channelOf(file: string, channel: number): Int16Array {
  const wav = readFileSync(file);
  const count = wav.readUInt16LE(22);
  return Int16Array.from({ length: wav.readUInt32LE(40) / 2 / count }, (_, i) =>
    wav.readInt16LE(44 + (i * count + channel) * 2),
  );
}

async function mistake(argv: string[]): Promise<string> {
  const error = await run(argv).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
}

describe("resample", () => {
  it("writes what the codec gives, and the figures as one line of JSON", async () => {
    const samples = noise(12_345, 1);
    writeFileSync(input, writeWav(samples, 24000));
    expect(await run(["--json", input, "--rate", "16000", output])).toBe(0);
    const wav = readWavFile(output);
    expect(wav.sampleRate).toBe(16000);
    expectSameSamples(wav.samples, resample(samples, 24000, 16000));
    expect(printed).toHaveLength(1);
    const figures = JSON.parse(printed[0] as string);
    expect(figures).toMatchObject({ ok: true, inputRate: 24000, outputRate: 16000, profile: "default", channels: 1 });
    expect(figures).toMatchObject({ durationMs: 514.375, sampleCount: 8_230, variant: defaultCodec().variant });
    // Made before its own figures were rounded.
    expect(figures.timesRealTime / (514.375 / figures.resampleMs)).toBeCloseTo(1, 1);
  });

  it("says for people what it did", async () => {
    writeFileSync(input, writeWav([noise(8_000, 1), noise(8_000, 2)], 8000));
    expect(await run([input, output, "--rate=48000", "--profile", "low-delay"])).toBe(0);
    expect(printed[0]).toBe(`${output}: 8000 → 48000 Hz, 2 channels, 1.00 s`);
    expect(printed[1]).toMatch(/^resampled in [\d.]+ ms, \d+ × real time \((simd|scalar)\)$/);
  });

  it("keeps channels apart, in every format and behind other chunks", async () => {
    const channels = [noise(1_001, 1), noise(1_001, 2), noise(1_001, 3)];
    const float = new Float32Array(3_003).map((_, i) => channels[i % 3]![Math.floor(i / 3)]! / 32_768);
    const wide = new Uint8Array(9_009);
    for (let i = 0; i < 3_003; i++) {
      const sample = channels[i % 3]![Math.floor(i / 3)]!;
      wide.set([0, sample & 0xff, (sample >> 8) & 0xff], 3 * i);
    }
    const pcm = writeWav(channels, 44100);
    const chunk = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
    const files = [
      pcm,
      Buffer.concat([pcm.subarray(0, 36), chunk, pcm.subarray(36), chunk]),
      wavOf(3, 32, 3, 44100, new Uint8Array(float.buffer)),
      wavOf(1, 24, 3, 44100, wide),
    ];
    for (const file of files) {
      writeFileSync(input, file);
      await run([input, output, "--rate", "24000", "--json"]);
      expect(readFileSync(output).readUInt16LE(22)).toBe(3);
      channels.forEach((samples, i) => {
        expectSameSamples(channelOf(output, i), resample(samples, 44100, 24000));
      });
    }
  });

  it("takes files that hold nothing, and a rate that is there already", async () => {
    writeFileSync(input, writeWav([new Int16Array(0), new Int16Array(0)], 16000));
    await run([input, output, "--rate", "8000", "--json"]);
    expect(parseWav(readFileSync(output)).samples.length).toBe(0);
    const samples = noise(100, 1);
    writeFileSync(input, writeWav(samples, 16000));
    await run([input, output, "--rate", "16000", "--json"]);
    expectSameSamples(readWavFile(output).samples, samples);
  });

  it("does not overwrite its input under any name", async () => {
    const wav = writeWav(noise(480, 1), 24000);
    writeFileSync(input, wav);
    symlinkSync(input, join(folder, "link.wav"));
    linkSync(input, join(folder, "hard.wav"));
    for (const name of ["in.wav", "./in.wav", "link.wav", "hard.wav"]) {
      const message = await mistake([input, `${folder}/${name}`, "--rate", "16000"]);
      expect(message).toBe(`${folder}/${name} is the input; choose another file for the output`);
    }
    expect(Buffer.compare(readFileSync(input), wav)).toBe(0);
  });

  it("says in a line what is wrong, and writes nothing", async () => {
    writeFileSync(input, writeWav(noise(480, 1), 24000));
    const other = join(folder, "other.wav");
    writeFileSync(other, writeWav(new Int16Array(9), 96000));
    const broken = join(folder, "broken.wav");
    writeFileSync(broken, "RIFF");
    const rate = ["--rate", "16000"];
    expect(await mistake([])).toBe("two files are needed, <in.wav> and <out.wav>; try --help");
    expect(await mistake([input, ...rate])).toMatch(/^two files/);
    expect(await mistake([input, output, output, ...rate])).toMatch(/^two files/);
    expect(await mistake([input, output])).toMatch(/^--rate must be one of 8000, .*, got none$/);
    expect(await mistake([input, output, "--rate", "96000"])).toMatch(/^--rate must be one of .*, got 96000$/);
    expect(await mistake([input, output, ...rate, "--profile", "toString"])).toMatch(/^--profile must be default or/);
    expect(await mistake([input, output, ...rate, "--fast"])).toMatch(/^Unknown option '--fast'.*try --help$/);
    expect(await mistake([`${input}x`, output, ...rate])).toMatch(/in\.wavx: ENOENT/);
    expect(await mistake([folder, output, ...rate])).toMatch(/EISDIR/);
    expect(await mistake([broken, output, ...rate])).toBe(`${broken}: not a valid WAV: no RIFF/WAVE header`);
    expect(await mistake([other, output, ...rate])).toMatch(/other\.wav has 96000 Hz, not one of 8000,/);
    expect(existsSync(output)).toBe(false);
    expect(await mistake([input, join(folder, "none", "out.wav"), ...rate])).toMatch(/out\.wav: ENOENT/);
  });

  it("draws its progress on a terminal only", async () => {
    writeFileSync(input, writeWav([new Int16Array(200_000), new Int16Array(200_000)], 48000));
    const drawn: string[] = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => drawn.push(String(text)) > 0);
    const { isTTY } = process.stderr;
    try {
      process.stderr.isTTY = false;
      await run([input, output, "--rate", "16000"]);
      expect(drawn).toEqual([]);
      process.stderr.isTTY = true;
      await run([input, output, "--rate", "16000"]);
    } finally {
      process.stderr.isTTY = isTTY;
    }
    const filled = drawn.map((text) => text.split("━").length - 1);
    expect(filled.length).toBe(9);
    expect(filled.slice(0, -1)).toEqual([...filled.slice(0, -1)].sort((a, b) => a - b));
    expect(drawn.at(-1)).toBe("\r\x1b[2K");
  });

  it("is a command of the binary", async () => {
    writeFileSync(input, writeWav(noise(4_800, 1), 24000));
    const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
    const argv = [main, "resample", input, output, "--rate", "16000", "--json"];
    const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, argv, { timeout: 20_000 }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
    });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, sampleCount: 3_200 });
    expect(existsSync(output)).toBe(true);
  });
});
