import type { Pair } from "../../src/web/bench/pairs.ts";

/** One stream of a resampler in this process. */
export interface Stream {
  /** Resamples 20 ms; the result may be `output`, a view of it, or an array of the resampler's own. */
  process(input: Int16Array, output: Int16Array): Int16Array;
  close(): void;
}

/** A resampler that runs in this process. */
export interface Peer {
  /** As in the results; for a package, its name. */
  readonly name: string;
  readonly version: string;
  /** How it was set. */
  readonly setting: string;
  /** Below this SINAD the result is no resampling: said in the table, and not a reason to stop. */
  readonly lowestSinadDb: number;
  /** Samples by which its output may exceed what is due: some catch up after a chunk. */
  readonly slack: number;
  /** How many streams are opened to find what one takes; 0 of what keeps no state, and so takes nothing. */
  readonly memoryStreams: number;
  open(pair: Pair): Stream | Promise<Stream>;
  /** Bytes of a stream outside of the JavaScript heap; only where they are known exactly, as of the codec's variants. */
  ownBytesPerStream?(pair: Pair): number;
}
