import { median } from "../rounds.ts";
import { assertCorrect } from "./check.ts";
import { Child } from "./child.ts";
import type { LoadFigures, LoadTarget } from "./load.ts";
import { botRate, type RowName } from "./rows/all.ts";
import type { ServerFigures } from "./server-child.ts";

export interface MeasureOptions {
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

/** The server of a row, in its process. */
export interface Row {
  readonly name: RowName;
  readonly server: Child;
  readonly port: number;
}

interface Round {
  readonly server: ServerFigures;
  readonly load: LoadFigures;
}

const WARM_UP_MS = 700;
const MEMORY_CALLS = 400;
/** How long a caller speaks there, and how long after the beginning all is silent. */
const MEMORY_SECONDS = 0.2;
const MEMORY_PAUSE_MS = 1_000;
const WRITES_MS = 800;

/** Starts the servers, and looks whether each does what it will be timed for. */
export async function openRows(names: readonly RowName[], onStep: (label: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of names) {
    onStep(`${name}: what comes back`);
    const server = new Child("server-child.js", [name], ["--expose-gc"]);
    rows.push({ name, server, port: await server.ask<number>("open") });
    await assertCorrect(name, rows.at(-1)!.port);
  }
  return rows;
}

/** Measures the rows in turns, so that a slow moment of the machine meets all of them, and takes each one's median. */
export async function measureRows(rows: readonly Row[], load: Child, options: MeasureOptions): Promise<RowResult[]> {
  const { calls, seconds, rounds, onStep } = options;
  const measured = rows.map(() => [] as Round[]);
  const memory: Awaited<ReturnType<typeof measureMemory>>[] = [];
  for (const row of rows) {
    onStep(`${row.name}: memory`);
    memory.push(await measureMemory(row, load));
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < rows.length; turn++) {
      const i = (turn + round) % rows.length;
      onStep(`${rows[i]!.name}: round ${round + 1} of ${rounds}`);
      measured[i]!.push(await measureRound(rows[i]!, load, calls, seconds));
    }
  }
  const results: RowResult[] = [];
  for (const [i, row] of rows.entries()) {
    onStep(`${row.name}: writes`);
    results.push({
      name: row.name,
      ...figuresOf(measured[i]!),
      packetsPerWrite: await packetsPerWrite(row, load),
      ...memory[i]!,
    });
  }
  return results;
}

function figuresOf(rounds: readonly Round[]) {
  const of = (figure: (round: Round) => number) => median(rounds.map(figure));
  const usPerPacket = of(({ server, load }) => server.cpuUs / load.sent);
  return {
    usPerPacket,
    callsPerCore: Math.floor(20_000 / usPerPacket),
    addedDelayMs: of(({ load }) => load.delayP50Ms),
    loopDelayP99Ms: of(({ server }) => server.loopDelayP99Ms),
    latenessP99Ms: of(({ load }) => load.latenessP99Ms),
    callsShort: Math.max(...rounds.map(({ load }) => load.callsShort)),
  };
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens calls, lets them warm up, measures, closes them. */
export async function measureRound(row: Row, load: Child, calls: number, seconds: number): Promise<Round> {
  // Room for a server that is slow to answer: its callers go on meanwhile.
  await open(row, load, calls, 2 * seconds + 2);
  await pause(WARM_UP_MS);
  await row.server.ask("begin");
  await load.ask("begin");
  await pause(seconds * 1_000);
  const figures = { server: await row.server.ask<ServerFigures>("end"), load: await load.ask<LoadFigures>("end") };
  await load.ask("close");
  return figures;
}

export async function open({ name, port }: Row, load: Child, calls: number, seconds: number) {
  const target: LoadTarget = { port, raw: name === "raw-tcp", calls, seconds };
  await load.ask("open", target);
}

/** What each call makes the process grow by: its caller has begun to speak, its bot is silent, then has much to say. */
async function measureMemory(row: Row, load: Child) {
  await row.server.ask("silence", true);
  // The first bring what all share: compiled code, tables, the heap's first size.
  for (let warmUp = 0; warmUp < 2; warmUp++) {
    await open(row, load, 50, MEMORY_SECONDS);
    await pause(MEMORY_PAUSE_MS / 2);
    await load.ask("close");
    await pause(100);
  }
  const before = await row.server.ask<number>("rss");
  await open(row, load, MEMORY_CALLS, MEMORY_SECONDS);
  await pause(MEMORY_PAUSE_MS);
  const perCall = (rss: number) => (rss - before) / MEMORY_CALLS / 1_000;
  const rssPerCallKb = perCall(await row.server.ask<number>("rss"));
  const queues = botRate(row.name) !== undefined;
  const rssPerQueuedCallKb = queues ? perCall(await row.server.ask<number>("rssWithOneSecondQueued")) : null;
  await load.ask("close");
  await row.server.ask("silence", false);
  return { rssPerCallKb, rssPerQueuedCallKb };
}

async function packetsPerWrite(row: Row, load: Child): Promise<number> {
  await open(row, load, 50, 3);
  await pause(WARM_UP_MS);
  await row.server.ask("countWrites");
  await load.ask("begin");
  await pause(WRITES_MS);
  const writes = await row.server.ask<number>("writes");
  const { received } = await load.ask<LoadFigures>("end");
  await load.ask("close");
  return received / writes;
}
