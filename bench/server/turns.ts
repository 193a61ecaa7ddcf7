import { summaryOf } from "../../src/web/bench/summary.ts";
import { assertCorrect } from "./check.ts";
import { Child } from "./child.ts";
import type { LoadFigures, LoadTarget } from "./load.ts";
import type { RowName } from "./rows/all.ts";
import type { ServerFigures } from "./server-child.ts";
import type { WriteFigures } from "./writes.ts";

/** What a server costs. */
export interface CostResult {
  readonly name: RowName;
  /** CPU time, user and system, for 20 ms of one call: a packet in and one out. */
  readonly usPerPacket: number;
  /** How many calls would keep one core busy. */
  readonly callsPerCore: number;
  readonly packetsPerWrite: number;
  /** How long after a packet its answer comes. */
  readonly addedDelayMs: number;
  readonly loopDelayP99Ms: number;
  /** Calls that, in some turn, did not get all their packets. */
  readonly callsShort: number;
}

/** The server of a row, in its process. */
export interface Row {
  readonly name: RowName;
  readonly server: Child;
  readonly port: number;
}

export interface Turn {
  readonly server: ServerFigures;
  readonly load: LoadFigures;
}

/** Until playout is in its stride. */
const SETTLING_MS = 400;
/** All rows at once, and nothing is counted: code is compiled well only after tens of thousands of packets. */
const WARM_UP_SECONDS = 8;
/** What a slow row has not answered yet. */
const DRAINING_MS = 1_500;
const WRITES_MS = 600;

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the servers, and looks whether each does what it will be timed for. */
export async function openRows(names: readonly RowName[], onStep: (label: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of names) {
    onStep(`${name}: what comes back`);
    const server = new Child("server/server-child.js", [name], ["--expose-gc"]);
    rows.push({ name, server, port: await server.ask<number>("open") });
    await assertCorrect(name, rows.at(-1)!.port);
  }
  return rows;
}

/** Opens calls whose callers may speak for so long in all. */
export async function openCalls({ name, port }: Row, load: Child, calls: number, seconds: number): Promise<void> {
  await load.ask("open", { port, raw: name === "raw-tcp", calls, seconds } satisfies LoadTarget);
}

/** The callers of a row speak for so long, and what happens is counted. */
export async function takeTurn({ server, port }: Row, load: Child, seconds: number): Promise<Turn> {
  await load.ask("speak", port);
  await pause(SETTLING_MS);
  await server.ask("begin");
  await load.ask("begin", port);
  await pause(seconds * 1_000);
  const turn = { server: await server.ask<ServerFigures>("end"), load: await load.ask<LoadFigures>("end", port) };
  await load.ask("hush", port);
  return turn;
}

/** Measures the rows in turns of a second, so that a slow moment of the machine meets all of them; each one's median. */
export async function measureCosts(
  rows: readonly Row[],
  load: Child,
  calls: number,
  seconds: number,
  onStep: (label: string) => void,
): Promise<CostResult[]> {
  // Room for a first turn, for settling, and for a server that is slow to answer: its callers go on meanwhile.
  for (const row of rows) await openCalls(row, load, calls, 10 * (seconds + WARM_UP_SECONDS));
  const turns = rows.map(() => [] as Turn[]);
  onStep("all warm up");
  for (const { port } of rows) await load.ask("speak", port);
  await pause(WARM_UP_SECONDS * 1_000);
  for (const { port } of rows) await load.ask("hush", port);
  await pause(DRAINING_MS);
  for (let round = 0; round < seconds; round++) {
    for (let turn = 0; turn < rows.length; turn++) {
      const i = (turn + round) % rows.length;
      const row = rows[i]!;
      onStep(`${row.name}: turn ${round + 1} of ${seconds}`);
      turns[i]!.push(await takeTurn(row, load, 1));
    }
  }
  const results: CostResult[] = [];
  for (const [i, row] of rows.entries()) {
    onStep(`${row.name}: writes`);
    const packets = await packetsPerWrite(row, load);
    results.push({ name: row.name, ...figuresOf(turns[i]!), packetsPerWrite: packets });
    await load.ask("close", row.port);
  }
  return results;
}

function figuresOf(turns: readonly Turn[]) {
  const of = (figure: (turn: Turn) => number) => summaryOf(turns.map(figure)).median;
  // Of a server that cannot keep up (calls are short of packets then) this is less than it would need.
  const usPerPacket = of(({ server, load }) => server.cpuUs / load.sent);
  return {
    usPerPacket,
    callsPerCore: Math.floor(20_000 / usPerPacket),
    addedDelayMs: of(({ load }) => load.delayP50Ms),
    loopDelayP99Ms: of(({ server }) => server.loopDelayP99Ms),
    callsShort: Math.max(...turns.map(({ load }) => load.callsShort)),
  };
}

async function packetsPerWrite({ server, port }: Row, load: Child): Promise<number> {
  await load.ask("speak", port);
  await pause(SETTLING_MS);
  await server.ask("watchWrites");
  await load.ask("begin", port);
  await pause(WRITES_MS);
  const { writes } = await server.ask<WriteFigures>("writes");
  const { received } = await load.ask<LoadFigures>("end", port);
  await load.ask("hush", port);
  return received / writes;
}
