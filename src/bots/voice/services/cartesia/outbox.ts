import type { Frame } from "../../../../pipecat/index.ts";

/** Where frames go, and what to do when there is no room for more. */
export interface OutboxExit {
  /** @returns nothing, or a promise that settles when there is room again */
  push(frame: Frame): void | Promise<void>;
  full(): void;
  room(): void;
}

/**
 * Frames on their way out, in order. While the next processor has no room they wait here; the source is told to stop, so
 * that no more wait than one read from its socket holds.
 */
export class Outbox {
  readonly #exit: OutboxExit;
  #waiting: Frame[] = [];
  #isFull = false;
  #generation = 0;
  readonly #idlers: (() => void)[] = [];

  constructor(exit: OutboxExit) {
    this.#exit = exit;
  }

  add(frame: Frame): void {
    this.#waiting.push(frame);
    if (!this.#isFull) this.#drain();
  }

  /** Drops what waits. */
  clear(): void {
    this.#generation++;
    this.#waiting = [];
    this.#emptied();
  }

  /** Settles when nothing waits. */
  idle(): Promise<void> | undefined {
    if (!this.#isFull && this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  #drain(): void {
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      const room = this.#exit.push(frame);
      if (room instanceof Promise) {
        this.#wait(room);
        return;
      }
    }
    this.#emptied();
  }

  #wait(room: Promise<void>): void {
    const generation = this.#generation;
    if (!this.#isFull) this.#exit.full();
    this.#isFull = true;
    const go = () => {
      if (generation === this.#generation) this.#drain();
    };
    room.then(go, go);
  }

  #emptied(): void {
    if (this.#isFull) this.#exit.room();
    this.#isFull = false;
    for (const idler of this.#idlers.splice(0)) idler();
  }
}
