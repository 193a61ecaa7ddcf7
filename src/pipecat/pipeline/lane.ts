import type { Frame } from "../frames.ts";
import type { CancellableRun, FrameDirection } from "./run.ts";

/** Whoever pushes more than this many frames ahead is asked to wait. */
const ROOMY_FRAMES = 100;
/** Nobody who waits when asked gets here: what comes beyond it is refused. */
const MAX_FRAMES = 5_000;

interface Entry {
  readonly frame: Frame;
  readonly direction: FrameDirection;
}

/** How a processor handles frames. Neither of the two throws or rejects. */
export interface Handler {
  begin(frame: Frame): CancellableRun;
  /** @returns a promise when it takes time */
  handle(run: CancellableRun, direction: FrameDirection): void | Promise<void>;
}

/**
 * The frames that wait at a processor, of one kind: system frames have a lane of their own, and so overtake the others.
 * One at a time is handled. A handler that needs no promise is done in the tick of whoever pushes.
 */
export class Lane {
  readonly #queue: Entry[] = [];
  readonly #handler: Handler;
  readonly #roomWaiters: (() => void)[] = [];
  #running: CancellableRun | undefined;
  #isDriving = false;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  /** @returns false when there is no room at all; a promise when there soon will be none */
  add(frame: Frame, direction: FrameDirection): boolean | Promise<void> {
    if (this.#queue.length >= MAX_FRAMES) return false;
    this.#queue.push({ frame, direction });
    this.#drive();
    if (this.#queue.length < ROOMY_FRAMES) return true;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Forgets what waits and cancels what is being handled: all but `keep`. */
  clear(keep: "uninterruptible" | "nothing"): void {
    const kept = keep === "nothing" ? [] : this.#queue.filter(({ frame }) => frame.isUninterruptible);
    this.#queue.splice(0, Number.POSITIVE_INFINITY, ...kept);
    const running = this.#running;
    if (running !== undefined && (keep === "nothing" || !running.frame.isUninterruptible)) {
      this.#running = undefined;
      running.cancel();
    }
    this.#drive();
  }

  #drive(): void {
    if (this.#isDriving) return;
    this.#isDriving = true;
    while (this.#running === undefined) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      const run = this.#handler.begin(next.frame);
      this.#running = run;
      const handling = this.#handler.handle(run, next.direction);
      if (handling === undefined) this.#done(run);
      else void handling.then(() => this.#done(run)).then(() => this.#drive());
    }
    this.#isDriving = false;
    if (this.#queue.length < ROOMY_FRAMES) for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  /** What was cancelled meanwhile is no longer the one that counts. */
  #done(run: CancellableRun): void {
    if (this.#running === run) this.#running = undefined;
  }
}
