import { CLOSE_BOTS_MS } from "../close-bots.ts";

/** Times of a pool, which only tests change. */
export interface PoolLimits {
  /** How often a worker says how it is, in ms. */
  readonly beatMs: number;
  /** A worker that is silent for so many beats hangs, and is killed. */
  readonly hungAfterBeats: number;
  /** How long a worker may take to load its bots, in ms. */
  readonly startMs: number;
  /** How long a worker may take to say what calls it has, in ms. */
  readonly askMs: number;
  /** How long a worker may live on after its last call: its bots close, or their modules do not let go of it. In ms. */
  readonly exitMs: number;
}

export const defaultLimits: PoolLimits = {
  beatMs: 1_000,
  hungAfterBeats: 10,
  startMs: 60_000,
  askMs: 1_000,
  exitMs: CLOSE_BOTS_MS + 3_000,
};
