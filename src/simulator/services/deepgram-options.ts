import type { DeepgramFault } from "./deepgram-faults.ts";
import type { Utterances } from "./spoken-script.ts";

/** How a stand-in for Deepgram is to be; nothing has to be given. Times are in ms of the caller's audio. */
export interface DeepgramStandInOptions {
  /** Port on 127.0.0.1; 0: any that is free. */
  readonly port?: number;
  /** The key it accepts; without one, any. */
  readonly apiKey?: string;
  /** What is understood of the stretches of sound, in turn. */
  readonly utterances?: Utterances;
  /** Silence that ends a stretch when nova's query names none; the service's own default is 10. */
  readonly endpointingMs?: number;
  /** How long a word takes to appear while the sound lasts; 300. */
  readonly msPerWord?: number;
  /** Interim results of nova (1000, as the service) and Updates of Flux (250, as the service). */
  readonly interimEveryMs?: number;
  /** A nova segment is final after this long even while the sound lasts; 5000. */
  readonly finalEveryMs?: number;
  /** Flux: the silence after which its confidence in the end of the turn is full; 400. At a threshold of 0.7: 280. */
  readonly certainMs?: number;
  /** Root mean square, of 32768, from which audio is sound; 300. */
  readonly soundThreshold?: number;
  /** How late every message goes out, in ms of the clock; 0. */
  readonly delayMs?: number;
  /** Silence of the client, in ms of the clock, after which its connection is closed; as the service by default. */
  readonly idleTimeoutMs?: number;
  /** Told of every message in the moment it goes out, and on which connection, counted from 0. */
  readonly onSent?: (message: unknown, connection: number) => void;
  readonly faults?: readonly DeepgramFault[];
}

/** The options that a connection needs, complete. */
export interface ListenPace {
  readonly msPerWord: number;
  readonly interimEveryMs: number | undefined;
  readonly finalEveryMs: number;
  readonly certainMs: number;
  readonly soundThreshold: number;
  readonly delayMs: number;
  readonly idleTimeoutMs: number | undefined;
}

/** @throws RangeError for a time or a threshold that is none */
export function completePace(options: DeepgramStandInOptions): ListenPace {
  const pace = {
    msPerWord: options.msPerWord ?? 300,
    finalEveryMs: options.finalEveryMs ?? 5000,
    certainMs: options.certainMs ?? 400,
    soundThreshold: options.soundThreshold ?? 300,
    delayMs: options.delayMs ?? 0,
    interimEveryMs: options.interimEveryMs,
    idleTimeoutMs: options.idleTimeoutMs,
  };
  for (const [name, value] of Object.entries(pace)) {
    if (value === undefined) continue;
    const least = name === "delayMs" ? 0 : 1;
    if (!(value >= least && value <= 3_600_000)) {
      throw new RangeError(`${name} must be a number from ${least} to 3600000, not ${value}`);
    }
  }
  return pace;
}
