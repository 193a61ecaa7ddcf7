import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { Arrivals } from "./arrivals.ts";
import type { LogLine } from "./log-capture.ts";

const dist = (path: string) => new URL(`../../dist/${path}`, import.meta.url);

/** Half a second of it is no other half second, and none of it is silence. */
export const EXACT_AUDIO = Int16Array.from({ length: 24_000 * 5 }, (_, n) => (((n * n) % 20_011) - 10_005) | 1);

/** Plays {@link EXACT_AUDIO} once, at the wire's own rate: what is heard is the same, sample by sample. */
export const EXACT_BOT = `
import { OutputAudioRawFrame } from ${JSON.stringify(dist("index.js").href)};
const audio = Int16Array.from({ length: ${EXACT_AUDIO.length} }, (_, n) => (((n * n) % 20_011) - 10_005) | 1);
export default async (call) => {
  await call.send(new OutputAudioRawFrame({ audio, sampleRate: 24_000, numChannels: 1 }));
  await call.closed;
};`;

/** Whether there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** `pipecat-wavix start --workers N` as it is built, in a folder of its own. */
export class WorkerCli implements AsyncDisposable {
  readonly exit: Promise<number | null>;
  /** What it has printed. */
  output = "";
  errors = "";
  readonly folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
  readonly #child: ChildProcess;
  readonly #lines = new Arrivals<LogLine>();
  readonly #words = new Arrivals<string>();

  /** @param bot the text of a module; default: the echo */
  constructor(env: Record<string, string>, { bot, argv = [] }: { bot?: string; argv?: string[] } = {}) {
    const args = ["start", "--workers", "2", "--port", "0", ...argv];
    if (bot !== undefined) {
      writeFileSync(join(this.folder, "bot.mjs"), bot);
      args.push("--bot", "./bot.mjs");
    }
    const main = dist("cli/main.js").pathname;
    this.#child = spawn(process.execPath, [main, ...args], {
      cwd: this.folder,
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exit = new Promise((resolve) => this.#child.once("close", (code) => resolve(code)));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.output += `${line}\n`;
      if (line.startsWith("{")) this.#lines.add(JSON.parse(line));
      else this.#words.add(line);
    });
    this.#child.stderr?.on("data", (data) => {
      this.errors += data;
    });
  }

  /** Starts one that is known to start, and waits for its banner. */
  static async start(...parameters: ConstructorParameters<typeof WorkerCli>): Promise<WorkerCli & { webhook: string }> {
    const cli = new WorkerCli(...parameters);
    const words = await Promise.race([cli.says(/Webhook URL/), cli.exit.then(() => Promise.reject(cli.errors))]);
    return Object.assign(cli, { webhook: words.split(" ").at(-1) as string });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get lines(): readonly LogLine[] {
    return this.#lines.all;
  }

  says(words: RegExp): Promise<string> {
    return this.#words.first((line) => words.test(line));
  }

  line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return this.#lines.first(fits);
  }

  /** The process ids of all workers there ever were. */
  get workerPids(): number[] {
    return this.lines.filter(({ msg }) => msg === "worker ready").map(({ workerPid }) => workerPid as number);
  }

  /** The worker that carries a call, once it does. */
  async ownerOf(callId: string): Promise<{ worker: number; pid: number }> {
    const line = await this.line((line) => line.msg === "call streaming" && line.callId === callId);
    return { worker: line.worker as number, pid: line.pid as number };
  }

  get records(): LogLine[] {
    const text = readFileSync(join(this.folder, "calls.jsonl"), "utf8").trimEnd();
    return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
  }

  kill(signal: NodeJS.Signals, pid = this.pid): void {
    process.kill(pid, signal);
  }

  async get(webhook: string, path: string, token?: string): Promise<{ status: number; text: string }> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(new URL(path, webhook), { headers });
    return { status: response.status, text: await response.text() };
  }

  /** Nothing is left of it. */
  async expectGone(): Promise<void> {
    await this.exit;
    await expect.poll(() => this.workerPids.filter(isAlive), { timeout: 5_000, interval: 20 }).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of [this.pid, ...this.workerPids]) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await this.exit;
    rmSync(this.folder, { recursive: true });
  }
}
