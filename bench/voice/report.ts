import { summaryOf } from "../../src/web/bench/summary.ts";
import { alignedTable, figure, rounded } from "../../src/web/bench/text.ts";
import { describeMachine, machineLine } from "../machine.ts";
import { type Percentiles, percentilesOf } from "../percentiles.ts";
import { type BotName, SCRIPTED_MS } from "./scenario.ts";
import type { Turn } from "./turns.ts";

/** One bot with so many calls at once, over all rounds. */
export interface VoiceResult {
  readonly bot: BotName;
  readonly calls: number;
  readonly answers: number;
  /** The bot's own share of an answer; null for the echo. */
  readonly own: Percentiles | null;
  readonly bargeIn: Percentiles | null;
  /** Of a core, by each call: the median of the rounds, the least and the most. */
  readonly cpuPercentPerCall: number;
  readonly cpuPercentRange: readonly [number, number];
  /** How many calls would keep one core busy. */
  readonly callsPerCore: number;
  /** To the echo with as many calls; null where there was none. */
  readonly cpuRatioToEcho: number | null;
  /** Heard by all callers, in all rounds. */
  readonly gaps: number;
  /** How late callers and services were themselves, in the worst round. */
  readonly lateP99Ms: number;
  /** Objects and buffers of a call, in kB of 1,000 bytes; null where it was not measured. */
  readonly heapPerCallKb: number | null;
}

export interface VoiceReport {
  readonly results: readonly VoiceResult[];
  readonly rounds: number;
  /** What is taken off each answer. */
  readonly scriptedMs: number;
}

/** The rounds of one bot with so many calls. */
export interface Measured {
  readonly bot: BotName;
  readonly calls: number;
  readonly turns: readonly Turn[];
  readonly heapPerCallKb: number | null;
}

/** @throws RangeError when something has no rounds */
export function reportOf(measured: readonly Measured[]): VoiceReport {
  const cpuOf = (turns: readonly Turn[]) => turns.map((turn) => turn.cpuPercentPerCall);
  const results = measured.map(({ bot, calls, turns, heapPerCallKb }) => {
    const ownMs = turns.flatMap((turn) => turn.ownMs);
    const bargeInMs = turns.flatMap((turn) => turn.bargeInMs);
    const cpu = cpuOf(turns);
    const cpuPercentPerCall = summaryOf(cpu).median;
    const echo = measured.find((other) => other.bot === "echo" && other.calls === calls);
    return {
      ...{ bot, calls, heapPerCallKb, cpuPercentPerCall },
      answers: ownMs.length,
      own: ownMs.length === 0 ? null : percentilesOf(ownMs),
      bargeIn: bargeInMs.length === 0 ? null : percentilesOf(bargeInMs),
      cpuPercentRange: [Math.min(...cpu), Math.max(...cpu)] as const,
      callsPerCore: Math.floor(100 / cpuPercentPerCall),
      cpuRatioToEcho: echo === undefined ? null : cpuPercentPerCall / summaryOf(cpuOf(echo.turns)).median,
      gaps: turns.reduce((sum, turn) => sum + turn.gaps, 0),
      lateP99Ms: Math.max(...turns.map((turn) => turn.lateP99Ms)),
    };
  });
  return { results, rounds: Math.max(...measured.map(({ turns }) => turns.length)), scriptedMs: SCRIPTED_MS };
}

/** The figures as tables for people. */
export function describe({ results, scriptedMs }: VoiceReport): string {
  const nameOf = ({ bot, calls }: VoiceResult) => [bot, calls === 1 ? "1 call" : `${calls} calls`];
  const timesOf = (times: Percentiles | null) =>
    [times?.p50Ms ?? null, times?.p99Ms ?? null].map((ms) => figure(ms, 1));
  const speedHead = ["", "", "answers", "own share p50 ms", "p99", "barge-in p50 ms", "p99", "bench late p99 ms"];
  const speed = results
    .filter(({ own }) => own !== null)
    .map((result) => [
      ...nameOf(result),
      String(result.answers),
      ...timesOf(result.own),
      ...timesOf(result.bargeIn),
      figure(result.lateP99Ms, 0),
    ]);
  const costHead = ["", "", "% of a core/call", "lowest–highest", "× echo", "calls/core", "kB/call", "gaps"];
  const costs = results.map((result) => [
    ...nameOf(result),
    figure(result.cpuPercentPerCall, 2),
    result.cpuPercentRange.map((percent) => figure(percent, 2)).join("–"),
    figure(result.cpuRatioToEcho, 2),
    String(result.callsPerCore),
    figure(result.heapPerCallKb, 0),
    String(result.gaps),
  ]);
  return [
    machineLine(describeMachine()),
    "",
    `From the caller's last sound to the answer's first, less the ${scriptedMs} ms of silence that end a turn; from the`,
    "recognizer's first words of an interruption to silence at the caller",
    alignedTable([speedHead, ...speed], 2),
    "",
    "CPU time of the server's process, and the objects and buffers that a call holds there",
    alignedTable([costHead, ...costs], 2),
  ].join("\n");
}

/** What was right. */
export interface Checked {
  readonly bot: BotName;
  readonly calls: number;
  readonly answers: number;
  readonly interruptions: number;
  readonly echoes: number;
}

/** The same as a line for people. */
export function describeCheck({ bot, calls, answers, interruptions, echoes }: Checked): string {
  const what = bot === "echo" ? `${echoes} sounds echoed` : `${answers} answers, ${interruptions} interruptions`;
  return `${bot}: ${calls} calls, ${what}, all as scripted`;
}

/** All figures on one line, for programs. */
export const jsonLine = (report: VoiceReport) => JSON.stringify(report, rounded);
