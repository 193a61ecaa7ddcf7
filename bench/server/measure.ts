import { median } from "../rounds.ts";
import { assertCorrect } from "./check.ts";
import { Child } from "./child.ts";
import type { LoadFigures, LoadTarget } from "./load.ts";
import { botRate, type RowName } from "./rows/all.ts";
import type { ServerFigures } from "./server-child.ts";

export interface MeasureOptions {
  readonly rows: readonly RowName[];
  /** Calls at once while CPU time is measured. */
  readonly calls: number;
  /** How long each row works in a round. */
  readonly seconds: number;
  readonly rounds: number;
  onStep(label: string): void;
}

export interface RowResult {
  readonly name: RowName;
  /** CPU time, user and system, for 20 ms of one call: a packet in and one out. */
  readonly usPerPacket: number;
  /** How many calls would keep one core busy. */
  readonly callsPerCore: number;
  readonly packetsPerWrite: number;
  readonly addedDelayMs: number;
  /** Of a call that is up and silent, in kB of 1,000 bytes. */
  readonly rssPerCallKb: number;
  /** With a second of the bot's speech waiting; only of the product's rows. */
  readonly rssPerQueuedCallKb: number | null;
  readonly loopDelayP99Ms: number;
  readonly latenessP99Ms: number;
  /** Calls that, in some round, did not get all their packets back. */
  readonly callsShort: number;
}

interface Row {
  readonly name: RowName;
  readonly server: Child;
  readonly port: number;
  readonly rounds: { server: ServerFigures; load: LoadFigures }[];
}

const MEMORY_CALLS = 400;
const WARM_UP_MS = 1_000;

/** Measures the rows in turns, so that a slow moment of the machine meets all of them, and takes each one's median. */
export async function measureRows(load: Child, options: MeasureOptions): Promise<RowResult[]> {
  const { calls, seconds, rounds, onStep } = options;
  const rows: Row[] = [];
  const memory = new Map<Row, Pick<RowResult, "rssPerCallKb" | "rssPerQueuedCallKb">>();
  try {
    for (const name of options.rows) {
      onStep(`${name}: what comes back, and memory`);
      const server = new Child("server-child.js", [name], ["--expose-gc"]);
      const row = { name, server, port: await server.ask<number>("open"), rounds: [] };
      rows.push(row);
      await assertCorrect(name, row.port);
      memory.set(row, await measureMemory(row, load));
    }
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < rows.length; turn++) {
        const row = rows[(turn + round) % rows.length]!;
        onStep(`${row.name}: round ${round + 1} of ${rounds}`);
        row.rounds.push(await measureRound(row, load, calls, seconds));
      }
    }
    const results: RowResult[] = [];
    for (const row of rows) {
      onStep(`${row.name}: writes`);
      results.push({ ...result(row), packetsPerWrite: await packetsPerWrite(row, load), ...memory.get(row)! });
    }
    return results;
  } finally {
    for (const { server } of rows) server.close();
  }
}

function result(row: Row): Omit<RowResult, "packetsPerWrite" | "rssPerCallKb" | "rssPerQueuedCallKb"> {
  const of = (figure: (round: Row["rounds"][number]) => number) => median(row.rounds.map(figure));
  const usPerPacket = of(({ server, load }) => server.cpuUs / load.sent);
  return {
    name: row.name,
    usPerPacket,
    callsPerCore: Math.floor(20_000 / usPerPacket),
    addedDelayMs: of(({ load }) => load.delayP50Ms),
    loopDelayP99Ms: of(({ server }) => server.loopDelayP99Ms),
    latenessP99Ms: of(({ load }) => load.latenessP99Ms),
    callsShort: Math.max(...row.rounds.map(({ load }) => load.callsShort)),
  };
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens calls, lets them warm up, measures, closes them. */
export async function measureRound(row: Pick<Row, "name" | "server" | "port">, load: Child, calls: number, seconds: number) {
  await open(row, load, calls, seconds + 2 * (WARM_UP_MS / 1_000) + 1);
  await pause(WARM_UP_MS);
  await row.server.ask("begin");
  await load.ask("begin");
  await pause(seconds * 1_000);
  const figures = { server: await row.server.ask<ServerFigures>("end"), load: await load.ask<LoadFigures>("end") };
  await load.ask("close");
  return figures;
}

async function open({ name, port }: Pick<Row, "name" | "port">, load: Child, calls: number, seconds: number) {
  const target: LoadTarget = { port, raw: name === "raw-tcp", calls, seconds: Math.ceil(seconds) };
  await load.ask("open", target);
}

/** What each call makes the process grow by. A call is silent here: it has only begun. */
async function measureMemory(row: Row, load: Child) {
  // The first bring what all share: compiled code, tables, the heap's first size.
  await open(row, load, 20, 0);
  await pause(200);
  await load.ask("close");
  await pause(100);
  const before = await row.server.ask<number>("rss");
  await open(row, load, MEMORY_CALLS, 0);
  await pause(300);
  const perCall = (rss: number) => (rss - before) / MEMORY_CALLS / 1_000;
  const rssPerCallKb = perCall(await row.server.ask<number>("rss"));
  const queues = botRate(row.name) !== undefined;
  const rssPerQueuedCallKb = queues ? perCall(await row.server.ask<number>("rssWithOneSecondQueued")) : null;
  await load.ask("close");
  return { rssPerCallKb, rssPerQueuedCallKb };
}

async function packetsPerWrite(row: Row, load: Child): Promise<number> {
  await open(row, load, 50, 4);
  await pause(WARM_UP_MS);
  await row.server.ask("countWrites");
  await load.ask("begin");
  await pause(1_000);
  const writes = await row.server.ask<number>("writes");
  const { received } = await load.ask<LoadFigures>("end");
  await load.ask("close");
  return received / writes;
}
