// Run by test/codec/allocations.test.ts in a process of its own, with room for all that its calls could allocate:
// node --expose-gc --min-semi-space-size=16 --max-semi-space-size=16 allocations.js <codec> <variant>
// Prints bytes per call, on V8's heap and in array buffers, as JSON.

import { setTimeout } from "node:timers/promises";

const [, , codecUrl, variant] = process.argv;
const { loadCodecSync } = await import(codecUrl);
const codec = loadCodecSync({ variant });
const BATCHES = 11;
const CALLS = 2_000;

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function bytesPerCall(call) {
  // Until the engine has compiled it for good.
  for (let i = 0; i < 4 * CALLS; i++) call();
  const heap = [];
  const buffers = [];
  // In batches: many array buffers call for the collector by themselves, however much room there is.
  for (let batch = 0; batch < BATCHES; batch++) {
    // Twice, and a pause: array buffers are freed late, which would count as less than nothing.
    globalThis.gc();
    await setTimeout(2);
    globalThis.gc();
    const before = process.memoryUsage();
    for (let i = 0; i < CALLS; i++) call();
    const after = process.memoryUsage();
    heap.push((after.heapUsed - before.heapUsed) / CALLS);
    buffers.push((after.arrayBuffers - before.arrayBuffers) / CALLS);
  }
  return { heap: median(heap), buffers: Math.max(...buffers) };
}

const input = Int16Array.from({ length: 480 }, (_, i) => 10_000 * Math.sin(i * 0.1));
const payload = Buffer.from(input.buffer).toString("base64");
const message = Buffer.from(
  `{"event":"media","stream_id":"s","sequence_number":7,"media":{"payload":"${payload}","track":"inbound","timestamp":160,"chunk":6}}`,
);

const results = {};

const down = codec.createResampler(24000, 16000);
const downOut = new Int16Array(320);
results["process into an exact array"] = await bytesPerCall(() => down.process(input, downOut));

const longer = new Int16Array(400);
results["process into a longer array"] = await bytesPerCall(() => down.process(input, longer));

const floats = Float32Array.from(input, (sample) => sample / 32_768);
const floatsOut = new Float32Array(320);
results["processFloat32 into an exact array"] = await bytesPerCall(() => down.processFloat32(floats, floatsOut));

for (const [name, sampleRate] of [
  ["read at 24 kHz", 24000],
  ["read at 16 kHz", 16000],
]) {
  const reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate });
  results[name] = await bytesPerCall(() => {
    if (reader.read(message, "inbound") !== "audio") throw new Error("no audio");
  });
}

for (const [name, inputRate, inBytes] of [
  ["push at 24 kHz and takeMessages", 24000],
  ["push of bytes at 24 kHz and takeMessages", 24000, true],
  ["push at 16 kHz and takeMessages", 16000],
]) {
  const writer = codec.createMediaWriter({ wireSampleRate: 24000, streamId: "s" });
  const target = new Uint8Array(2 * writer.messageByteLength);
  const samples = input.slice(0, inputRate / 50);
  const packet = inBytes ? new Uint8Array(samples.buffer) : samples;
  results[name] = await bytesPerCall(() => {
    writer.push(packet, inputRate, 1);
    if (writer.takeMessages(target, 2) !== 1) throw new Error("no packet");
  });
}

const codes = new Uint8Array(480);
const decoded = new Int16Array(480);
results["encodeMuLaw into an exact array"] = await bytesPerCall(() => codec.encodeMuLaw(input, codes));
results["decodeMuLaw into an exact array"] = await bytesPerCall(() => codec.decodeMuLaw(codes, decoded));

// What the host's views cost in this engine.
let kept;
results["a view"] = await bytesPerCall(() => {
  kept = input.subarray(0, 320);
});
if (kept?.length !== 320) throw new Error("no view");

// To know that the scale shows something.
results["process to a copy"] = await bytesPerCall(() => down.process(input));
console.log(JSON.stringify(results));
