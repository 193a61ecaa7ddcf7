import { summaryOf } from "../../src/web/bench/summary.ts";
import type { Child } from "../server/child.ts";
import type { LoadFigures, LoadTarget } from "../server/load.ts";
import { pause } from "../server/turns.ts";
import type { Row, RowName } from "./rows.ts";

/** What a row costs. */
export interface CostResult {
  readonly name: RowName;
  /** Calls at once. */
  readonly calls: number;
  /** CPU time, user and system, for 20 ms of one call: a packet in and one out. */
  readonly usPerPacket: number;
  /** The same of the turn that cost least, and of the one that cost most. */
  readonly usPerPacketRange: readonly [number, number];
  /** How many calls would keep one core busy. */
  readonly callsPerCore: number;
  /** CPU time ÷ time. */
  readonly coresUsed: number;
  /** Calls that, in some turn, did not get all their packets. */
  readonly callsShort: number;
  /** Calls that were ended, which none should be. */
  readonly callsEnded: number;
}

/** How long each row is measured. */
export interface Effort {
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly turnSeconds: number;
}

interface Turn {
  readonly usPerPacket: number;
  readonly coresUsed: number;
  readonly callsShort: number;
}

/** Until playout is in its stride. */
const SETTLING_MS = 500;
/** What is on its way when callers fall silent. */
const DRAINING_MS = 300;

/** Measures the rows in turns, so that a slow moment of the machine meets all of them; each one's median. */
export async function measureCosts(
  rows: readonly Row[],
  load: Child,
  { warmUpSeconds, rounds, turnSeconds }: Effort,
  onStep: (label: string) => void,
): Promise<CostResult[]> {
  // Room for settling, and for a process that is slow to say what it has used: callers go on meanwhile.
  const seconds = rounds * (turnSeconds + 3);
  onStep("all warm up");
  await warmUp(rows, load, warmUpSeconds);
  for (const { port, calls } of rows) await openCalls(port, load, calls, seconds);
  const turns = rows.map(() => [] as Turn[]);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < rows.length; turn++) {
      const i = (turn + round) % rows.length;
      onStep(`${rows[i]!.name}: turn ${round + 1} of ${rounds}`);
      turns[i]!.push(await takeTurn(rows[i]!, load, turnSeconds));
    }
  }
  const results: CostResult[] = [];
  for (const [i, row] of rows.entries()) {
    results.push(resultOf(row, turns[i]!, await load.ask<number>("close", row.port)));
  }
  return results;
}

/** All rows at once, with calls that are not the counted ones: there may be too few of these to have code compiled well. */
async function warmUp(rows: readonly Row[], load: Child, seconds: number): Promise<void> {
  for (const { port, warmUpCalls } of rows) await openCalls(port, load, warmUpCalls, 2 * seconds);
  for (const { port } of rows) await load.ask("speak", port);
  await pause(seconds * 1_000);
  for (const { port } of rows) await load.ask("close", port);
  await pause(DRAINING_MS);
}

const openCalls = (port: number, load: Child, calls: number, seconds: number) =>
  load.ask("open", { port, raw: false, calls, seconds } satisfies LoadTarget);

async function takeTurn({ port, counted }: Row, load: Child, seconds: number): Promise<Turn> {
  const cpuUs = async () => (await Promise.all(counted.map((one) => one.cpuUs()))).reduce((sum, us) => sum + us, 0);
  await load.ask("speak", port);
  await pause(SETTLING_MS);
  const before = await cpuUs();
  await load.ask("begin", port);
  const beganAtMs = performance.now();
  await pause(seconds * 1_000);
  const used = (await cpuUs()) - before;
  const wallUs = (performance.now() - beganAtMs) * 1_000;
  const { sent, callsShort } = await load.ask<LoadFigures>("end", port);
  await load.ask("hush", port);
  await pause(DRAINING_MS);
  return { usPerPacket: used / sent, coresUsed: used / wallUs, callsShort };
}

function resultOf({ name, calls }: Row, turns: readonly Turn[], callsEnded: number): CostResult {
  const us = turns.map((turn) => turn.usPerPacket);
  const usPerPacket = summaryOf(us).median;
  return {
    name,
    calls,
    usPerPacket,
    usPerPacketRange: [Math.min(...us), Math.max(...us)],
    callsPerCore: Math.floor(20_000 / usPerPacket),
    coresUsed: summaryOf(turns.map((turn) => turn.coresUsed)).median,
    callsShort: Math.max(...turns.map((turn) => turn.callsShort)),
    callsEnded,
  };
}
