import { randomUUID } from "node:crypto";
import type { Behaviour } from "./behaviour.ts";
import { Collection, type CollectSpec } from "./collection.ts";
import { type Outcome, refusal } from "./stream-set.ts";

/** What becomes an `on_call_event` (Wavix OpenAPI: OnCallEventPayload). */
export type ActionEvent = { type: "audio" | "collect"; payload: Record<string, unknown> };

/**
 * `/play` and `/collect` on one call: each tells of its start and of its end by webhook. A new `/play` ends the one that
 * is still going on. Prompts and files are not fetched, and not heard by the caller.
 */
export class InCallActions {
  readonly #behaviour: Behaviour;
  readonly #digits: string;
  readonly #tell: (event: ActionEvent) => void;
  #playback: { id: string; timer: NodeJS.Timeout } | null = null;
  #collection: Collection | null = null;
  #answering: NodeJS.Timeout | undefined;

  /** @param digits the keys that the caller answers each `/collect` with */
  constructor(behaviour: Behaviour, digits: string, tell: (event: ActionEvent) => void) {
    this.#behaviour = behaviour;
    this.#digits = digits;
    this.#tell = tell;
  }

  play(): Outcome {
    this.stopPlaying();
    const id = randomUUID();
    this.#playback = { id, timer: setTimeout(() => this.stopPlaying(), this.#behaviour.playDurationMs) };
    this.#tell({ type: "audio", payload: { status: "started", playback_id: id } });
    return { ok: true };
  }

  stopPlaying(): Outcome {
    if (this.#playback === null) return { ok: true };
    clearTimeout(this.#playback.timer);
    const { id } = this.#playback;
    this.#playback = null;
    this.#tell({ type: "audio", payload: { status: "completed", playback_id: id } });
    return { ok: true };
  }

  collect(spec: CollectSpec): Outcome {
    if (this.#collection !== null && this.#behaviour.secondCollect === "refuse") {
      return refusal("id", "Digits are already being collected on this call");
    }
    this.#dropCollection();
    this.#tell({ type: "collect", payload: { digits: "", status: "started" } });
    const collection = new Collection(spec, this.#behaviour, (collected) => {
      clearTimeout(this.#answering);
      this.#collection = null;
      this.#tell({ type: "collect", payload: { ...collected } });
    });
    this.#collection = collection;
    if (this.#digits !== "") {
      this.#answering = setTimeout(() => {
        for (const key of this.#digits) collection.press(key);
        collection.complete();
      }, this.#behaviour.digitsAfterMs);
    }
    return { ok: true };
  }

  /** The caller presses a key. Nobody hears it but a `/collect`. */
  press(key: string): void {
    this.#collection?.press(key);
  }

  /** The call is over: nothing more is told. */
  close(): void {
    if (this.#playback !== null) clearTimeout(this.#playback.timer);
    this.#playback = null;
    this.#dropCollection();
  }

  #dropCollection(): void {
    clearTimeout(this.#answering);
    this.#collection?.drop();
    this.#collection = null;
  }
}
