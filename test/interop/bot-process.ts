import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../support/free-port.ts";
import type { Python } from "./environments.ts";

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;
const OUTPUT_LIMIT = 1 << 20;
const OFFLINE = fileURLToPath(new URL("bots/offline", import.meta.url));

/** A bot that answers on its port. */
export interface BotProcess {
  port: number;
  pid: number;
  /** From its start to its first answer. */
  startMs: number;
  /** Where a path of it is, as WebSocket. */
  url(path: string): string;
  /** What it has printed, the latest megabyte. */
  output(): string;
  /** Ends it as a supervisor does, and with force if that takes long. */
  stop(): Promise<void>;
  /** Ends it at once, without a word to its calls. */
  kill(): Promise<void>;
}

/** The programs that run: none may outlive the tests. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});

/**
 * Starts a bot on a free port and waits until it answers HTTP, with whatever.
 *
 * @param python - the environment it runs in
 * @param script - its path, from the root of the repository
 * @param options - more arguments than `--host` and `--port`, more variables, another time limit than 60 s
 * @throws Error with the last lines it printed, if it ends or does not answer in time
 */
export async function startBot(
  python: Python,
  script: string,
  options: { args?: string[]; env?: Record<string, string>; limitMs?: number } = {},
): Promise<BotProcess> {
  const { args = [], env = {}, limitMs = START_LIMIT_MS } = options;
  const port = await freePort();
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const startedAtMs = performance.now();
  const child = spawn(python.python, [path, "--host", "127.0.0.1", "--port", String(port), ...args], {
    detached: true, // a process group of its own, so that what it starts ends with it
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PYTHONUNBUFFERED: "1", PYTHONPATH: OFFLINE, NO_COLOR: "1", ...env },
  });
  await once(child, "spawn");
  running.add(child);
  const exited = once(child, "exit").then(() => running.delete(child));
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-OUTPUT_LIMIT);
    });
  }
  const end = async (signal: NodeJS.Signals) => {
    signalGroup(child, signal);
    const force = setTimeout(signalGroup, STOP_LIMIT_MS, child, "SIGKILL");
    await exited;
    clearTimeout(force);
  };

  const deadlineMs = startedAtMs + limitMs;
  while (!(await answers(port))) {
    const gone = child.exitCode ?? child.signalCode;
    if (gone === null && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    await end("SIGKILL");
    const why = gone === null ? `does not answer within ${limitMs} ms` : `ended with ${gone}`;
    throw new Error(`${script} ${why}; it printed:\n${printed.slice(-3000)}`);
  }
  return {
    port,
    pid: child.pid as number,
    startMs: performance.now() - startedAtMs,
    url: (path) => `ws://127.0.0.1:${port}${path}`,
    output: () => printed,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function answers(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(`http://127.0.0.1:${port}/`, { signal, redirect: "manual" }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}
