import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pacer } from "../../src/simulator/pacer.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Joins, and notes when it was ticked and what for. */
function member(pacer: Pacer) {
  const ticks: { atMs: number; deadlineMs: number }[] = [];
  const { originMs, leave } = pacer.join((deadlineMs) => ticks.push({ atMs: performance.now(), deadlineMs }));
  return { ticks, originMs, leave };
}

describe("Pacer", () => {
  it("ticks every 20 ms by absolute deadlines, the first one 20 ms after the origin", () => {
    const pacer = new Pacer();
    const { ticks, originMs, leave } = member(pacer);
    vi.advanceTimersByTime(1010);
    expect(ticks).toHaveLength(50);
    expect(ticks.map(({ deadlineMs }) => deadlineMs - originMs)).toEqual(
      Array.from({ length: 50 }, (_, at) => (at + 1) * 20),
    );
    for (const { atMs, deadlineMs } of ticks) expect(atMs - deadlineMs).toBeLessThan(1);
    leave();
  });

  it("makes up for a stall, and skips what is more than a second old", () => {
    const pacer = new Pacer();
    const { ticks, originMs, leave } = member(pacer);
    // The event loop stalls: time goes by, no timer runs.
    vi.advanceTimersByTime(30);
    const stalled = vi.spyOn(performance, "now").mockReturnValue(originMs + 330);
    vi.advanceTimersByTime(20);
    expect(ticks.map(({ deadlineMs }) => deadlineMs - originMs)).toEqual(
      Array.from({ length: 16 }, (_, at) => (at + 1) * 20),
    );
    stalled.mockReturnValue(originMs + 60_000);
    vi.advanceTimersByTime(20);
    expect(ticks.length).toBeLessThanOrEqual(16 + 51);
    expect(ticks.at(-1)!.deadlineMs - originMs).toBe(60_000);
    leave();
  });

  it("spreads its members over the 20 ms with one timer, and stops it when they have left", () => {
    const pacer = new Pacer();
    const members = Array.from({ length: 8 }, () => member(pacer));
    expect(vi.getTimerCount()).toBe(1);
    const phases = members.map(({ originMs }) => Math.round((originMs - members[0]!.originMs) % 20));
    expect([...phases].sort((a, b) => a - b)).toEqual([0, 0, 5, 5, 10, 10, 15, 15]);
    vi.advanceTimersByTime(200);
    for (const { ticks } of members) expect(ticks.length).toBeGreaterThanOrEqual(9);
    for (const { leave } of members) leave();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("starts again after a rest", () => {
    const pacer = new Pacer();
    member(pacer).leave();
    vi.advanceTimersByTime(12_345);
    const { ticks, originMs, leave } = member(pacer);
    vi.advanceTimersByTime(61);
    expect(ticks.map(({ deadlineMs }) => deadlineMs - originMs)).toEqual([20, 40, 60]);
    leave();
  });
});
