import { availableParallelism } from "node:os";
import type { CallFacts } from "../../../call/index.ts";
import { BotError } from "../errors.ts";
import type { Seat, Seats } from "../seat.ts";
import { BotProcess, type BotProcessOptions } from "./bot-process.ts";
import { bearer, callUrl, type Reach } from "./call-body.ts";
import { makeSeat } from "./make-seat.ts";
import { splitCommand } from "./split-command.ts";
import { StartBackOff } from "./start-back-off.ts";

/** Processes that one call may find out of order. */
const MAX_TRIES = 3;
/** Processes that start at once: more only make each other late. */
const MAX_STARTING = 2 * availableParallelism();

/** Bots that are started here. */
export interface CommandSeatsOptions extends Reach {
  /** `python bot.py --port {port}`: words and quotes as in a shell, which there is none of. */
  readonly command: string;
  /** Processes that wait for a call; default 1. With 0 each call waits for its own to start. */
  readonly warm?: number | undefined;
  /** Processes at once, of any kind; undefined for any number. */
  readonly max?: number | undefined;
  /** Where a bot takes its call; default `ws://127.0.0.1:{port}/ws-client`. */
  readonly url?: string | undefined;
  /** How long a process may take until it answers HTTP on its port, in ms; default 60,000. */
  readonly startTimeoutMs?: number | undefined;
  /** What becomes of the bots' output: nothing (default), or it goes to standard error. */
  readonly output?: "drop" | "inherit" | undefined;
  /** How long a bot may take to end on SIGTERM, in ms; default 5000. @internal */
  readonly stopMs?: number | undefined;
  /** Is told when processes do not come up, again and again. */
  readonly onTrouble?: ((error: BotError) => void) | undefined;
}

/**
 * A process for every call: started ahead of it, and ended with it, with all that it has started (SIGTERM, SIGKILL after
 * 5 s). It listens on 127.0.0.1 and is ready when it answers any HTTP request. One that dies before its call is replaced,
 * ever later when that happens again and again; calls then fail with what it said last. Bots end when this process does,
 * in whatever way. For POSIX systems, which have process groups.
 *
 * A bot gets this process's environment without `WAVIX_API_KEY`, `WEBHOOK_SECRET`, `STREAM_TOKEN_SECRET` (and those that
 * begin so) and `OPERATOR_TOKEN`.
 *
 * @throws TypeError when the command has a quote that is not closed, or no word
 *
 * @example
 * const seats = commandSeats({ command: "python bot.py --port {port}", warm: 2 });
 */
export function commandSeats(options: CommandSeatsOptions): Seats {
  return new CommandSeats(options);
}

type Waiter = (result: BotProcess | BotError | undefined) => void;

class CommandSeats implements Seats {
  readonly counters = { processes_started: 0, processes_failed: 0 };
  readonly #reach: Reach;
  readonly #url: string;
  readonly #warm: number;
  readonly #max: number;
  readonly #botOptions: BotProcessOptions;
  readonly #onTrouble: CommandSeatsOptions["onTrouble"];
  readonly #backOff = new StartBackOff();
  /** All that have not ended with what they have started. */
  readonly #processes = new Set<BotProcess>();
  readonly #starting = new Set<BotProcess>();
  readonly #idle = new Set<BotProcess>();
  readonly #withCall = new Set<BotProcess>();
  /** Calls without a bot, the oldest first. */
  readonly #waiters = new Set<Waiter>();
  #lastFailure: BotError | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: CommandSeatsOptions) {
    this.#reach = options;
    this.#onTrouble = options.onTrouble;
    this.#url = options.url ?? "ws://127.0.0.1:{port}/ws-client";
    this.#warm = options.warm ?? 1;
    this.#max = options.max ?? Number.POSITIVE_INFINITY;
    this.#botOptions = {
      words: splitCommand(options.command),
      startTimeoutMs: options.startTimeoutMs ?? 60_000,
      output: options.output ?? "drop",
      stopMs: options.stopMs ?? 5_000,
    };
    this.#fill();
  }

  async *offer(facts: CallFacts, signal: AbortSignal): AsyncGenerator<Seat, void, void> {
    for (let i = 0; i < MAX_TRIES && !signal.aborted; i++) {
      const bot = this.#takeIdle() ?? (await this.#wait(signal));
      if (bot === undefined) return;
      yield this.#seat(bot, facts);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#idle.clear();
    clearTimeout(this.#retry);
    for (const waiter of this.#waiters) waiter(undefined);
    await Promise.all([...this.#processes].map((bot) => bot.stop()));
  }

  #takeIdle(): BotProcess | undefined {
    for (const bot of this.#idle) {
      if (!bot.isAlive) continue;
      this.#idle.delete(bot);
      return bot;
    }
    return undefined;
  }

  /** @returns undefined when the signal is aborted, or this is closed */
  async #wait(signal: AbortSignal): Promise<BotProcess | undefined> {
    if (this.#closed) return undefined;
    if (this.#withCall.size + this.#waiters.size >= this.#max) {
      throw new BotError("NO_BOT_FREE", `no bot is free: ${this.#max} processes have a call`);
    }
    if (this.#backOff.isBroken && this.#backOff.waitMs > 0 && this.#starting.size === 0) throw this.#lastFailure;
    const result = await new Promise<Parameters<Waiter>[0]>((resolve) => {
      // Processes that start do not keep this one alive; a call that waits for one does.
      const hold = setInterval(() => undefined, 60_000);
      const waiter: Waiter = (result) => {
        clearInterval(hold);
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", onAbort);
        resolve(result);
      };
      const onAbort = () => waiter(undefined);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#fill();
    });
    if (result instanceof BotError) throw result;
    if (result === undefined || !signal.aborted) return result;
    // The call was over in the same moment.
    this.#provide(result);
    return undefined;
  }

  #seat(bot: BotProcess, facts: CallFacts): Seat {
    bot.give();
    this.#withCall.add(bot);
    this.#fill();
    let connected = true;
    const url = callUrl(this.#url.replaceAll("{port}", String(bot.port)), this.#reach, facts);
    return makeSeat(url, bearer(this.#reach.key), {
      failed: () => {
        connected = false;
        this.#failed(bot, new BotError("BOT_START_FAILED", "the bot's process answers, but takes no call"));
      },
      released: () => {
        if (connected) this.#backOff.succeeded();
        this.#stop(bot);
      },
    });
  }

  /** Starts what is wanted and there is room for. */
  #fill(): void {
    clearTimeout(this.#retry);
    if (this.#closed) return;
    const isWanted = () =>
      this.#idle.size + this.#starting.size < this.#warm + this.#waiters.size &&
      this.#processes.size < this.#max &&
      this.#starting.size < MAX_STARTING;
    const { waitMs } = this.#backOff;
    if (waitMs === 0) while (isWanted()) this.#start();
    else if (isWanted()) this.#retry = setTimeout(() => this.#fill(), waitMs).unref();
  }

  #start(): void {
    const bot = new BotProcess(this.#botOptions);
    this.#processes.add(bot);
    this.#starting.add(bot);
    this.counters.processes_started++;
    void bot.started.then((failure) => {
      this.#starting.delete(bot);
      if (failure !== undefined) return this.#failed(bot, failure);
      void bot.exited.then(() => {
        if (this.#idle.delete(bot)) this.#failed(bot, bot.failure("ended"));
        else this.#stop(bot);
      });
      this.#provide(bot);
      // There may be room to start another one.
      this.#fill();
    });
  }

  #provide(bot: BotProcess): void {
    const [longestWaiting] = this.#waiters;
    if (longestWaiting === undefined) this.#idle.add(bot);
    else longestWaiting(bot);
  }

  #failed(bot: BotProcess, failure: BotError): void {
    if (this.#closed) return;
    this.counters.processes_failed++;
    this.#backOff.failed(bot.livedMs);
    this.#lastFailure = failure;
    // The first time may have been a port that another process was quicker to take.
    if (this.#backOff.isBroken) this.#onTrouble?.(failure);
    if (this.#backOff.isBroken && this.#starting.size === 0) {
      for (const waiter of this.#waiters) waiter(failure);
    }
    this.#stop(bot);
  }

  /** Its place is free when all that it has started has ended. */
  #stop(bot: BotProcess): void {
    this.#withCall.delete(bot);
    void bot.stop().then(() => {
      this.#processes.delete(bot);
      this.#fill();
    });
    this.#fill();
  }
}
