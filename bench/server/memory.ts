import { Child } from "./child.ts";
import type { LoadTarget } from "./load.ts";
import { botRate, type RowName } from "./rows/all.ts";
import { pause } from "./turns.ts";

export interface MemoryResult {
  /** Of a call that is up and whose bot is silent, in kB of 1,000 bytes, its socket included. */
  readonly rssPerCallKb: number;
  /** With a second of the bot's speech waiting; only of the product's rows. */
  readonly rssPerQueuedCallKb: number | null;
}

const CALLS = 400;
const FIRST_CALLS = 50;
/** How long a caller speaks, and how long after the beginning all is silent. */
const SPEAKING_SECONDS = 0.2;
const SILENT_AFTER_MS = 800;
/** The heap's nursery is held small and the same for all rows: its growth is no call's. */
const FLAGS = ["--expose-gc", "--max-semi-space-size=1"];

/** What each call makes a server grow by: its caller has begun to speak, its bot is silent, then has much to say. */
export async function measureMemory(name: RowName, load: Child): Promise<MemoryResult> {
  const server = new Child("server/server-child.js", [name], FLAGS);
  try {
    const port = await server.ask<number>("open");
    await server.ask("silence");
    const open = async (calls: number) => {
      await load.ask("open", { port, raw: name === "raw-tcp", calls, seconds: SPEAKING_SECONDS } satisfies LoadTarget);
      await load.ask("speak", port);
      await pause(SILENT_AFTER_MS);
    };
    // The first bring what all share: compiled code, tables, buffers.
    await open(FIRST_CALLS);
    await load.ask("close", port);
    const before = await server.ask<number>("rss");
    await open(CALLS);
    const perCall = (rss: number) => (rss - before) / CALLS / 1_000;
    const rssPerCallKb = perCall(await server.ask<number>("rss"));
    const queues = botRate(name) !== undefined;
    const rssPerQueuedCallKb = queues ? perCall(await server.ask<number>("rssWithOneSecondQueued")) : null;
    await load.ask("close", port);
    return { rssPerCallKb, rssPerQueuedCallKb };
  } finally {
    server.close();
  }
}
