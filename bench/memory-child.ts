// memory-child NAME PAIRS: opens many streams, keeps them, and prints by how much each of them made the process grow.
import { chunkLength, outputLength } from "../src/web/bench/chunks.ts";
import { type Pair, pairName, parsePairs } from "../src/web/bench/pairs.ts";
import { noise } from "../src/web/bench/signals.ts";
import { loadPeer } from "./peers/all.ts";
import type { Peer, Stream } from "./peers/peer.ts";

const [name, pairList] = process.argv.slice(2) as [string, string];
const kept: Stream[] = [];

async function openAndUse(peer: Peer, pair: Pair, count: number): Promise<void> {
  const inputs = [0, 1].map((i) => noise(chunkLength(pair.inputRate, i)));
  const outputs = [0, 1].map((i) => new Int16Array(outputLength(pair, i) + peer.slack));
  for (let n = 0; n < count; n++) {
    const stream = await peer.open(pair);
    kept.push(stream);
    // Some take their memory only when they are used. The codec's take none then, and are many.
    if (peer.ownBytesPerStream !== undefined && n > 0) continue;
    for (let i = 0; i < 2; i++) stream.process(inputs[i]!, outputs[i]!);
  }
}

function bytesNow(peer: Peer): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, rss } = process.memoryUsage();
  return peer.ownBytesPerStream === undefined ? rss : heapUsed;
}

const peer = await loadPeer(name);
const result: Record<string, number> = {};
const pairs = parsePairs(pairList);
// Twice the first: only then has the process found its size.
for (const pair of [...pairs.slice(0, 1), ...pairs]) {
  // The first ones bring what all of them share: taps, buffers, compiled code.
  await openAndUse(peer, pair, Math.ceil(peer.memoryStreams / 4));
  const before = bytesNow(peer);
  await openAndUse(peer, pair, peer.memoryStreams);
  const grown = Math.max(0, Math.round((bytesNow(peer) - before) / peer.memoryStreams));
  result[pairName(pair)] = grown + (peer.ownBytesPerStream?.(pair) ?? 0);
}
console.log(JSON.stringify(result));
