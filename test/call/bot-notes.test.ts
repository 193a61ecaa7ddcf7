import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type BotReport,
  createWavixTransport,
  REPORT_LIMITS,
  type ReportSummary,
  type WavixTransport,
} from "../../src/call/index.ts";
import { FakeSocket } from "../support/fake-socket.ts";

let socket: FakeSocket;
let transport: WavixTransport;
let told: BotReport[];

beforeEach(() => {
  socket = new FakeSocket();
  told = [];
  transport = createWavixTransport({ socket, onReport: (report) => told.push(report) });
});

afterEach(async () => {
  socket.cut();
  await transport.closed;
});

/** What a bot in plain JavaScript may hand over. */
const report = (name: unknown, figures: unknown) => transport.report(name as string, figures as Record<string, number>);
const names = (length: number, prefix: string) => Array.from({ length }, (_, at) => `${prefix}${at}`);

describe("what a bot notes", () => {
  it("is kept by name, the last of each; not what is too long, nor more than 20", () => {
    for (const name of names(25, "name_")) transport.note(name, "a");
    transport.note("name_3", "b");
    transport.note("name_4", "c".repeat(201));
    expect(Object.keys(transport.notes)).toEqual(names(20, "name_"));
    expect(transport.notes).toMatchObject({ name_3: "b", name_4: "a" });
  });
});

describe("what a bot reports", () => {
  it("is told at once, in whole ms, and kept in short", () => {
    transport.report("turn", { answerMs: 812.4, sttMs: 230, confidence: 0.98765 });
    transport.report("turn", { answerMs: 1_240, sttMs: 0 });
    transport.report("turn", { answerMs: 399.5 });
    transport.report("tool_call", {});
    expect(told).toEqual([
      { name: "turn", figures: { answerMs: 812, sttMs: 230, confidence: 0.988 } },
      { name: "turn", figures: { answerMs: 1_240, sttMs: 0 } },
      { name: "turn", figures: { answerMs: 400 } },
      { name: "tool_call", figures: {} },
    ]);
    expect(transport.reports).toEqual({
      turn: {
        count: 3,
        answerMs: { p50: 812, max: 1_240 },
        sttMs: { p50: 0, max: 230 },
        confidence: { p50: 0.988, max: 0.988 },
      },
      tool_call: { count: 1 },
    });
  });

  it("is in short what the last 1000 values were, whatever they are", () => {
    const values = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 2_500, size: "max" });
    fc.assert(
      fc.property(values, (all) => {
        const own = createWavixTransport({ socket: new FakeSocket() });
        for (const answerMs of all) own.report("turn", { answerMs });
        const last = all.slice(-1_000).sort((a, b) => a - b);
        const below = last[Math.ceil(last.length / 2) - 1];
        expect(own.reports).toEqual({ turn: { count: all.length, answerMs: { p50: below, max: last.at(-1) } } });
        own.callOver();
      }),
      // Arrays of this length would be made smaller for minutes.
      { numRuns: 30, endOnFailure: true },
    );
  });

  it("forgets each value after a thousand others", () => {
    for (let answerMs = 5_000; answerMs > 0; answerMs--) {
      transport.report("turn", { answerMs });
      const oldestMs = Math.min(answerMs + 999, 5_000);
      if (answerMs % 100 === 0) expect(transport.reports.turn).toMatchObject({ answerMs: { max: oldestMs } });
    }
    expect(transport.reports.turn).toEqual({ count: 5_000, answerMs: { p50: 500, max: 1_000 } });
  });

  it("is taken as far as it is figures with names, and never an exception", () => {
    for (const name of ["", "Turn", "1st", "a-b", "a b", "x".repeat(65), "__proto__", null, 5, Symbol("turn")]) {
      report(name, { answerMs: 1 });
    }
    expect([told, transport.reports]).toEqual([[], {}]);
    const bad = [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, "5", null, undefined, {}, 5n];
    for (const value of bad) report("turn", { answerMs: value });
    // They stand beside the figures: in a line of the log, and in the record.
    const taken = ["level", "time", "pid", "hostname", "name", "msg", "worker", "callId", "report", "count"];
    for (const name of ["", "Ms", "9Ms", "an swerMs", "x".repeat(65), "__proto__", ...taken])
      report("turn", { [name]: 5 });
    for (const none of [undefined, null, 5, "figures"]) report("turn", none);
    expect(told.every(({ figures }) => Object.keys(figures).length === 0)).toBe(true);
    expect(transport.reports).toEqual({ turn: { count: told.length } });
    report("turn", { constructor: 1, levelMs: 2, answerMs: "3", sttMs: 4 });
    expect(told.at(-1)).toEqual({ name: "turn", figures: { constructor: 1, levelMs: 2, sttMs: 4 } });
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (name, figures) => {
        report(name, figures);
        report("any", figures);
      }),
    );
  });

  it("has at most 20 names, and 20 figures each; those that are there go on", () => {
    const { names: nameCount, figures: figureCount } = REPORT_LIMITS;
    expect([nameCount, figureCount]).toEqual([20, 20]);
    for (const name of names(25, "report_")) {
      for (const figure of names(25, "figure")) transport.report(name, { [figure]: 1 });
    }
    transport.report("report_24", { figure0: 7 });
    transport.report("report_19", { figure19: 7, figure20: 7 });
    expect(Object.keys(transport.reports)).toEqual(names(20, "report_"));
    const { count, ...figures } = transport.reports.report_19 as ReportSummary;
    expect([count, Object.keys(figures)]).toEqual([26, names(20, "figure")]);
    expect(figures.figure19).toEqual({ p50: 1, max: 7 });
    expect(told).toHaveLength(20 * 25 + 1);
    expect(told.at(-1)).toEqual({ name: "report_19", figures: { figure19: 7 } });
  });

  it("is taken until the call is over", async () => {
    const onAbort = vi.fn(() => transport.report("turn", { answerMs: 1 }));
    transport.signal.addEventListener("abort", onAbort);
    socket.start();
    socket.say({ event: "stop", stream_id: "stream-1" });
    await transport.closed;
    expect(onAbort).toHaveBeenCalledTimes(1);
    transport.report("turn", { answerMs: 2 });
    expect(told).toEqual([{ name: "turn", figures: { answerMs: 1 } }]);
    expect(transport.reports).toEqual({ turn: { count: 1, answerMs: { p50: 1, max: 1 } } });
  });
});
