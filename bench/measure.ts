import { type Pair, pairName } from "../src/web/bench/pairs.ts";
import { comparePair } from "./compare.ts";
import { describeMachine } from "./machine.ts";
import { bytesPerStream, nativeBytes } from "./memory.ts";
import { measureMessagePath } from "./message-path.ts";
import { buildNative, type NativeLibrary, NativeTimer } from "./native/native.ts";
import { loadPeer, peerNames } from "./peers/all.ts";
import { installPackages, isInstalled, PACKAGES } from "./peers/packages.ts";
import type { Peer } from "./peers/peer.ts";
import type { Report, Result } from "./report.ts";
import { measureStreams } from "./streams.ts";

export interface MeasureOptions {
  readonly pairs: readonly Pair[];
  /** Fewer rounds and shorter tones: a rough idea. */
  readonly quick: boolean;
  /** Is told what is missing. */
  readonly say: (text: string) => void;
  /** Is told, before each step, what it is, and how many are done of how many. */
  readonly onStep: (label: string, done: number, total: number) => void;
}

/**
 * Measures everything.
 *
 * @throws Error when the codec is not correct
 */
export async function measure({ pairs, quick, say, onStep }: MeasureOptions): Promise<Report> {
  installPackages(say);
  const libraries = buildNative();
  const missing = leftOut(libraries);
  for (const note of missing) say(note);
  const peers: Peer[] = [];
  for (const name of peerNames()) peers.push(await loadPeer(name));

  let done = 0;
  const step = (label: string) => onStep(label, done++, pairs.length + 3);
  const rounds = { rounds: quick ? 11 : 25, roundMs: 2 };
  // First, while the engine has met one variant only, as in a server.
  step("messages");
  const speex = peers.find(({ name }) => name === "speex-resampler");
  const messagePath = await measureMessagePath(speex, { ...rounds, rounds: 2 * rounds.rounds });

  const rows: Omit<Result, "bytesPerStream">[] = [];
  const incorrect: { name: string; pair: string }[] = [];
  {
    using timer = libraries.length > 0 ? new NativeTimer() : undefined;
    const options = { peers, libraries, timer, toneSeconds: quick ? 1 : 1.5, ...rounds };
    for (const pair of pairs) {
      step(pairName(pair));
      const comparison = await comparePair(pair, options);
      rows.push(...comparison.rows);
      incorrect.push(...comparison.incorrect.map((name) => ({ name, pair: pairName(pair) })));
    }
  }

  step("memory");
  const bytes: Record<string, Record<string, number | null>> = {};
  for (const peer of peers) bytes[peer.name] = bytesPerStream(peer, pairs);
  for (const library of libraries) bytes[library.name] = nativeBytes(library, pairs);
  const results = rows.map((row) => ({ ...row, bytesPerStream: bytes[row.name]?.[row.pair] ?? null }));
  step("streams");
  return {
    results,
    messagePath,
    streams: measureStreams(),
    machine: describeMachine(),
    contenders: [...peers, ...libraries].map(({ name, version, setting }) => ({ name, version, setting })),
    notes: [...missing, ...incorrectNotes(incorrect, pairs.length)],
  };
}

function leftOut(libraries: readonly NativeLibrary[]): string[] {
  const native = ["libsoxr", "libspeexdsp"].filter((name) => !libraries.some((library) => library.name === name));
  return [
    ...PACKAGES.filter((name) => !isInstalled(name)).map((name) => `${name} is left out: it is not installed`),
    ...native.map((name) => `native ${name} is left out: no C compiler, or no ${name}-dev`),
  ];
}

/** One line for each that did not resample, with the pairs where it did not. */
function incorrectNotes(incorrect: readonly { name: string; pair: string }[], pairCount: number): string[] {
  return [...new Set(incorrect.map(({ name }) => name))].map((name) => {
    const where = incorrect.filter((entry) => entry.name === name).map(({ pair }) => pair);
    const all = where.length === pairCount ? "every pair" : where.join(", ");
    return `${name} is not correct in chunks of 20 ms, at ${all}: its SINAD is below the floor set for it`;
  });
}
