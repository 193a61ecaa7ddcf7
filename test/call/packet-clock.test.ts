import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PacketClock } from "../../src/call/packet-clock.ts";

describe("packet clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("steps every 20 ms without drift, also when steps come late", () => {
    const clock = new PacketClock();
    const start = performance.now();
    const moments: number[] = [];
    const ticker = {
      tick(nowMs: number) {
        moments.push(nowMs - start);
        // One step that takes 50 ms of work.
        if (moments.length === 5) vi.advanceTimersByTime(50);
      },
    };
    clock.add(ticker);
    vi.advanceTimersByTime(400);
    clock.delete(ticker);
    expect(moments.slice(0, 5)).toEqual([20, 40, 60, 80, 100]);
    // Whatever came late, the rhythm stays on multiples of 20.
    expect(moments.at(-1)! % 20).toBe(0);
    expect(new Set(moments.map((ms) => ms % 20))).toEqual(new Set([0]));
  });

  it("runs only while somebody listens", () => {
    const clock = new PacketClock();
    const ticker = { tick: vi.fn() };
    const other = { tick: vi.fn() };
    expect(vi.getTimerCount()).toBe(0);
    clock.add(ticker);
    clock.add(other);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(20);
    clock.delete(ticker);
    vi.advanceTimersByTime(20);
    expect(ticker.tick).toHaveBeenCalledTimes(1);
    expect(other.tick).toHaveBeenCalledTimes(2);
    clock.delete(other);
    expect(vi.getTimerCount()).toBe(0);
    clock.add(ticker);
    vi.advanceTimersByTime(20);
    expect(ticker.tick).toHaveBeenCalledTimes(2);
    clock.delete(ticker);
  });

  it("lets a ticker leave during a step", () => {
    const clock = new PacketClock();
    const ticker = { tick: vi.fn(() => clock.delete(ticker)) };
    clock.add(ticker);
    vi.advanceTimersByTime(100);
    expect(ticker.tick).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
