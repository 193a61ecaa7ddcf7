import { Child } from "../server/child.ts";
import { assertEcho } from "./check.ts";
import { PythonProcess } from "./python-process.ts";

export const ROW_NAMES = ["bridge", "python-original", "bridge-with-pipecat", "bridge-many", "echo-many"] as const;
export type RowName = (typeof ROW_NAMES)[number];

/** A process whose CPU time counts. */
export interface Counted {
  cpuUs(): Promise<number>;
}

/** What is measured: calls that come to a port, and the processes that have them. */
export interface Row {
  readonly name: RowName;
  readonly port: number;
  readonly calls: number;
  /** Before that: what a server does all day is compiled. Python compiles nothing. */
  readonly warmUpCalls: number;
  readonly counted: readonly Counted[];
  close(): void;
}

/** The Pythons with what the rows need; without one its row is left out. */
export interface Pythons {
  readonly original: string | undefined;
  readonly current: string | undefined;
}

/** Calls at once: in the rows that are compared with Python, and in those that show what a server is for. */
export interface CallCounts {
  readonly few: number;
  readonly many: number;
}

interface Opened {
  readonly port: number;
  readonly counted: readonly Counted[];
  readonly closed: readonly { close(): void }[];
  /** Whether every sample that comes back is known. */
  readonly isExact: boolean;
}

/** This server, with its calls bridged to a bot, or with its own echo. */
async function serve(botUrl?: string): Promise<{ port: number; server: Child & Counted }> {
  const child = new Child("bridge/server-child.js", botUrl === undefined ? [] : [botUrl]);
  const server = Object.assign(child, { cpuUs: () => child.ask<number>("cpuUs") });
  return { port: await child.ask<number>("open"), server };
}

async function bridge(): Promise<Opened> {
  const bot = new Child("bridge/bot-child.js");
  const { port, server } = await serve(await bot.ask<string>("open"));
  return { port, counted: [server], closed: [server, bot], isExact: true };
}

async function echo(): Promise<Opened> {
  const { port, server } = await serve();
  return { port, counted: [server], closed: [server], isExact: true };
}

async function original(python: string): Promise<Opened> {
  const server = await PythonProcess.start(python);
  return { port: server.port, counted: [server], closed: [server], isExact: false };
}

async function bridgeWithPipecat(python: string): Promise<Opened> {
  const bot = await PythonProcess.start(python);
  const { port, server } = await serve(`ws://127.0.0.1:${bot.port}/ws-client`);
  return { port, counted: [server, bot], closed: [server, bot], isExact: false };
}

/** Starts what a row needs, and looks whether it does what it is to be timed for. */
export async function openRow(name: RowName, calls: CallCounts, pythons: Pythons): Promise<Row | undefined> {
  const opened = await open(name, pythons);
  if (opened === undefined) return undefined;
  const { port, counted, closed, isExact } = opened;
  const close = () => {
    for (const one of closed) one.close();
  };
  try {
    await assertEcho(name, port, isExact);
  } catch (error) {
    close();
    throw error;
  }
  return {
    ...{ name, port, counted, close },
    calls: name.endsWith("-many") ? calls.many : calls.few,
    warmUpCalls: name.endsWith("-original") || name.endsWith("-pipecat") ? calls.few : calls.many,
  };
}

function open(name: RowName, { original: python, current }: Pythons): Promise<Opened> | undefined {
  if (name.startsWith("bridge-with")) return current === undefined ? undefined : bridgeWithPipecat(current);
  if (name === "python-original") return python === undefined ? undefined : original(python);
  return name.startsWith("bridge") ? bridge() : echo();
}
