import cluster, { type Worker } from "node:cluster";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamToken } from "../call-host.ts";
import type { CallRecord } from "../call-record.ts";
import { ServerError } from "../errors.ts";
import { noFigures } from "../figures.ts";
import type { Candidate } from "./choose.ts";
import { detach, handshakeOf, type PassingSocket } from "./pass-socket.ts";
import { type FromWorker, type Health, parseFromWorker, type Setup, type ToWorker } from "./protocol.ts";

/** What a worker does that the pool has to know. */
export interface WorkerEvents {
  tokenUsed(key: string, token: StreamToken): void;
  /** Without a record: it never began. */
  ended(key: string, record: CallRecord | undefined): void;
  /** Its process has ended; said once. */
  gone(worker: WorkerProcess, why: ServerError): void;
}

/** Beats that may be missing before a worker counts as late. */
export const LATE_AFTER_BEATS = 3;

/** How long what a worker said last may take to come, once its process has ended. */
const LAST_WORDS_MS = 1_000;

type Question = Extract<ToWorker, { type: "ask" }>["what"];
type Answer = Extract<FromWorker, { type: "answer" }>;

/** A worker as the primary sees it: its process, what it last said of itself, and the calls it has. */
export class WorkerProcess implements Candidate {
  readonly id: number;
  /** Calls and open sockets. */
  readonly keys = new Set<string>();
  /** Settles when it is ready (undefined), or with what it died of. */
  readonly started: Promise<ServerError | undefined>;
  /** Settles when its process has ended. */
  readonly exited: Promise<void>;
  ready = false;
  health: Health = {
    ...{ sustainedDelayMs: 0, quantilesMs: { p50: 0, p90: 0, p99: 0 } },
    ...{ rssBytes: 0, cpuSeconds: 0, figures: noFigures() },
  };
  readonly #process: Worker;
  readonly #setup: Setup;
  readonly #events: WorkerEvents;
  readonly #bornAtMs = performance.now();
  #readyAtMs: number | undefined;
  #settleStart!: (failure: ServerError | undefined) => void;
  #settleExit!: () => void;
  /** Looks since the last beat. */
  #silentBeats = 0;
  #gone = false;
  /** What it said why it cannot start. */
  #failure: ServerError | undefined;
  /**
   * The last socket that was sent, and those behind it: Node sends one when the one before it has been taken, and forgets
   * them all when the process ends first.
   */
  readonly #passing = new Set<PassingSocket>();
  #askCount = 0;
  readonly #asked = new Map<number, (answer: Answer | undefined) => void>();
  readonly #asking = new Map<string, Promise<Answer | undefined>>();

  /** Forks; `cluster.setupPrimary` has said what. */
  constructor(setup: Setup, events: WorkerEvents) {
    this.id = setup.worker;
    this.#setup = setup;
    this.#events = events;
    this.started = new Promise((resolve) => {
      this.#settleStart = resolve;
    });
    this.exited = new Promise((resolve) => {
      this.#settleExit = resolve;
    });
    this.#process = cluster.fork();
    this.#process.on("message", (message: unknown) => this.#hear(message));
    // Node may tell of the exit before it hands out what the worker said last: that it is over with a call, or what ails it.
    const silent = new Promise<void>((resolve) => {
      this.#process.once("disconnect", () => {
        this.ready = false;
        resolve();
      });
    });
    this.#process.once("exit", (code: number | null, signal: string | null) => {
      this.ready = false;
      const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
      void Promise.race([silent, sleep(LAST_WORDS_MS, undefined, { ref: false })]).then(() => this.#end(how));
    });
    this.#process.on("error", (error: NodeJS.ErrnoException) => {
      // Anything else is followed by its exit.
      if (this.pid === undefined) this.#end(`could not be started (${error.code})`);
    });
  }

  get pid(): number | undefined {
    return this.#process.process.pid;
  }

  get callCount(): number {
    return this.keys.size;
  }

  /** How late its event loop has been all the time; one that is silent is late. */
  get delayMs(): number {
    const silentMs = this.#silentBeats > LATE_AFTER_BEATS ? this.#silentBeats * this.#setup.beatMs : 0;
    return Math.max(this.health.sustainedDelayMs, silentMs);
  }

  /** How long it has been ready; 0 for never. */
  get livedMs(): number {
    return this.#readyAtMs === undefined ? 0 : performance.now() - this.#readyAtMs;
  }

  /** How long it has been on its way to be ready; 0 once it is. */
  get startingMs(): number {
    return this.#readyAtMs === undefined ? performance.now() - this.#bornAtMs : 0;
  }

  /**
   * One more time of a beat has gone by.
   *
   * @returns how many have without one. Counted, not timed: when this process sleeps, no worker is blamed
   */
  look(): number {
    return ++this.#silentBeats;
  }

  send(message: ToWorker): void {
    // A worker that is gone says so itself, and its calls are looked after then.
    this.#process.send(message, ignore);
  }

  /** Hands a socket over: the handshake is done there. */
  pass(key: string, token: StreamToken | undefined, request: IncomingMessage, rawSocket: Duplex, head: Buffer): void {
    const passing = detach(rawSocket);
    if (passing === undefined) {
      rawSocket.destroy();
      return;
    }
    passing.socket.on("error", ignore);
    this.#passing.add(passing);
    const message: ToWorker = { type: "socket", key, token, handshake: handshakeOf(request, head) };
    this.#process.send(message, passing.socket, {}, (error: Error | null) => {
      if (error === null) this.#sent(passing);
      else {
        this.#passing.delete(passing);
        passing.close();
      }
    });
  }

  /** A socket is on its way: those before it have arrived. */
  #sent(passing: PassingSocket): void {
    for (const earlier of this.#passing) {
      if (earlier === passing) return;
      this.#passing.delete(earlier);
    }
  }

  /**
   * Asks for its calls or its figures, or something of one call. Whoever asks meanwhile gets the same answer.
   *
   * @returns undefined when none comes within `limitMs`
   */
  ask(what: Question, limitMs: number, callId = "", reason = ""): Promise<Answer | undefined> {
    const question = `${what} ${callId}`;
    const asking =
      this.#asking.get(question) ??
      this.#ask(what, limitMs, callId, reason).finally(() => this.#asking.delete(question));
    this.#asking.set(question, asking);
    return asking;
  }

  kill(): void {
    this.#process.process.kill("SIGKILL");
  }

  #ask(what: Question, limitMs: number, callId: string, reason: string): Promise<Answer | undefined> {
    const id = ++this.#askCount;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), limitMs);
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(answer);
      };
      this.#asked.set(id, settle);
      this.send({ type: "ask", id, what, callId, reason });
    });
  }

  #hear(message: unknown): void {
    // Its calls have been given up by then.
    if (this.#gone) return;
    const said = parseFromWorker(message);
    switch (said?.type) {
      case "hello":
        this.send({ type: "setup", setup: this.#setup });
        break;
      case "ready":
        this.ready = true;
        this.#silentBeats = 0;
        this.#readyAtMs = performance.now();
        this.#settleStart(undefined);
        break;
      case "failed":
        this.#failure = new ServerError(said.code, said.message);
        break;
      case "beat":
        this.#silentBeats = 0;
        this.health = said.health;
        break;
      case "token-used":
        if (this.keys.has(said.key)) this.#events.tokenUsed(said.key, said.token);
        break;
      case "ended":
        if (this.keys.delete(said.key)) this.#events.ended(said.key, said.record);
        break;
      case "answer":
        if (said.figures !== undefined) this.health = { ...this.health, figures: said.figures };
        this.#asked.get(said.id)?.(said);
        break;
    }
  }

  #end(how: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.ready = false;
    const why = this.#failure ?? new ServerError("NO_WORKER", `a worker ${how}`);
    for (const settle of this.#asked.values()) settle(undefined);
    for (const passing of this.#passing) passing.close();
    this.#passing.clear();
    this.#settleStart(why);
    this.#events.gone(this, why);
    this.#settleExit();
  }
}

function ignore(): void {}
