import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Keypad } from "../../../src/bots/pipecat/keypad.ts";
import type { CallControl } from "../../../src/call/index.ts";

function open(collect?: CallControl["collect"]) {
  const failed: unknown[] = [];
  const over = new AbortController();
  const control: CallControl = { hangUp: async () => undefined, ...(collect && { collect }) };
  const keypad = new Keypad({ control, signal: over.signal, onFailed: (error) => failed.push(error) });
  return { keypad, failed, over };
}

describe("the keypad of a bot", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("asks again whenever a collect has ended, until the bot wants no more", async () => {
    const collect = vi.fn(async () => undefined);
    const { keypad } = open(collect);
    keypad.want();
    expect(collect.mock.calls).toEqual([[{ maxDigits: 1, timeoutSeconds: 60 }]]);
    for (let times = 2; times < 5; times++) {
      await vi.advanceTimersByTimeAsync(500);
      keypad.ended();
      expect(collect).toHaveBeenCalledTimes(times - 1);
      await vi.advanceTimersByTimeAsync(100);
      expect(collect).toHaveBeenCalledTimes(times);
    }
    keypad.stop();
    keypad.ended();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(collect).toHaveBeenCalledTimes(4);
  });

  it("takes its time when a collect ends as soon as it is asked for: it may be the end of one that was replaced", async () => {
    const collect = vi.fn(async () => undefined);
    const { keypad } = open(collect);
    keypad.want();
    await vi.advanceTimersByTimeAsync(50);
    keypad.ended();
    await vi.advanceTimersByTimeAsync(999);
    expect(collect).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(collect).toHaveBeenCalledTimes(2);
  });

  it("asks once, where once was asked for, and at once where another collect runs", async () => {
    const collect = vi.fn(async () => undefined);
    const { keypad } = open(collect);
    keypad.want();
    keypad.want({ maxDigits: 4 }, false);
    keypad.ended();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(collect.mock.calls).toEqual([[{ maxDigits: 1, timeoutSeconds: 60 }], [{ maxDigits: 4 }]]);
  });

  it("has one request at a time, however often the bot asks, and the last is what counts", async () => {
    let answer: (error?: Error) => void = () => undefined;
    const collect = vi.fn(
      () =>
        new Promise<void>((resolve, reject) => {
          answer = (error) => (error ? reject(error) : resolve());
        }),
    );
    const { keypad, failed } = open(collect);
    for (let maxDigits = 1; maxDigits <= 20; maxDigits++) keypad.want({ maxDigits }, true);
    keypad.ended();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(collect.mock.calls).toEqual([[{ maxDigits: 1 }]]);
    const error = new Error("no");
    answer(error);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(failed).toEqual([error]);
    expect(collect.mock.calls).toEqual([[{ maxDigits: 1 }], [{ maxDigits: 20 }]]);
    // Its end may be told before its beginning is confirmed.
    keypad.ended();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(collect).toHaveBeenCalledTimes(2);
    answer();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(collect).toHaveBeenCalledTimes(3);
    keypad.want({ maxDigits: 7 }, true);
    keypad.stop();
    answer();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(collect).toHaveBeenCalledTimes(3);
  });

  it("tries three times, then says so", async () => {
    const error = new Error("no");
    const collect = vi.fn(async () => Promise.reject(error));
    const { keypad, failed } = open(collect);
    keypad.want();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(collect).toHaveBeenCalledTimes(3);
    expect(failed).toEqual([error]);
  });

  it("asks nothing for a call that is over, or that has no REST side", async () => {
    const collect = vi.fn(async () => undefined);
    const gone = open(collect);
    gone.over.abort();
    gone.keypad.want();
    expect(collect).not.toHaveBeenCalled();
    const { keypad, failed } = open();
    keypad.want();
    expect(failed).toHaveLength(1);
  });

  it("hands a mistake in what was asked to the bot, and does not repeat it", async () => {
    const collect = vi.fn(() => {
      throw new RangeError("maxDigits must be …");
    });
    const { keypad, failed } = open(collect);
    keypad.want({ maxDigits: 99 }, false);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(collect).toHaveBeenCalledTimes(1);
    expect(failed).toEqual([expect.any(RangeError)]);
  });
});
