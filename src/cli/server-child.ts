// A server in a process of its own, as `load` and `soak` start it: without the settings of whoever runs them.
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { pino } from "pino";
import { packetClock } from "../call/index.ts";
import { defaultCodec } from "../codec/index.ts";
import { createServer, type WavixServer } from "../server/index.ts";
import { UsageError } from "./arguments.ts";
import { findBot, loadBot } from "./bot-by-name.ts";
import { listenToParent, sayToParent } from "./child.ts";
import { soakBot } from "./soak-bot.ts";

/** How the server of a test differs from one of `start`. */
export interface ServerChildOptions {
  /** As `--bot`; null for the bot of `soak`. */
  readonly bot: string | null;
  readonly wavixApiBase: string;
  readonly maxCalls: number;
  readonly cdr?: string;
}

/** What the process holds on to. */
export interface Holdings {
  readonly rssBytes: number;
  /** Objects and array buffers, after a garbage collection where the process can be told to do one. */
  readonly heapBytes: number;
  readonly cpuMs: number;
  readonly calls: number;
  readonly openResamplers: number;
  readonly tickingTransports: number;
  /** Sockets, timers and the like, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

export type ServerChildTold = { start: ServerChildOptions } | { ask: "holdings" } | { close: true };
export type ServerChildSays =
  | { listens: string }
  | { refused: string; isMistake: boolean }
  | { holdings: Holdings }
  | { closed: true };

let server: WavixServer | undefined;

listenToParent<ServerChildTold>(
  (message) => {
    if ("start" in message) void start(message.start);
    else if ("ask" in message) void holdings().then((held) => say({ holdings: held }));
    else void server?.close().then(() => say({ closed: true }));
  },
  // A server that is closed must let go of the process by itself.
  () => void (server === undefined ? process.exit() : server.close()),
);

async function start({ bot: name, ...settings }: ServerChildOptions): Promise<void> {
  try {
    server = createServer({
      ...settings,
      bot: name === null ? soakBot : await loadBot(findBot("bot", name)),
      port: 0,
      // All calls come from one address, and all at once if they are told to.
      maxCallsPerSecond: 0,
      addressRequestsPerSecond: 0,
      logger: pino({ level: "error" }),
    });
    const { webhook } = await server.listen();
    say({ listens: webhook });
  } catch (error) {
    const { message, cause } = error as Error;
    if (cause !== undefined) console.error(cause);
    say({ refused: message, isMistake: error instanceof UsageError });
  }
}

async function holdings(): Promise<Holdings> {
  globalThis.gc?.();
  // The memory of arrays is given back a moment later, and that of what had to be told of it by the next collection.
  await sleep(20);
  globalThis.gc?.();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    rssBytes: rss,
    heapBytes: heapUsed - machineCodeBytes() + arrayBuffers,
    cpuMs: (user + system) / 1_000,
    calls: server?.callCount ?? 0,
    openResamplers: defaultCodec().openResamplers,
    tickingTransports: packetClock.size,
    resources,
  };
}

/** It grows for as long as V8 finds something to compile better. */
function machineCodeBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => space_name.startsWith("code_"));
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}

function say(message: ServerChildSays): void {
  sayToParent(message);
}
