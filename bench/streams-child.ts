// streams-child: what a resampler of variant simd takes in memory and time, in a process that has done nothing else.
import { SAMPLE_RATES } from "../src/codec/rates.ts";
import { noise } from "../src/web/bench/signals.ts";
import { summaryOf } from "../src/web/bench/summary.ts";
import { importCodec, resamplerBytes } from "./peers/codec.ts";
import type { StreamSample } from "./streams.ts";

const STREAMS = 1000;
const CYCLES = 100_000;
const packet = noise(480);
const output = new Int16Array(320);

function collect(): NodeJS.MemoryUsage {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage();
}

const { loadCodecSync } = await importCodec();
const codec = loadCodecSync({ variant: "simd" });
const open = () => codec.createResampler(24_000, 16_000);
open().process(packet, output);

const residentBefore = collect().rss;
const streams = Array.from({ length: STREAMS }, () => {
  const stream = open();
  stream.process(packet, output);
  return stream;
});
const residentBytesPerStream = (collect().rss - residentBefore) / STREAMS;
for (const stream of streams) stream.close();

const creations = Array.from({ length: 30 }, () => {
  const startedAt = performance.now();
  const made = Array.from({ length: 200 }, open);
  const elapsedUs = (performance.now() - startedAt) * 1000;
  for (const stream of made) stream.close();
  return elapsedUs / 200;
});

const firstCreationMs: Record<string, number> = {};
for (const inputRate of SAMPLE_RATES) {
  for (const outputRate of SAMPLE_RATES) {
    if (inputRate === outputRate || (inputRate === 24_000 && outputRate === 16_000)) continue;
    const startedAt = performance.now();
    codec.createResampler(inputRate, outputRate).close();
    firstCreationMs[`${inputRate}-${outputRate}`] = performance.now() - startedAt;
  }
}

const cycle = () => {
  for (let i = 0; i < CYCLES; i++) open().close();
};
cycle();
const bytes = () => collect().heapUsed + codec.memoryByteLength;
const bytesBefore = bytes();
cycle();
const sample: StreamSample = {
  wasmBytesPerResampler: resamplerBytes(loadCodecSync({ variant: "simd" }), { inputRate: 24_000, outputRate: 16_000 }),
  residentBytesPerStream,
  creationUs: summaryOf(creations).median,
  firstCreationMs,
  cycles: { count: CYCLES, bytesBefore, bytesAfter: bytes() },
};
console.log(JSON.stringify(sample));
