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
  /** How long a worker may live on after its last call, when a bot's module does not let go of it, in ms. */
  readonly exitMs: number;
}

export const defaultLimits: PoolLimits = {
  beatMs: 1_000,
  hungAfterBeats: 10,
  startMs: 60_000,
  askMs: 1_000,
  exitMs: 3_000,
};
