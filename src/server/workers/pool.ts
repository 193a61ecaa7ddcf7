import cluster from "node:cluster";
import type { Logger } from "pino";
import type { CallEvent, WavixRestClient } from "../../wavix/control/index.ts";
import type { CallHost, HostEvents, NewCall, Snapshots, StreamToken, TraceAnswer } from "../call-host.ts";
import { type CallRecord, describe, recordOf } from "../call-record.ts";
import { ServerError } from "../errors.ts";
import { addFigures, type CallFigures, noFigures } from "../figures.ts";
import { hostSettings, type ServerSettings } from "../settings.ts";
import type { TakeSocket } from "../upgrade.ts";
import { BackOff } from "./back-off.ts";
import { chooseWorker } from "./choose.ts";
import { defaultLimits, type PoolLimits } from "./limits.ts";
import type { Setup } from "./protocol.ts";
import { LATE_AFTER_BEATS, WorkerProcess } from "./worker-process.ts";

/** What a pool is made from. */
export interface WorkerPoolOptions {
  readonly settings: ServerSettings;
  readonly rest: WavixRestClient;
  readonly log: Logger;
  readonly events: HostEvents;
  /** The file that a worker runs: it calls `runWorker`. */
  readonly exec: string;
  /** For that program, as JSON. */
  readonly init: unknown;
  readonly limits?: Partial<PoolLimits> | undefined;
}

/** What the primary knows of a call that a worker carries. */
interface Carried {
  readonly worker: WorkerProcess;
  readonly callId: string | undefined;
  readonly startedAtMs: number;
  streaming: boolean;
}

/** Carries calls in other processes, and looks after these. */
export class WorkerPool implements CallHost {
  /** Workers that took a dead one's place. */
  restarts = 0;
  /** Workers that did not answer when they were last asked for their figures, or are not there. */
  missing = 0;
  readonly #options: WorkerPoolOptions;
  readonly #limits: PoolLimits;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #calls = new Map<string, Carried>();
  readonly #backOffs = new Map<number, BackOff>();
  readonly #restarting = new Set<ReturnType<typeof setTimeout>>();
  /** What workers that are gone had counted. */
  readonly #past = noFigures();
  #watch: ReturnType<typeof setInterval> | undefined;
  #hungAfterBeats: number;
  #state: "closed" | "starting" | "running" | "ending" = "closed";

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#hungAfterBeats = this.#limits.hungAfterBeats;
  }

  /** Workers that are there, by number. */
  get workers(): Iterable<WorkerProcess> {
    return this.#workers.values();
  }

  get size(): number {
    return this.#calls.size;
  }

  get up(): boolean {
    return [...this.workers].some(({ ready }) => ready);
  }

  get sustainedDelayMs(): number {
    const delays = [...this.workers].filter(({ ready }) => ready).map(({ delayMs }) => delayMs);
    return delays.length === 0 ? 0 : Math.min(...delays);
  }

  has(key: string): boolean {
    return this.#calls.has(key);
  }

  awaitsSocket(callId: string): boolean {
    const call = this.#calls.get(callId);
    return call?.worker.ready === true && !call.streaming;
  }

  /** Settles when all workers have started that can; throws what the first one said when none can. */
  async start(): Promise<void> {
    this.#state = "starting";
    this.#hungAfterBeats = this.#limits.hungAfterBeats;
    cluster.setupPrimary({ exec: this.#options.exec, args: [] });
    this.#watch = setInterval(() => this.#look(), this.#limits.beatMs).unref();
    const numbers = Array.from({ length: this.#options.settings.workers }, (_, i) => i + 1);
    const failures = await Promise.all(numbers.map((id) => this.#fork(id).started));
    if (this.#state !== "starting") throw new ServerError("CLOSED", "the server was closed while its workers started");
    if (!failures.includes(undefined)) throw failures[0] as ServerError;
    this.#state = "running";
    for (const id of numbers) if (!this.#workers.has(id)) this.#replace(id, 0);
  }

  begin(call: NewCall): void {
    this.#carry(call.callId, call.callId)?.send({ type: "begin", call });
  }

  event(event: CallEvent): void {
    this.#calls.get(event.callId)?.worker.send({ type: "event", event });
  }

  attach(callId: string, token: StreamToken): TakeSocket {
    return (request, rawSocket, head) => {
      const call = this.#calls.get(callId);
      if (call === undefined) rawSocket.destroy();
      else call.worker.pass(callId, token, request, rawSocket, head);
    };
  }

  open(key: string): TakeSocket {
    return (request, rawSocket, head) => {
      const worker = this.#carry(key, undefined);
      if (worker === undefined) rawSocket.destroy();
      else worker.pass(key, undefined, request, rawSocket, head);
    };
  }

  /** There will be no new calls. A worker that hangs is not given the time that it may take while calls go on. */
  endAll(reason: string): void {
    this.#state = "ending";
    this.#hungAfterBeats = Math.min(this.#hungAfterBeats, LATE_AFTER_BEATS);
    for (const worker of this.workers) worker.send({ type: "end-all", reason });
  }

  async snapshots(): Promise<Snapshots> {
    const asked = [...this.workers].map(async (worker) => {
      const answer = await worker.ask("snapshots", this.#limits.askMs);
      return answer?.snapshots?.map((snapshot) => ({ ...snapshot, worker: worker.id }));
    });
    const answers = (await Promise.all(asked)).filter((answer) => answer !== undefined);
    const workersMissing = this.#options.settings.workers - answers.length;
    return { calls: answers.flat(), ...(workersMissing === 0 ? {} : { workersMissing }) };
  }

  async hangUp(callId: string, reason: string): Promise<boolean> {
    // A worker that is late hears of it all the same; one that dies of its lateness loses its calls.
    const isKnown = this.#calls.has(callId);
    const answers = await this.#askOwner("hang-up", callId, reason);
    return answers.some((answer) => (answer === undefined ? isKnown : answer.hungUp));
  }

  async trace(callId: string): Promise<TraceAnswer> {
    const answers = (await this.#askOwner("trace", callId)).map((answer) => answer?.trace);
    const found = answers.find((answer) => answer?.known);
    return found ?? { known: false, workersMissing: answers.filter((answer) => answer === undefined).length };
  }

  /** Of a worker that does not answer in time, what it last said: counts must not fall. */
  async figures(): Promise<CallFigures> {
    const asked = [...this.workers].map((worker) => worker.ask("figures", this.#limits.askMs));
    const answered = (await Promise.all(asked)).filter((answer) => answer !== undefined).length;
    this.missing = this.#options.settings.workers - answered;
    const sum = noFigures();
    for (const part of [this.#past, ...[...this.workers].map(({ health }) => health.figures)]) addFigures(sum, part);
    return sum;
  }

  /** Has all workers leave, and sees them off. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearInterval(this.#watch);
    for (const timer of this.#restarting) clearTimeout(timer);
    this.#restarting.clear();
    const leaving = [...this.workers];
    for (const worker of leaving) worker.send({ type: "exit" });
    const timer = setTimeout(() => {
      for (const worker of leaving) worker.kill();
    }, this.#limits.exitMs);
    await Promise.all(leaving.map(({ exited }) => exited));
    clearTimeout(timer);
  }

  /** Asks the worker that has the call; or all, since what an open socket calls itself only its worker knows. */
  #askOwner(what: "trace" | "hang-up", callId: string, reason?: string) {
    const call = this.#calls.get(callId);
    const asked = call === undefined ? [...this.workers] : [call.worker];
    return Promise.all(asked.map((worker) => worker.ask(what, this.#limits.askMs, callId, reason)));
  }

  /** Gives a call to a worker. There is one when the call was let in just now. */
  #carry(key: string, callId: string | undefined): WorkerProcess | undefined {
    const worker = chooseWorker(this.workers, this.#options.settings.maxLoopDelayMs);
    if (worker === undefined) return undefined;
    worker.keys.add(key);
    this.#calls.set(key, { worker, callId, startedAtMs: performance.now(), streaming: false });
    return worker;
  }

  #fork(id: number): WorkerProcess {
    const { events, log } = this.#options;
    const worker = new WorkerProcess(this.#setup(id), {
      tokenUsed: (key, token) => {
        const call = this.#calls.get(key);
        if (call !== undefined) call.streaming = true;
        events.tokenUsed(key, token);
      },
      ended: (key, record) => {
        this.#calls.delete(key);
        events.ended(key, record);
      },
      gone: (gone, why) => this.#gone(gone, why),
    });
    this.#workers.set(id, worker);
    void worker.started.then((failure) => {
      if (failure === undefined) log.info({ worker: id, workerPid: worker.pid }, "worker ready");
    });
    return worker;
  }

  #setup(worker: number): Setup {
    const { settings, init } = this.#options;
    const { wavixApiKey: apiKey, wavixApiBase: baseUrl, logLevel } = settings;
    return {
      worker,
      settings: hostSettings(settings),
      rest: { apiKey, baseUrl },
      logLevel,
      init,
      beatMs: this.#limits.beatMs,
    };
  }

  #gone(worker: WorkerProcess, why: ServerError): void {
    this.#workers.delete(worker.id);
    addFigures(this.#past, worker.health.figures);
    for (const key of worker.keys) void this.#giveUp(key);
    if (this.#state === "closed") return;
    const facts = { worker: worker.id, workerPid: worker.pid, calls: worker.callCount, why: why.message };
    this.#options.log.error(facts, "worker died");
    if (this.#state === "running") this.#replace(worker.id, worker.livedMs);
  }

  #replace(id: number, livedMs: number): void {
    const backOff = this.#backOffs.get(id) ?? new BackOff();
    this.#backOffs.set(id, backOff);
    const timer = setTimeout(() => {
      this.#restarting.delete(timer);
      if (this.#state !== "running") return;
      this.restarts++;
      this.#fork(id);
    }, backOff.nextMs(livedMs));
    this.#restarting.add(timer);
  }

  /** Hangs up what a dead worker has left: its caller would sit on a silent, billed line. */
  async #giveUp(key: string): Promise<void> {
    const { rest, log, events } = this.#options;
    const { callId, startedAtMs } = this.#calls.get(key) as Carried;
    if (callId !== undefined) {
      await rest.hangUp(callId).catch((error: unknown) => {
        log.error({ callId, error: describe(error) }, "hang-up failed: the call may still be up at Wavix");
      });
    }
    this.#calls.delete(key);
    const end = { endedBy: "server", reason: "worker-died" } as const;
    const record: CallRecord = recordOf({ callId, end, startedAtMs, streamingAtMs: undefined, transport: undefined });
    log.warn(record, "call ended");
    events.ended(key, record);
  }

  #look(): void {
    for (const worker of this.workers) {
      const silentBeats = worker.look();
      const { startingMs } = worker;
      if (startingMs === 0 ? silentBeats > this.#hungAfterBeats : startingMs > this.#limits.startMs) {
        this.#options.log.error({ worker: worker.id, workerPid: worker.pid }, "worker hangs: it is killed");
        worker.kill();
      }
    }
  }
}
