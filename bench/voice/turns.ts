import { Child } from "../server/child.ts";
import { pause } from "../server/turns.ts";
import type { CallerFigures } from "./caller.ts";
import { problemsOf } from "./check.ts";
import { type BotName, CYCLE_MS, SCRIPTED_MS } from "./scenario.ts";
import type { CallHistory, ServerOrder } from "./server-child.ts";
import type { ServicesFigures, ServiceUrls } from "./services-child.ts";

/** The processes around a server: who calls it, and whom its bots ask. */
export interface Town {
  readonly callers: Child;
  readonly services: Child;
  readonly urls: { readonly services: ServiceUrls; readonly wavixApiBase: string };
}

/** A server with one bot. */
export interface Row {
  readonly bot: BotName;
  readonly server: Child;
  readonly webhook: string;
}

/** What came of so many calls at once. */
export interface Turn {
  /** From the end of the caller's speech to the answer's first audio, without the silence that the script takes. */
  readonly ownMs: readonly number[];
  /** From the recognizer's first words of an interruption to the last the caller heard of the answer. */
  readonly bargeInMs: readonly number[];
  /** CPU time ÷ time ÷ calls, in percent of a core. */
  readonly cpuPercentPerCall: number;
  /** Pauses in what callers heard where there should be none. */
  readonly gaps: number;
  /** Sounds of the callers that an echo brought back. */
  readonly echoes: number;
  /** How late callers and services were themselves. */
  readonly lateP99Ms: number;
}

/** Something was not as scripted, while the machine had other things to do. */
export class StalledError extends Error {}

/** One of the processes did nothing for so long: more than a bot is ahead of its caller. */
const STALL_MS = 100;
const MAX_TRIES = 3;

export async function openTown(): Promise<Town> {
  const callers = new Child("voice/callers-child.js");
  const services = new Child("voice/services-child.js");
  const urls = {
    services: await services.ask<ServiceUrls>("open"),
    wavixApiBase: await callers.ask<string>("open"),
  };
  return { callers, services, urls };
}

export async function openRow(bot: BotName, { urls }: Town, execArgv: readonly string[] = []): Promise<Row> {
  const server = new Child("voice/server-child.js", [], execArgv);
  return { bot, server, webhook: await server.ask<string>("open", { bot, ...urls } satisfies ServerOrder) };
}

/** So many calls, up and greeted. They are begun one after the other: which of the services' connections is whose is known. */
export async function callUp({ bot, webhook }: Row, { callers, services }: Town, calls: number): Promise<void> {
  const isEcho = bot === "echo";
  await services.ask("begin");
  for (let i = 0; i < calls; i++) {
    await callers.ask("call", { webhook, isEcho });
    if (!isEcho) await services.ask("connected", i + 1);
  }
  await callers.ask("talked");
}

/**
 * Has them talk. The first cycle is not counted: they begin spread over it.
 *
 * @returns CPU time ÷ time
 */
export async function converse({ server }: Row, { callers }: Town, seconds: number): Promise<number> {
  await callers.ask("converse", seconds + CYCLE_MS / 1_000);
  await pause(CYCLE_MS);
  const before = await server.ask<number>("cpuUs");
  const beganAtMs = performance.now();
  await pause(seconds * 1_000);
  const usedUs = (await server.ask<number>("cpuUs")) - before;
  const cores = usedUs / 1_000 / (performance.now() - beganAtMs);
  await callers.ask("talked");
  return cores;
}

/**
 * The calls hang up.
 *
 * @throws StalledError, or another Error, when anything was not as scripted
 */
export async function hangUp(
  { bot, server }: Row,
  town: Town,
  { gapless = false } = {},
): Promise<Omit<Turn, "cpuPercentPerCall">> {
  const callers = await town.callers.ask<CallerFigures[]>("end");
  const { heardAtMs, problems, lateP99Ms, lateMaxMs } = await town.services.ask<ServicesFigures>("end");
  const histories = await server.ask<CallHistory[]>("histories");
  const wrong = callers.flatMap((caller, i) => problemsOf(bot, caller, histories[i]!, heardAtMs[i] ?? []));
  wrong.push(...problems.map((problem) => `${bot}: a service was asked wrongly: ${problem}`));
  const gaps = sum(callers.map((caller) => caller.gaps));
  if (gapless && gaps > 0) wrong.push(`${bot}: the callers heard ${gaps} gap(s)`);
  const latest = Math.max(
    lateMaxMs,
    await server.ask<number>("lateMaxMs"),
    ...callers.map((caller) => caller.lateMaxMs),
  );
  if (wrong.length > 0) throw new (latest > STALL_MS ? StalledError : Error)([...new Set(wrong)].join("\n"));
  return {
    gaps,
    ownMs: callers.flatMap(({ answerMs }) => answerMs.map((ms) => ms - SCRIPTED_MS)),
    bargeInMs: callers.flatMap(({ silencedAtMs }, call) =>
      silencedAtMs.map((atMs, i) => atMs - heardAtMs[call]![2 * i + 1]!),
    ),
    echoes: sum(callers.map(({ markers }) => markers?.heard ?? 0)),
    lateP99Ms: Math.max(lateP99Ms, ...callers.map((caller) => caller.lateP99Ms)),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** So many calls from the first ring to the end. */
export function takeTurn(
  row: Row,
  town: Town,
  calls: number,
  seconds: number,
  options?: { gapless: boolean },
): Promise<Turn> {
  return despiteStalls(async () => {
    await callUp(row, town, calls);
    const cores = await converse(row, town, seconds);
    return { ...(await hangUp(row, town, options)), cpuPercentPerCall: (100 * cores) / calls };
  });
}

/** What a machine that stood still has spoilt is done again; a bot that does it wrong does so each time. */
export async function despiteStalls<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StalledError) || tries === MAX_TRIES) throw error;
    }
  }
}
