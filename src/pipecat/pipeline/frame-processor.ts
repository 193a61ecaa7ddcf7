import { CancelFrame, ErrorFrame, type Frame, InterruptionFrame, SystemFrame } from "../frames.ts";
import { Lane } from "./lane.ts";
import { CancellableRun, type FrameDirection, type ProcessRun } from "./run.ts";

export type { FrameDirection, ProcessRun } from "./run.ts";

/** Where a processor stands. @internal */
export interface Place {
  next: FrameProcessor | undefined;
  previous: FrameProcessor | undefined;
  /** Told of every frame that goes from one to another. */
  pushed(source: FrameProcessor, destination: FrameProcessor, frame: Frame, direction: FrameDirection): void;
}

/**
 * One stage of a pipeline: takes frames from its neighbours, passes frames on.
 *
 * System frames are handled at once, ahead of the others and while one of those is still being handled. The others, one
 * at a time, in order. An `InterruptionFrame` drops what is queued and cancels what is being handled, except frames that
 * cannot be interrupted (`EndFrame`, `StopFrame`); then it is handled itself.
 *
 * A handler that throws or rejects makes an `ErrorFrame`, which travels upstream; the next frame is handled all the same.
 *
 * @example
 * class Shout extends FrameProcessor {
 *   override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
 *     if (frame instanceof LLMTextFrame) return run.pushFrame(new LLMTextFrame({ text: frame.text.toUpperCase() }));
 *     return run.pushFrame(frame, direction);
 *   }
 * }
 */
export abstract class FrameProcessor {
  /** For people, and in errors. */
  readonly name: string;
  readonly #system: Lane;
  readonly #other: Lane;
  #place: Place | undefined;
  #overflowed = false;

  constructor(options: { name?: string } = {}) {
    this.name = options.name ?? this.constructor.name;
    const handler = {
      begin: (frame: Frame) => new CancellableRun(frame, this.#push),
      handle: (run: CancellableRun, direction: FrameDirection) => this.#handle(run, direction),
    };
    this.#system = new Lane(handler);
    this.#other = new Lane(handler);
  }

  /** Handles a frame; passes it on unless overridden. Whoever overrides it passes on what it does not consume. */
  processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    return run.pushFrame(frame, direction);
  }

  /** Called once when the pipeline is over, however it ended: closes sockets, clears timers. */
  cleanup(): void | Promise<void> {}

  /**
   * Takes a frame from a neighbour. One that waits behind 5000 others is dropped, with an `ErrorFrame` that is fatal.
   *
   * @returns nothing, or a promise that settles when there is room again: 100 frames may wait before a pusher should
   */
  queueFrame(frame: Frame, direction: FrameDirection = "downstream"): void | Promise<void> {
    if (this.#place === undefined) return;
    if (frame instanceof InterruptionFrame) this.#other.clear("uninterruptible");
    else if (frame instanceof CancelFrame) {
      this.#other.clear("nothing");
      this.#system.clear("nothing");
    }
    const added = (frame instanceof SystemFrame ? this.#system : this.#other).add(frame, direction);
    if (added === true) return;
    if (added !== false) return added;
    // Once: what floods goes on flooding.
    if (!this.#overflowed) this.pushError("too many frames wait", { fatal: true });
    this.#overflowed = true;
  }

  /**
   * Passes on what no handling brought forth, such as what came over a socket.
   *
   * @returns nothing, or a promise that settles when the next processor has room again
   */
  protected pushFrame(frame: Frame, direction: FrameDirection = "downstream"): void | Promise<void> {
    return this.#push(frame, direction);
  }

  /** Says that something failed: an `ErrorFrame`, upstream. `fatal`: this processor cannot go on. */
  protected pushError(error: string, options: { fatal?: boolean; exception?: unknown } = {}): void {
    const processor = this.name;
    void this.#push(new ErrorFrame({ ...options, error: `${processor}: ${error}`, processor }), "upstream");
  }

  /** Tells both sides: makes a frame for each. Downstream has it first. */
  protected broadcastFrame(make: () => Frame): void {
    void this.#push(make(), "downstream");
    void this.#push(make(), "upstream");
  }

  /** Puts it into a pipeline. @internal */
  link(place: Place): void {
    if (this.#place !== undefined) throw new Error(`${this.name} is already part of a pipeline`);
    this.#place = place;
  }

  /** Takes it out of its pipeline: what comes now is dropped. @internal */
  unlink(): void {
    this.#other.clear("nothing");
    this.#system.clear("nothing");
    this.#place = undefined;
  }

  readonly #push = (frame: Frame, direction: FrameDirection): void | Promise<void> => {
    const place = this.#place;
    const destination = direction === "downstream" ? place?.next : place?.previous;
    if (place === undefined || destination === undefined) return;
    place.pushed(this, destination, frame, direction);
    return destination.queueFrame(frame, direction);
  };

  #handle(run: CancellableRun, direction: FrameDirection): void | Promise<void> {
    try {
      const handling = this.processFrame(run.frame, direction, run);
      if (handling instanceof Promise) return handling.catch((error) => this.#failed(run, error));
    } catch (error) {
      this.#failed(run, error);
    }
  }

  /** What a cancelled handling trips over is the cancelling. */
  #failed(run: CancellableRun, exception: unknown): void {
    if (!run.isCancelled)
      this.pushError(exception instanceof Error ? exception.message : String(exception), { exception });
  }
}
