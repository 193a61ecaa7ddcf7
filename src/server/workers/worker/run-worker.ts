import cluster from "node:cluster";
import type { Bot } from "../../../call/index.ts";
import { ServerError } from "../../errors.ts";
import { type FromWorker, parseToWorker, type Setup, startFailure } from "../protocol.ts";
import { Carrier } from "./carrier.ts";

/** What runs in a worker. */
export interface WorkerProgram {
  /**
   * Loads who talks to the callers; each takes over where the one before it failed.
   *
   * @param init of `createWorkerServer`
   * @throws ServerError `BAD_BOT` for a mistake of whoever named the bot; anything else when the bot itself is broken
   */
  loadBots(init: unknown): Promise<readonly [Bot, ...Bot[]]>;
}

/** How long the process may live on after its last call, when a bot's module does not let go of it. */
const EXIT_AFTER_MS = 1_000;

/**
 * Makes this process a worker of the primary that forked it: it carries calls as it is told to, until it is told to leave or
 * the primary is gone.
 */
export function runWorker(program: WorkerProgram): void {
  const { worker } = cluster;
  if (worker === undefined) throw new ServerError("NO_WORKER", "this is no worker: nobody forked it");
  // Ctrl-C, and the end of a terminal, reach the whole process group. It is the primary that says when to leave.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  // Otherwise Node ends a worker together with its primary, and its calls would stay up at Wavix.
  worker.exitedAfterDisconnect = true;
  let carrier: Carrier | undefined;

  async function setUp(setup: Setup): Promise<void> {
    try {
      const fresh = new Carrier(setup, await program.loadBots(setup.init), say);
      await fresh.start();
      carrier = fresh;
      say({ type: "ready" });
    } catch (error) {
      const code = startFailure.safeParse((error as { code?: unknown } | null)?.code).data ?? "NO_WORKER";
      const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
      say({ type: "failed", code, message }, () => process.exit(1));
    }
  }

  process.on("message", (message: unknown, handle: unknown) => {
    const told = parseToWorker(message);
    if (told?.type === "setup") void setUp(told.setup);
    else if (told?.type === "exit") process.connected && process.disconnect();
    else carrier?.hear(told, handle);
  });
  process.once("disconnect", async () => {
    await carrier?.leave();
    setTimeout(() => process.exit(0), EXIT_AFTER_MS).unref();
  });
  say({ type: "hello" });
}

function say(message: FromWorker, then: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, {}, then);
}
