/** What happened in the conversations of a bot; counts that only rise. The names are those of `/metrics`. */
export interface VoiceCounters {
  [event: string]: number;
  /** Turns of callers. */
  turns: number;
  /** Answers that a caller interrupted. */
  interruptions: number;
  /** What was not enough to interrupt one. */
  false_starts: number;
  /** Failures of services, and how often a caller was told. */
  troubles: number;
  apologies: number;
}

/** Anything that counts: a service of one call. */
export interface Counting {
  readonly counters: object;
}

/** Adds up what the services of all conversations count. Those of a conversation that is over are kept as numbers only. */
export class Tally {
  readonly own: VoiceCounters = { turns: 0, interruptions: 0, false_starts: 0, troubles: 0, apologies: 0 };
  readonly #ended: Record<string, number> = {};
  readonly #live = new Set<Readonly<Record<string, Counting>>>();

  /**
   * @param services by the beginning of their counters' names: `stt`
   * @returns to be called when the conversation is over
   */
  follow(services: Readonly<Record<string, Counting>>): () => void {
    this.#live.add(services);
    return () => {
      if (this.#live.delete(services)) addUp(this.#ended, services);
    };
  }

  get counters(): Record<string, number> {
    const sum = { ...this.own, ...this.#ended };
    for (const services of this.#live) addUp(sum, services);
    return sum;
  }
}

function addUp(sum: Record<string, number>, services: Readonly<Record<string, Counting>>): void {
  for (const [prefix, { counters }] of Object.entries(services)) {
    for (const [name, count] of Object.entries(counters) as [string, number][]) {
      const key = `${prefix}_${name}`;
      sum[key] = (sum[key] ?? 0) + count;
    }
  }
}
