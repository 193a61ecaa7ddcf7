import { beforeEach, describe, expect, it, vi } from "vitest";
import { collectDigitsTool } from "../../src/bots/conversation/tools/collect-digits.ts";
import { type Call, DigitCollector } from "../../src/call/index.ts";
import { type Frame, FrameProcessor, InputTransportMessageFrame, pipeline } from "../../src/pipecat/index.ts";

const collect = vi.fn(async (_options: object) => ({}));
const callWith = (control: object | undefined) => ({ control }) as unknown as Call;

class Recorder extends FrameProcessor {
  readonly frames: Frame[] = [];
  override processFrame(frame: Frame) {
    this.frames.push(frame);
  }
}

function open(control: object | undefined = { collect }) {
  const collector = new DigitCollector(callWith(control));
  const behind = new Recorder();
  const line = pipeline([collector, behind]);
  void line.run();
  const ended = (status: string, digits?: string) =>
    line.queueFrame(new InputTransportMessageFrame({ message: { event: "collect", status, digits } }));
  return { collector, behind, line, ended };
}

beforeEach(() => {
  collect.mockReset().mockResolvedValue({});
});

describe("a digit collector", () => {
  it("asks Wavix, and settles with the keys when the collect is over; the message passes through", async () => {
    const { collector, behind, line, ended } = open();
    const collected = collector.collect({ maxDigits: 4, timeoutSeconds: 10 });
    expect(collect).toHaveBeenCalledWith({ maxDigits: 4, timeoutSeconds: 10 });
    for (const message of [null, "collect", { event: "mark" }]) {
      line.queueFrame(new InputTransportMessageFrame({ message }));
    }
    ended("completed", "1234");
    expect(await collected).toEqual({ status: "completed", digits: "1234" });
    expect(behind.frames).toHaveLength(5);
    // Of a collect that nobody waits for.
    ended("completed", "9");
    line.cancel();
  });

  it("fails when nothing was typed, when another takes its place, and when the call is over", async () => {
    const { collector, line, ended } = open();
    const first = collector.collect();
    const second = collector.collect();
    expect(await first).toEqual({ status: "failed", digits: "" });
    ended("failed");
    expect(await second).toEqual({ status: "failed", digits: "" });
    const third = collector.collect();
    line.cancel();
    expect(await third).toEqual({ status: "failed", digits: "" });
  });

  it("asks nobody for keys when the call is over", async () => {
    const { collector, line } = open();
    line.cancel();
    await line.run();
    expect(await collector.collect()).toEqual({ status: "failed", digits: "" });
    expect(collect).not.toHaveBeenCalled();
  });

  it("waits no longer than Wavix can take, and not when it is given up", async () => {
    vi.useFakeTimers();
    try {
      const { collector, line } = open();
      let settled = false;
      const waiting = collector.collect({ timeoutSeconds: 10, maxAttempts: 2 }).then((collected) => {
        settled = true;
        return collected;
      });
      await vi.advanceTimersByTimeAsync(24_000);
      expect(settled).toBe(false);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await waiting).toEqual({ status: "failed", digits: "" });
      const aborter = new AbortController();
      const given = collector.collect({}, aborter.signal);
      aborter.abort();
      expect(await given).toEqual({ status: "failed", digits: "" });
      const asked = collect.mock.calls.length;
      expect(await collector.collect({}, aborter.signal)).toEqual({ status: "failed", digits: "" });
      expect(collect).toHaveBeenCalledTimes(asked);
      expect(vi.getTimerCount()).toBe(0);
      line.cancel();
    } finally {
      vi.useRealTimers();
    }
  });

  it("says what is wrong when Wavix refuses, and when there is no Wavix", async () => {
    collect.mockRejectedValueOnce(new Error("refused"));
    const { collector, line } = open();
    await expect(collector.collect()).rejects.toThrow("refused");
    line.cancel();
    const { collector: alone, line: other } = open({});
    await expect(alone.collect()).rejects.toThrow("no REST side");
    other.cancel();
  });
});

describe("the tool for it", () => {
  it("bounds what the model asks for, and tells it what came of it", async () => {
    const { collector, line, ended } = open();
    const tool = collectDigitsTool(collector);
    const run = { signal: new AbortController().signal, pushFrame: () => {} };
    const typed = tool.run({ max_digits: 999, timeout_seconds: 1e9, finish_on_pound: false }, run);
    expect(collect).toHaveBeenLastCalledWith({ maxDigits: 20, timeoutSeconds: 60 });
    ended("completed", "42");
    expect(await typed).toEqual({ digits: "42" });
    const untyped = tool.run(null, run);
    expect(collect).toHaveBeenLastCalledWith({ maxDigits: 20, timeoutSeconds: 20, terminationCharacter: "#" });
    ended("failed");
    await expect(untyped).rejects.toThrow("typed nothing");
    line.cancel();
  });
});
