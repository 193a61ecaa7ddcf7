import { type Logger, pino } from "pino";
import { WavixRestClient } from "../../wavix/control/index.ts";
import type { WavixServer } from "../server.ts";
import type { ServerSettings } from "../settings.ts";
import { wholeServer } from "../whole-server.ts";
import type { PoolLimits } from "./limits.ts";
import { WorkerPool } from "./pool.ts";

/** What {@link createWorkerServer} takes. */
export interface WorkerServerOptions {
  readonly settings: ServerSettings;
  /** The file that a worker runs: it calls `runWorker`. */
  readonly exec: string;
  /** For that program, as JSON: a bot itself cannot be handed over, but what it is called can. */
  readonly init: unknown;
  /** Of this process; workers log for themselves, on standard output. */
  readonly logger?: Logger | undefined;
  readonly limits?: Partial<PoolLimits> | undefined;
}

/**
 * A server whose calls live in `settings.workers` processes. This one is the front door: it has the port, decides who comes
 * in, and hands sockets over.
 *
 * `listen` also throws `BAD_BOT`, `BAD_PROMPT` or `NO_WORKER` when no worker can start, with what the first one said.
 *
 * @example
 * const exec = new URL("./worker.js", import.meta.url).pathname;
 * const server = createWorkerServer({ settings: { ...defaultSettings, workers: 4 }, exec, init: { bot: "echo" } });
 */
export function createWorkerServer({ settings, exec, init, logger, limits }: WorkerServerOptions): WavixServer {
  const log = logger ?? pino({ level: settings.logLevel });
  const rest = new WavixRestClient({ apiKey: settings.wavixApiKey, baseUrl: settings.wavixApiBase });
  let pool: WorkerPool;
  return wholeServer({
    ...{ settings, log, rest },
    openHost(events) {
      pool = new WorkerPool({ settings, rest, log, events, exec, init, limits });
      return pool;
    },
    async loadMetrics() {
      const { addWorkerMetrics } = await import("./metrics.ts");
      return (registry) => addWorkerMetrics(registry, pool);
    },
  });
}
