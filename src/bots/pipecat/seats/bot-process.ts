import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { BotError } from "../errors.ts";
import { botEnvironment } from "./bot-environment.ts";
import { type FreePort, takeFreePort } from "./free-port.ts";
import { dismissGroup, guardGroup, signalGroup } from "./group-guard.ts";
import { OutputTail } from "./output-tail.ts";
import { probe } from "./probe.ts";

const POLL_MS = 100;
const PROBE_LIMIT_MS = 2_000;
/** How often is looked whether all of a group has gone. */
const LOOK_MS = 20;
/** How long what it said last may take to come; what it has started may hold on to its output for good. */
const LAST_WORDS_MS = 200;
/** How long SIGKILL may take: what hangs in the kernel is not waited for. */
const KILL_LIMIT_MS = 1_000;

/** How a process is started and ended. Times are in ms. */
export interface BotProcessOptions {
  /** `{port}` stands for the port. */
  readonly words: readonly [string, ...string[]];
  readonly startTimeoutMs: number;
  /** Where its output goes: nowhere, or to the standard error of this process. */
  readonly output: "drop" | "inherit";
  /** How long SIGTERM may take. */
  readonly stopMs: number;
}

/** A bot's process, the head of a group of its own, for one call. */
export class BotProcess {
  /** Settles when it answers (undefined), or with why it will not. Never rejects. */
  readonly started: Promise<BotError | undefined>;
  /** Settles when it has ended; what it has started may go on. Never rejects. */
  readonly exited: Promise<void>;
  readonly #options: BotProcessOptions;
  #settleExit!: () => void;
  #place: FreePort | undefined;
  #child: ChildProcess | undefined;
  #output: OutputTail | undefined;
  /** How it ended. */
  #how: string | undefined;
  #readyAtMs: number | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: BotProcessOptions) {
    this.#options = options;
    this.exited = new Promise((resolve) => {
      this.#settleExit = resolve;
    });
    this.started = this.#start();
  }

  /** 0 before it has one. */
  get port(): number {
    return this.#place?.port ?? 0;
  }

  get isAlive(): boolean {
    return this.#how === undefined && this.#stopping === undefined;
  }

  /** How long it has been ready; 0 for never. */
  get livedMs(): number {
    return this.#readyAtMs === undefined ? 0 : performance.now() - this.#readyAtMs;
  }

  /** It gets a call. */
  give(): void {
    this.#output?.forget();
  }

  /** Why it ended without having had a call, with what it said last. */
  failure(otherwise: string): BotError {
    const said = this.#output?.text ?? "";
    const last = said.slice(said.lastIndexOf("\n") + 1);
    const message = `the bot's process ${this.#how ?? otherwise}${last === "" ? "" : `: ${last}`}`;
    return new BotError("BOT_START_FAILED", message, said === last ? undefined : { cause: new Error(said) });
  }

  /** Ends it and what it has started: SIGTERM, and SIGKILL for what is left after `stopMs`. Settles when all is gone. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<BotError | undefined> {
    try {
      const place = await takeFreePort();
      this.#place = place;
      if (this.isAlive) this.#spawn(place.port);
      else place.giveBack();
    } catch (error) {
      this.#ended(`cannot be started (${(error as NodeJS.ErrnoException).code ?? error})`);
    }
    const { startTimeoutMs } = this.#options;
    const deadlineMs = performance.now() + startTimeoutMs;
    while (this.isAlive) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return this.failure(`did not answer on its port within ${startTimeoutMs} ms`);
      const answer = probe(`http://127.0.0.1:${this.port}/`, Math.min(PROBE_LIMIT_MS, leftMs));
      if ((await Promise.race([answer, this.exited])) !== undefined && this.isAlive) {
        this.#readyAtMs = performance.now();
        return undefined;
      }
      await Promise.race([sleep(POLL_MS, undefined, { ref: false }), this.exited]);
    }
    // With what it said last.
    if (this.#stopping === undefined) await this.exited;
    return this.failure("was stopped");
  }

  #spawn(port: number): void {
    const [program, ...args] = this.#options.words.map((word) => word.replaceAll("{port}", String(port)));
    const output = this.#options.output === "inherit" ? 2 : "pipe";
    const child = spawn(program as string, args, {
      detached: true,
      env: botEnvironment(process.env),
      stdio: ["ignore", output, output],
    });
    this.#child = child;
    this.#output = new OutputTail(child.stdout, child.stderr);
    if (child.pid !== undefined) guardGroup(child.pid);
    child.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      const why = code === "ENOENT" ? `there is no program ${program}` : (code ?? message);
      this.#ended(`cannot be started (${why})`);
    });
    child.once("exit", (code, signal) => {
      this.#how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      void sleep(LAST_WORDS_MS, undefined, { ref: false }).then(this.#settleExit);
    });
    // Its output has come to an end too.
    child.once("close", this.#settleExit);
    // A program that has nothing else to do ends, and its bots with it.
    this.#unref(child);
  }

  #ended(how: string): void {
    this.#how = how;
    this.#settleExit();
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined) {
      child.ref();
      signalGroup(child.pid, "SIGTERM");
      if (!(await isGone(child.pid, this.#options.stopMs))) {
        signalGroup(child.pid, "SIGKILL");
        await isGone(child.pid, KILL_LIMIT_MS);
      }
      dismissGroup(child.pid);
      this.#unref(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
    this.#place?.giveBack();
    this.#settleExit();
  }

  #unref(child: ChildProcess): void {
    child.unref();
    for (const pipe of [child.stdout, child.stderr]) (pipe as { unref?(): void } | null)?.unref?.();
  }
}

/** Whether all of a group has gone within the time, or goes by then. A member counts until its parent has taken note. */
async function isGone(group: number, limitMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  while (signalGroup(group, 0)) {
    if (performance.now() >= deadlineMs) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
