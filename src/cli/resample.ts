import { readFileSync, statSync, writeFileSync } from "node:fs";
import { defaultCodec, type ResamplerProfile, resample, SAMPLE_RATES } from "../codec/index.ts";
import { parseWav, SimulatorError, writeWav } from "../simulator/index.ts";
import { type Options, readArguments, takeOperands, UsageError } from "./arguments.ts";
import { Progress } from "./progress.ts";

const HELP = `usage: pipecat-wavix resample <in.wav> <out.wav> --rate HZ [options]

Changes the sample rate of a WAV file with the codec of the calls, and says how fast that was. Channels are kept, each
resampled by itself; the result is as long as the original and in time with it, in PCM16. An <out.wav> that exists is
replaced; it must not be <in.wav>.

options:
  --rate HZ            the new rate: ${SAMPLE_RATES.join(", ")}
  --profile NAME       default keeps more of the band, low-delay has the shorter filter
  --json               print the figures as one line of JSON, and nothing else
  -h, --help

Reads PCM of 8, 16, 24 or 32 bits and 32-bit float, 1 to 32 channels, at one of the rates above, up to 256 MiB.`;

const OPTIONS = {
  rate: { type: "string" },
  profile: { type: "string", default: "default" },
  json: { type: "boolean", default: false },
} as const satisfies Options;

export async function run(argv: string[]): Promise<number> {
  const { operands: files, rest } = takeOperands(argv, OPTIONS);
  const values = readArguments(rest, HELP, OPTIONS);
  if (values === null) return 0;
  const [input, output] = files;
  if (input === undefined || output === undefined || files.length > 2) {
    throw new UsageError("two files are needed, <in.wav> and <out.wav>; try --help");
  }
  const outputRate = Number(values.rate);
  if (!isSampleRate(outputRate)) {
    throw new UsageError(`--rate must be one of ${SAMPLE_RATES.join(", ")}, got ${values.rate ?? "none"}`);
  }
  const profile = readProfile(values.profile);
  if (isSameFile(input, output)) throw new UsageError(`${output} is the input; choose another file for the output`);
  const { channels, sampleRate } = readChannels(input);

  const progress = new Progress(!values.json);
  const codec = defaultCodec();
  const startedAtMs = performance.now();
  const resampled = channels.map((samples, channel) =>
    resample(samples, sampleRate, outputRate, {
      profile,
      codec,
      onProgress: (share) => progress.update(input, (channel + share) / channels.length),
    }),
  );
  const resampleMs = performance.now() - startedAtMs;
  progress.end();
  try {
    writeFileSync(output, writeWav(resampled, outputRate));
  } catch (error) {
    throw new UsageError(`${output}: ${(error as Error).message}`);
  }

  const durationMs = ((channels[0]?.length ?? 0) * 1_000) / sampleRate;
  const figures = {
    ok: true,
    inputRate: sampleRate,
    outputRate,
    profile,
    channels: channels.length,
    durationMs: Number(durationMs.toFixed(3)),
    sampleCount: resampled[0]?.length ?? 0,
    resampleMs: Number(resampleMs.toFixed(3)),
    timesRealTime: Math.round(durationMs / resampleMs),
    variant: codec.variant,
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    const count = channels.length === 1 ? "mono" : `${channels.length} channels`;
    console.log(`${output}: ${sampleRate} → ${outputRate} Hz, ${count}, ${(durationMs / 1_000).toFixed(2)} s`);
    console.log(`resampled in ${resampleMs.toFixed(1)} ms, ${figures.timesRealTime} × real time (${codec.variant})`);
  }
  return 0;
}

function isSampleRate(rate: number): boolean {
  return (SAMPLE_RATES as readonly number[]).includes(rate);
}

function readProfile(name: string): ResamplerProfile {
  if (name === "default" || name === "low-delay") return name;
  throw new UsageError(`--profile must be default or low-delay, got ${name}`);
}

/** By place on the disk: a link has another name. */
function isSameFile(input: string, output: string): boolean {
  const [a, b] = [input, output].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function readChannels(file: string): { channels: Int16Array[]; sampleRate: number } {
  let read: ReturnType<typeof channelsOf>;
  try {
    read = channelsOf(readFileSync(file));
  } catch (error) {
    // Errors of the file system have a code too; anything else is a mistake in here.
    if (!(error instanceof SimulatorError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
  if (isSampleRate(read.sampleRate)) return read;
  throw new UsageError(`${file} has ${read.sampleRate} Hz, not one of ${SAMPLE_RATES.join(", ")}`);
}

/** The channels of a WAV. `parseWav` mixes them, so each is cut out into a WAV of its own for it. */
function channelsOf(wav: Uint8Array): { channels: Int16Array[]; sampleRate: number } {
  const { samples, sampleRate } = parseWav(wav);
  const { buffer, byteOffset, byteLength } = wav;
  const view = new DataView(buffer, byteOffset, byteLength);
  let format = 0;
  let at = 12;
  // Parsed before, so both chunks are there and whole.
  for (; ; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) % 2)) {
    const name = view.getUint32(at);
    if (name === FMT) format = at + 8;
    if (name === DATA) break;
  }
  const count = view.getUint16(format + 2, true);
  if (count === 1) return { channels: [samples], sampleRate };
  const sampleBytes = view.getUint16(format + 14, true) / 8;
  const headerBytes = at + 8;
  const single = new Uint8Array(headerBytes + samples.length * sampleBytes);
  single.set(wav.subarray(0, headerBytes));
  const singleView = new DataView(single.buffer);
  singleView.setUint16(format + 2, 1, true);
  singleView.setUint32(at + 4, samples.length * sampleBytes, true);
  const channels = Array.from({ length: count }, (_, channel) => {
    for (let frame = 0, to = headerBytes; frame < samples.length; frame++) {
      const from = headerBytes + (frame * count + channel) * sampleBytes;
      for (let i = 0; i < sampleBytes; i++) single[to++] = wav[from + i]!;
    }
    return parseWav(single).samples;
  });
  return { channels, sampleRate };
}

/** Names of chunks, as the numbers they are. */
const FMT = 0x666d7420;
const DATA = 0x64617461;
