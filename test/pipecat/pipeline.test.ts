import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  CancelFrame,
  CancelWorkerFrame,
  EndFrame,
  EndWorkerFrame,
  ErrorFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InputAudioRawFrame,
  InterruptionFrame,
  type Pipeline,
  type PipelineOptions,
  type ProcessRun,
  pipeline,
  StartFrame,
  TextFrame,
  UserStartedSpeakingFrame,
} from "../../src/pipecat/index.ts";

/** Writes down what gets here. */
class Recorder extends FrameProcessor {
  readonly frames: Frame[] = [];
  cleanups = 0;
  onFrame: (frame: Frame) => void = () => {};

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    this.frames.push(frame);
    this.onFrame(frame);
    return run.pushFrame(frame, direction);
  }

  override cleanup() {
    this.cleanups++;
  }

  get seen(): string[] {
    return this.frames.map(word);
  }
}

const word = (frame: Frame) => (frame instanceof TextFrame ? frame.text : frame.constructor.name.replace("Frame", ""));

type Handle = (frame: Frame, run: ProcessRun, processor: FrameProcessor) => void | Promise<void>;

/** A processor that does what a test says. */
class Scripted extends FrameProcessor {
  readonly #handle: Handle;

  constructor(handle: Handle) {
    super({ name: "scripted" });
    this.#handle = handle;
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    if (direction === "upstream" || frame instanceof StartFrame) return run.pushFrame(frame, direction);
    return this.#handle(frame, run, this);
  }

  override pushFrame(frame: Frame, direction?: FrameDirection) {
    return super.pushFrame(frame, direction);
  }
}

/** Text takes time, until a test lets it through; other frames go on at once. */
class Slow extends Scripted {
  readonly waiting: (() => void)[] = [];
  readonly aborted: string[] = [];

  constructor() {
    super(async (frame, run) => {
      if (!(frame instanceof TextFrame)) return run.pushFrame(frame);
      run.signal.addEventListener("abort", () => this.aborted.push(frame.text));
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      await run.pushFrame(frame);
    });
  }
}

const text = (word: string) => new TextFrame({ text: word });
const settle = () => new Promise((resolve) => setImmediate(resolve));

function opened(processors: FrameProcessor[], options?: PipelineOptions): { line: Pipeline; over: Promise<void> } {
  const line = pipeline(processors, options);
  return { line, over: line.run() };
}

describe("a pipeline", () => {
  it("starts with a StartFrame of its rates, passes frames on, and is over when the EndFrame is through", async () => {
    const [first, last] = [new Recorder(), new Recorder()];
    const { line, over } = opened([first, last], { audioInSampleRate: 8_000 });
    expect((last.frames[0] as StartFrame).audioInSampleRate).toBe(8_000);
    line.queueFrame(text("one"));
    line.queueFrame(new EndFrame({ reason: "done" }));
    await over;
    expect(last.seen).toEqual(["Start", "one", "End"]);
    expect([first.cleanups, last.cleanups]).toEqual([1, 1]);
    line.queueFrame(text("late"));
    line.cancel();
    expect(first.frames.length).toBe(3);
  });

  it("passes a frame through synchronous processors in the tick of whoever pushes", () => {
    const last = new Recorder();
    const { line } = opened([new Recorder(), new Recorder(), last]);
    line.queueFrame(text("now"));
    line.queueFrame(new InterruptionFrame());
    expect(last.seen).toEqual(["Start", "now", "Interruption"]);
    line.cancel();
  });

  it("handles data in order, one at a time, and system frames ahead of it", async () => {
    const [slow, last] = [new Slow(), new Recorder()];
    const { line, over } = opened([slow, last]);
    for (const name of ["one", "two", "three"]) line.queueFrame(text(name));
    line.queueFrame(new UserStartedSpeakingFrame());
    expect(last.seen).toEqual(["Start", "UserStartedSpeaking"]);
    expect(slow.waiting.length).toBe(1);
    line.queueFrame(new EndFrame());
    for (let at = 0; at < 3; at++) {
      slow.waiting[at]?.();
      await settle();
    }
    await over;
    expect(last.seen).toEqual(["Start", "UserStartedSpeaking", "one", "two", "three", "End"]);
  });

  it("drops what is queued and what is being handled at an interruption, and nothing of it comes later", async () => {
    const [slow, last] = [new Slow(), new Recorder()];
    const { line, over } = opened([slow, last]);
    line.queueFrame(text("running"));
    line.queueFrame(text("queued"));
    line.queueFrame(new InterruptionFrame());
    line.queueFrame(text("next"));
    expect(slow.aborted).toEqual(["running"]);
    // The cancelled one comes to its end behind the one that follows.
    slow.waiting[1]?.();
    await settle();
    slow.waiting[0]?.();
    await settle();
    expect(last.seen).toEqual(["Start", "Interruption", "next"]);
    line.queueFrame(new EndFrame());
    await over;
  });

  it("does not interrupt an EndFrame, neither queued nor being handled", async () => {
    const [slow, last] = [new Slow(), new Recorder()];
    let drained = () => {};
    const draining = new Scripted(async (frame, run) => {
      if (frame instanceof EndFrame) await new Promise<void>((resolve) => (drained = resolve));
      await run.pushFrame(frame);
    });
    const { line, over } = opened([slow, draining, last]);
    line.queueFrame(text("running"));
    line.queueFrame(new EndFrame());
    // The caller's frames do not come through `queueFrame` of the pipeline, which has taken its end.
    slow.queueFrame(new InterruptionFrame());
    await settle();
    slow.queueFrame(new InterruptionFrame());
    await settle();
    expect(last.seen).toEqual(["Start", "Interruption", "Interruption"]);
    drained();
    await over;
    expect(last.seen.at(-1)).toBe("End");
  });

  it("cancels everything, system frames and EndFrames too", async () => {
    const [last, stuck] = [new Recorder(), new Scripted(() => new Promise(() => {}))];
    const passing = new Scripted((frame, run) => run.pushFrame(frame));
    const { line, over } = opened([passing, stuck, last]);
    line.queueFrame(new UserStartedSpeakingFrame());
    line.queueFrame(text("one"));
    line.queueFrame(new EndFrame());
    line.cancel("drain");
    await over;
    expect(last.cleanups).toBe(1);
  });

  it("turns what a handler throws, and what it rejects with, into an ErrorFrame upstream, and goes on", async () => {
    const [first, last] = [new Recorder(), new Recorder()];
    const errors: ErrorFrame[] = [];
    const failing = new Scripted((frame, run) => {
      if (frame instanceof TextFrame && frame.text === "throw") throw new RangeError("no such voice");
      if (frame instanceof TextFrame && frame.text === "reject") return Promise.reject(new Error("gone"));
      return run.pushFrame(frame);
    });
    const { line, over } = opened([first, failing, last], { onError: (frame) => errors.push(frame) });
    for (const name of ["throw", "reject", "well"]) line.queueFrame(text(name));
    line.queueFrame(new EndFrame());
    await over;
    expect(errors.map(({ error, fatal }) => [error, fatal])).toEqual([
      ["scripted: no such voice", false],
      ["scripted: gone", false],
    ]);
    expect(errors[0]?.exception).toBeInstanceOf(RangeError);
    expect(first.seen).toContain("Error");
    expect(last.seen).toEqual(["Start", "well", "End"]);
  });

  it("says nothing of what a cancelled handler throws", async () => {
    const onError = vi.fn();
    const aborting = new Scripted(async (frame, run) => {
      if (!(frame instanceof TextFrame)) return run.pushFrame(frame);
      await new Promise((_, reject) => run.signal.addEventListener("abort", () => reject(run.signal.reason)));
    });
    const { line, over } = opened([aborting], { onError });
    line.queueFrame(text("one"));
    line.queueFrame(new InterruptionFrame());
    await settle();
    line.queueFrame(new EndFrame());
    await over;
    expect(onError).not.toHaveBeenCalled();
  });

  it("ends with a fatal error when nobody looks after errors, and leaves it to whoever does", async () => {
    const fatal = () =>
      new Scripted((frame, run, processor) => {
        if (frame instanceof TextFrame) {
          return processor.queueFrame(new ErrorFrame({ error: "no credit", fatal: true, exception: 402 }), "upstream");
        }
        return run.pushFrame(frame);
      });
    const alone = opened([fatal()]);
    alone.line.queueFrame(text("one"));
    await expect(alone.over).rejects.toMatchObject({ code: "PIPELINE_FAILED", message: "no credit", cause: 402 });

    const onError = vi.fn();
    const minded = opened([fatal()], { onError });
    minded.line.queueFrame(text("one"));
    expect(onError).toHaveBeenCalledTimes(1);
    minded.line.queueFrame(new EndFrame());
    await minded.over;
  });

  it("ends when a listener throws", async () => {
    const { over } = opened([new Recorder()], {
      onPushFrame() {
        throw new Error("listener");
      },
    });
    await expect(over).rejects.toMatchObject({ code: "PIPELINE_FAILED" });
  });

  it("ends, or is cancelled, when a processor asks for it upstream", async () => {
    const [slow, last] = [new Slow(), new Recorder()];
    const asking = new Scripted((frame, run) => run.pushFrame(frame));
    const { line, over } = opened([slow, asking, last]);
    line.queueFrame(text("one"));
    asking.pushFrame(new EndWorkerFrame({ reason: "goodbye" }), "upstream");
    await settle();
    slow.waiting[0]?.();
    await over;
    expect(last.seen).toEqual(["Start", "one", "End"]);
    expect((last.frames.at(-1) as EndFrame).reason).toBe("goodbye");

    const [other, behind] = [new Scripted((frame, run) => run.pushFrame(frame)), new Recorder()];
    const cancelled = opened([new Slow(), other, behind]);
    cancelled.line.queueFrame(text("one"));
    other.pushFrame(new CancelWorkerFrame({ reason: "gone" }), "upstream");
    await cancelled.over;
    expect(behind.frames.at(-1)).toBeInstanceOf(CancelFrame);
  });

  it("asks whoever is 100 frames ahead to wait, and refuses 5000 of one who does not", async () => {
    const errors: ErrorFrame[] = [];
    const slow = new Slow();
    const { line, over } = opened([slow], { onError: (frame) => errors.push(frame) });
    const answers = Array.from({ length: 101 }, (_, at) => slow.queueFrame(text(String(at))));
    expect(answers.slice(0, 100).every((answer) => answer === undefined)).toBe(true);
    const waiting = answers[100] as Promise<void>;
    expect(waiting).toBeInstanceOf(Promise);
    slow.waiting[0]?.();
    await waiting;
    for (let at = 0; at < 5_200; at++) void slow.queueFrame(text("flood"));
    expect(errors.map(({ error, fatal }) => [error, fatal])).toEqual([["scripted: too many frames wait", true]]);
    // What waits for room does not wait for ever.
    const last = slow.queueFrame(new InputAudioRawFrame({ audio: new Int16Array(1), sampleRate: 8000 }));
    expect(last).toBeUndefined();
    line.cancel();
    await over;
  });

  it("lets nobody wait for room at a processor that is interrupted", async () => {
    const slow = new Slow();
    const { line } = opened([slow]);
    let waiting: unknown;
    for (let at = 0; at <= 100; at++) waiting = slow.queueFrame(text(String(at)));
    line.queueFrame(new InterruptionFrame());
    await waiting;
    line.cancel();
  });

  it("refuses a processor that is part of a pipeline, and frames before it runs", () => {
    const used = new Recorder();
    const first = pipeline([used]);
    expect(() => pipeline([used])).toThrow("Recorder is already part of a pipeline");
    expect(() => first.queueFrame(text("one"))).toThrow("does not run yet");
    first.cancel();
  });

  it("waits for cleanups, and not for ever", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      class Stubborn extends FrameProcessor {
        override cleanup() {
          return new Promise<void>(() => {});
        }
      }
      class Throwing extends FrameProcessor {
        override cleanup() {
          throw new Error("cleanup");
        }
      }
      const { line, over } = opened([new Stubborn(), new Throwing()]);
      line.queueFrame(new EndFrame());
      await vi.advanceTimersByTimeAsync(5_000);
      await over;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  /**
   * A processor that takes its time, and interruptions that come at any moment: whatever order things happen in, what
   * gets through is in order, and nothing that was there when an interruption came gets through behind it.
   */
  it("keeps order and drops, whenever the interruptions come", async () => {
    const steps = fc.array(fc.constantFrom("data", "system", "interrupt", "finish"), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const [slow, last] = [new Slow(), new Recorder()];
        const { line, over } = opened([slow, last]);
        let made = 0;
        let interruptions = 0;
        let next = 0;
        const generations = new Map<string, number>();
        const stale: string[] = [];
        last.onFrame = (frame) => {
          if (frame instanceof TextFrame && generations.get(frame.text) !== interruptions) stale.push(frame.text);
        };
        for (const step of script) {
          if (step === "data") {
            generations.set(String(made), interruptions);
            line.queueFrame(text(String(made++)));
          } else if (step === "system") line.queueFrame(new UserStartedSpeakingFrame());
          else if (step === "interrupt") {
            interruptions++;
            line.queueFrame(new InterruptionFrame());
          } else {
            slow.waiting[next++]?.();
            await settle();
          }
        }
        expect(stale).toEqual([]);
        const numbers = last.frames.filter((frame) => frame instanceof TextFrame).map(({ text }) => Number(text));
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(new Set(numbers).size).toBe(numbers.length);
        line.cancel();
        await over;
      }),
      { numRuns: 200 },
    );
  });
});
