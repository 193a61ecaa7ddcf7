import { describe, expect, it, vi } from "vitest";
import { percentilesOf } from "../../bench/percentiles.ts";
import type { CallerFigures } from "../../bench/voice/caller.ts";
import { problemsOf } from "../../bench/voice/check.ts";
import { describe as describeReport, jsonLine, reportOf } from "../../bench/voice/report.ts";
import { answerTo, GREETING, LONG_ANSWER, QUESTION, SHORT_ANSWER, textOfSound } from "../../bench/voice/scenario.ts";
import type { CallHistory } from "../../bench/voice/server-child.ts";
import { despiteStalls, StalledError, type Turn } from "../../bench/voice/turns.ts";

const caller: CallerFigures = {
  cycles: 1,
  answerMs: [300, 310],
  silencedAtMs: [5_001],
  markers: null,
  gaps: 0,
  invalidMessages: 0,
  lateP99Ms: 1,
  lateMaxMs: 2,
  failure: null,
};
const history: CallHistory = {
  user: ["well what would", "well what"],
  bot: [
    { text: GREETING, interrupted: false },
    { text: LONG_ANSWER.slice(0, 8), interrupted: true },
    { text: SHORT_ANSWER, interrupted: false },
  ],
  turns: [{ answerMs: 301 }, { answerMs: 311 }],
  interruptions: 1,
  troubles: [],
};
const heardAtMs = [1_000, 5_000];

describe("the script of the voice bots' bench", () => {
  it("has a text for each length of sound, and answers in turn", () => {
    expect([10, 479, 490, 600, 840].map(textOfSound)).toEqual([
      "well",
      "well",
      "well what",
      "well what",
      "well what would",
    ]);
    // Ten ms more or less, as a recognizer hears it, are no other word.
    for (const offMs of [-20, 20]) expect(textOfSound(QUESTION.durationMs + offMs)).toBe(QUESTION.text);
    expect([0, 1, 2, 3].map(answerTo)).toEqual([GREETING, LONG_ANSWER, SHORT_ANSWER, LONG_ANSWER]);
  });

  it("finds nothing wrong with a call that went as it says", () => {
    expect(problemsOf("voice", caller, history, heardAtMs)).toEqual([]);
    const markers = { said: 10, heard: 9, roundTripsMs: [] };
    expect(problemsOf("echo", { ...caller, markers }, { ...history, user: [] }, [])).toEqual([]);
  });

  const wrongCallers: [string, Partial<CallerFigures>][] = [
    ["call was ended by rest", { failure: "the call was ended by rest" }],
    ["not as Wavix wants them", { invalidMessages: 1 }],
    ["1 of 2 answers", { answerMs: [300] }],
    ["before the turn was over", { answerMs: [300, 279] }],
    ["spoke on", { silencedAtMs: [5_400] }],
    ["spoke on", { silencedAtMs: [4_999] }],
    ["no conversation", { cycles: 0, answerMs: [], silencedAtMs: [] }],
  ];
  it.each(wrongCallers)("says of a caller: %s", (text, wrong) => {
    expect(problemsOf("voice", { ...caller, ...wrong }, history, heardAtMs).join("\n")).toContain(text);
  });

  const [greeting, long, short] = history.bot;
  const wrongHistories: [string, Partial<CallHistory>][] = [
    ["understood was «well what would», not", { user: ["well what would"] }],
    ["understood was «well what», «well what»", { user: ["well what", "well what"] }],
    ["the greeting was «undefined»", { bot: [] }],
    ["heard of the bot was", { bot: [greeting!, { ...long!, interrupted: false }, short!] }],
    ["heard of the bot was", { bot: [greeting!, { text: "Here is", interrupted: true }, short!] }],
    ["heard of the bot was", { bot: [greeting!, { text: LONG_ANSWER, interrupted: true }, short!] }],
    ["heard of the bot was", { bot: [greeting!, long!, { text: "Then that", interrupted: false }] }],
    ["1 of 2 turns were measured", { turns: [{ answerMs: 301 }] }],
    ["0 of 1 interruptions", { interruptions: 0 }],
    ["false start", { troubles: ["false start: well"] }],
  ];
  it.each(wrongHistories)("says of a bot: %s", (text, wrong) => {
    expect(problemsOf("voice", caller, { ...history, ...wrong }, heardAtMs).join("\n")).toContain(text);
  });

  it("says when the recognizer has heard of too few turns, and when an echo is none", () => {
    expect(problemsOf("realtime", caller, history, [1_000])).toHaveLength(2);
    const markers = { said: 10, heard: 8, roundTripsMs: [] };
    expect(problemsOf("echo", { ...caller, markers }, history, [])).toEqual(["echo: 8 of 10 sounds came back"]);
    expect(problemsOf("echo", caller, history, [])).toEqual(["echo: 0 of 0 sounds came back"]);
  });
});

describe("a turn that a stalled machine has spoilt", () => {
  it("is taken again, three times at most, and no other is", async () => {
    const turn = vi.fn<() => Promise<number>>();
    turn.mockRejectedValueOnce(new StalledError("gap")).mockResolvedValueOnce(1);
    expect(await despiteStalls(turn)).toBe(1);
    expect(turn).toHaveBeenCalledTimes(2);
    turn.mockReset().mockRejectedValue(new StalledError("gap"));
    await expect(despiteStalls(turn)).rejects.toThrow("gap");
    expect(turn).toHaveBeenCalledTimes(3);
    turn.mockReset().mockRejectedValue(new Error("wrong"));
    await expect(despiteStalls(turn)).rejects.toThrow("wrong");
    expect(turn).toHaveBeenCalledTimes(1);
  });
});

describe("the report of the voice bots' bench", () => {
  const turn = (ownMs: number[], cpuPercentPerCall: number): Turn => ({
    ...{ ownMs, bargeInMs: ownMs.slice(1), cpuPercentPerCall, gaps: 1, echoes: 0, lateP99Ms: cpuPercentPerCall },
  });
  const report = reportOf([
    { bot: "voice", calls: 1, turns: [turn([9], 4)], heapPerCallKb: null },
    { bot: "voice", calls: 25, turns: [turn([10, 30], 1), turn([20], 3), turn([40], 2)], heapPerCallKb: 433.3 },
    { bot: "echo", calls: 25, turns: [turn([], 0.5), turn([], 0.2), turn([], 0.4)], heapPerCallKb: 235.1 },
  ]);

  it("takes the median of the rounds, the times of all of them, and the echo with as many calls to compare", () => {
    expect(report.results[1]).toEqual({
      bot: "voice",
      calls: 25,
      answers: 4,
      own: { p50Ms: 20, p99Ms: 40 },
      bargeIn: { p50Ms: 30, p99Ms: 30 },
      cpuPercentPerCall: 2,
      cpuPercentRange: [1, 3],
      callsPerCore: 50,
      cpuRatioToEcho: 5,
      gaps: 3,
      lateP99Ms: 3,
      heapPerCallKb: 433.3,
    });
    expect(report.results[0]).toMatchObject({ cpuRatioToEcho: null, bargeIn: null });
    expect(report.results[2]).toMatchObject({ answers: 0, own: null, bargeIn: null, cpuRatioToEcho: 1 });
    expect(report.rounds).toBe(3);
  });

  it("is shown in two tables, and on one line for programs", () => {
    const text = describeReport(report);
    expect(text).toMatch(/^voice {2}25 calls +4 +20\.0 +40\.0 +30\.0 +30\.0 +3$/m);
    expect(text).toMatch(/^voice {2}25 calls +2\.00 +1\.00–3\.00 +5\.00 +50 +433 +3$/m);
    expect(text).toMatch(/^voice {2}1 call +4\.00 +4\.00–4\.00 +– +25 +– +1$/m);
    // An echo answers nobody.
    expect(text.match(/^echo/gm)).toHaveLength(1);
    expect(JSON.parse(jsonLine(report))).toEqual(JSON.parse(JSON.stringify(report)));
  });
});

it("so many of a hundred were no longer", () => {
  expect(percentilesOf([7])).toEqual({ p50Ms: 7, p99Ms: 7 });
  expect(percentilesOf(Array.from({ length: 200 }, (_, i) => 200 - i))).toEqual({ p50Ms: 100, p99Ms: 198 });
});
