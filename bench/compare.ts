import { chunkLength, chunksOf, outputLength } from "../src/web/bench/chunks.ts";
import { type Pair, pairName } from "../src/web/bench/pairs.ts";
import { type Convert, measureQuality } from "../src/web/bench/quality.ts";
import { forgetSines, noise } from "../src/web/bench/signals.ts";
import { convertNative, type NativeLibrary, type NativeTimer } from "./native/native.ts";
import { VARIANTS } from "./peers/codec.ts";
import type { Peer, Stream } from "./peers/peer.ts";
import type { Result } from "./report.ts";
import { type RoundOptions, timeInRounds } from "./rounds.ts";

export interface Comparison {
  readonly rows: Omit<Result, "bytesPerStream">[];
  /** Who gave out something else than the input at another rate: timed all the same, and said. */
  readonly incorrect: string[];
}

export interface ComparisonOptions extends RoundOptions {
  readonly peers: readonly Peer[];
  readonly libraries: readonly NativeLibrary[];
  readonly timer: NativeTimer | undefined;
  readonly toneSeconds: number;
}

const NATIVE_LOWEST_SINAD_DB = 70;

/**
 * Compares all contenders at one pair of rates. What they give out is looked at before anything is timed.
 *
 * @throws Error when two variants of the codec differ in a single bit, or have lost their quality
 */
export async function comparePair(pair: Pair, options: ComparisonOptions): Promise<Comparison> {
  const { peers, libraries, timer } = options;
  await assertSameBits(peers, pair);
  const contenders = [
    ...peers.map((peer) => ({ ...peer, convert: convertHere(peer, pair) })),
    ...libraries.map((library) => ({
      ...library,
      lowestSinadDb: NATIVE_LOWEST_SINAD_DB,
      convert: convertNative(library, pair),
    })),
  ];
  const incorrect: string[] = [];
  const rows: Omit<Result, "bytesPerStream" | "nsPer20ms">[] = [];
  for (const { name, convert, lowestSinadDb } of contenders) {
    // What the first variant gives, the others give too, to the last bit.
    const same = isVariant(name) ? rows.find((row) => isVariant(row.name)) : undefined;
    const quality = same ?? (await measureQuality(convert, pair, options.toneSeconds));
    if (!((quality.sinadDb ?? 0) >= lowestSinadDb)) {
      if (isVariant(name)) throw new Error(`${name} has a SINAD of ${quality.sinadDb} dB at ${pairName(pair)}`);
      incorrect.push(name);
    }
    rows.push({ ...quality, pair: pairName(pair), name });
  }
  forgetSines();

  const streams: Stream[] = [];
  for (const peer of peers) streams.push(await peer.open(pair));
  const times = await timeInRounds(
    [
      ...streams.map((stream, i) => timedStream(stream, pair, peers[i]!.slack)),
      ...libraries.map((library) => (count: number) => timer!.time(library, pair, count)),
    ],
    options,
  );
  for (const stream of streams) stream.close();
  return {
    rows: rows.map(({ pair, name, ...quality }, i) => ({ pair, name, nsPer20ms: times[i]!, ...quality })),
    incorrect,
  };
}

/** From a caller's array to a caller's array, in 20 ms; two of them in turns, as 11025 Hz has no even number. */
function timedStream(stream: Stream, pair: Pair, slack: number): (count: number) => number {
  const samples = noise(2 * chunkLength(pair.inputRate, 1)).map((sample) => sample >> 2);
  const inputs = [0, 1].map((i) => samples.slice(0, chunkLength(pair.inputRate, i)));
  const outputs = [0, 1].map((i) => new Int16Array(outputLength(pair, i) + slack));
  return (count) => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) stream.process(inputs[i & 1]!, outputs[i & 1]!);
    return (performance.now() - startedAt) * 1e6;
  };
}

/** A new stream for each signal; results are copied, as some use one array again and again. */
function convertHere(peer: Peer, pair: Pair): Convert {
  return async (chunks) => {
    const stream = await peer.open(pair);
    const outputs = chunks.map((chunk, i) => {
      return stream.process(chunk, new Int16Array(outputLength(pair, i & 1) + peer.slack)).slice();
    });
    stream.close();
    return outputs;
  };
}

const isVariant = (name: string) => (VARIANTS as readonly string[]).includes(name);

/** All variants of the codec must agree on what they give out for a second of noise at full scale. */
async function assertSameBits(peers: readonly Peer[], pair: Pair): Promise<void> {
  const variants = peers.filter(({ name }) => isVariant(name));
  const chunks = chunksOf(noise(pair.inputRate), pair.inputRate);
  const outputs: string[] = [];
  for (const variant of variants) outputs.push((await convertHere(variant, pair)(chunks)).join());
  const wrong = variants.filter((_, i) => outputs[i] !== outputs[0]).map(({ name }) => name);
  if (wrong.length > 0) throw new Error(`${wrong.join(" and ")} differ from ${variants[0]!.name} at ${pairName(pair)}`);
}
