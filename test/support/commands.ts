import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;

let current: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  current = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(current, { recursive: true });
});

/** The folder in which the commands of this test run, empty at first. */
export function folder(): string {
  return current;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, in an empty folder and with nothing configured but `env`. */
export function command(argv: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return running(argv, env).outcome;
}

/** The same, and its process, to be sent signals. */
export function running(argv: string[], env: Record<string, string> = {}) {
  const options = { cwd: current, env: { PATH: process.env.PATH ?? "", ...env }, timeout: 40_000 };
  let child!: ChildProcess;
  const outcome = new Promise<Outcome>((resolve) => {
    child = execFile(process.execPath, [MAIN, ...argv], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
    children.push(child);
  });
  return { child, outcome };
}

/** Starts a server and waits for its banner; one of another command by what that says last. */
export async function start(
  argv: string[],
  env: Record<string, string> = {},
  name = "start",
  banner = /WebSocket URL.*\n[\s\S]*\n/,
) {
  const child = spawn(process.execPath, [MAIN, name, ...(name === "start" ? ["--port", "0"] : []), ...argv], {
    cwd: current,
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  children.push(child);
  const server = { child, output: "", exit: new Promise<number | null>((resolve) => child.once("exit", resolve)) };
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (data) => {
      server.output += data;
      if (banner.test(server.output)) resolve();
    });
    child.stderr.on("data", (data) => {
      server.output += data;
    });
    child.once("exit", () => reject(new Error(server.output)));
  });
  return server;
}

/**
 * Until a server has said this on its standard output.
 *
 * @throws Error when it has ended without it
 */
export async function said(server: Awaited<ReturnType<typeof start>>, text: string): Promise<void> {
  const ended = server.exit.then(() => {
    if (!server.output.includes(text)) throw new Error(`it ended without saying "${text}": ${server.output}`);
  });
  while (!server.output.includes(text)) await Promise.race([once(server.child.stdout, "data"), ended]);
}

/** Where a server listens that was started. */
export function localUrl(output: string): string {
  return /Local URL\s+(\S+)/.exec(output)?.[1] as string;
}
