import { randomUUID } from "node:crypto";
import type { Behaviour } from "./behaviour.ts";

/** The fields of `/collect` that the simulated caller minds (Wavix OpenAPI: CallDtmfCollectRequest). */
export interface CollectSpec {
  max_digits?: number;
  timeout?: number;
  termination_character?: string;
  max_attempts?: number;
}

/** What becomes an `on_call_event` (Wavix OpenAPI: OnCallEventPayload). */
export type ActionEvent = { type: "audio" | "collect"; payload: Record<string, unknown> };

// Not documented; taken when `/collect` leaves them out.
const defaultCollectTimeoutS = 10;
const defaultMaxDigits = 20;

/**
 * `/play` and `/collect` on one call: each tells of its start and of its end by webhook. A new one replaces the one of
 * its kind that is still going on. Prompts and files are not fetched, and not heard by the caller.
 */
export class InCallActions {
  readonly #behaviour: Behaviour;
  readonly #digits: string;
  readonly #tell: (event: ActionEvent) => void;
  #playback: { id: string; timer: NodeJS.Timeout } | null = null;
  #collecting: NodeJS.Timeout | null = null;

  constructor(behaviour: Behaviour, digits: string, tell: (event: ActionEvent) => void) {
    this.#behaviour = behaviour;
    this.#digits = digits;
    this.#tell = tell;
  }

  play(): void {
    this.stopPlaying();
    const id = randomUUID();
    this.#playback = { id, timer: setTimeout(() => this.stopPlaying(), this.#behaviour.playDurationMs) };
    this.#tell({ type: "audio", payload: { status: "started", playback_id: id } });
  }

  stopPlaying(): void {
    if (this.#playback === null) return;
    clearTimeout(this.#playback.timer);
    const { id } = this.#playback;
    this.#playback = null;
    this.#tell({ type: "audio", payload: { status: "completed", playback_id: id } });
  }

  collect(spec: CollectSpec): void {
    if (this.#collecting !== null) clearTimeout(this.#collecting);
    this.#tell({ type: "collect", payload: { digits: "", status: "started" } });
    const attemptsMs = (spec.timeout ?? defaultCollectTimeoutS) * 1000 * (spec.max_attempts ?? 1);
    const pressed = this.#digits !== "" && this.#behaviour.digitsAfterMs < attemptsMs;
    this.#collecting = setTimeout(
      () => {
        this.#collecting = null;
        const payload = pressed
          ? { digits: this.#pressed(spec), status: "completed" }
          : { digits: "", status: "failed" };
        this.#tell({ type: "collect", payload });
      },
      pressed ? this.#behaviour.digitsAfterMs : attemptsMs,
    );
  }

  #pressed({ termination_character: end, max_digits = defaultMaxDigits }: CollectSpec): string {
    const upToEnd = end === undefined || end === "" ? this.#digits : this.#digits.split(end, 1)[0]!;
    return upToEnd.slice(0, max_digits);
  }

  /** The call is over: nothing more is told. */
  close(): void {
    if (this.#playback !== null) clearTimeout(this.#playback.timer);
    if (this.#collecting !== null) clearTimeout(this.#collecting);
    this.#playback = null;
    this.#collecting = null;
  }
}
