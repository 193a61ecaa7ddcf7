import { type LoadPlan, type LoadProgress, LoadTally, openRestRouter, type RestRouter } from "../simulator/index.ts";
import { Child } from "./child.ts";
import type { LoadChildSays, LoadChildTold } from "./load-child.ts";

interface LoadProcess {
  readonly child: Child<LoadChildTold, LoadChildSays>;
  progress: LoadProgress | undefined;
  cpuMs: number;
  /** Why it is gone, once it is. */
  gone: string | undefined;
}

/** What all processes have done so far. */
export interface LoadState {
  readonly up: number;
  readonly ended: number;
  readonly failed: number;
  readonly sentPackets: number;
  readonly receivedPackets: number;
  /** CPU time of the load generator. */
  readonly cpuMs: number;
  /** How late packets were sent: p99, of the latest process. */
  readonly sendLatenessP99Ms: number;
}

/** How long a call stays on the line that is placed to warm up. */
const WARM_UP_MS = 300;

/** The load generator: processes that place calls, and the one REST side before theirs. */
export class LoadProcesses {
  /** Of the calls that are over; begun anew after {@link warmUp}. */
  tally = new LoadTally();
  /** Processes that went before their time, and why. */
  readonly lost: string[] = [];
  readonly #processes: LoadProcess[] = [];
  readonly #router: RestRouter;
  readonly #ports: number[];
  readonly #running = new Set<LoadProcess>();
  #onFinished: () => void = () => undefined;
  #closing = false;

  private constructor(router: RestRouter, ports: number[]) {
    this.#router = router;
    this.#ports = ports;
  }

  /**
   * Resolves when the REST side of every process listens.
   *
   * @throws SimulatorError `API_LISTEN_FAILED`
   */
  static async open(count: number, apiPort: number): Promise<LoadProcesses> {
    const ports: number[] = [];
    const load = new LoadProcesses(await openRestRouter(apiPort, ports), ports);
    await Promise.all(Array.from({ length: count }, (_, number) => load.#open(number)));
    return load;
  }

  /** To be used as `WAVIX_API_BASE`. */
  get apiUrl(): string {
    return this.#router.url;
  }

  /** A short call from each process, at once; not counted. A server is slow with the first calls of its life. */
  async warmUp(plan: Omit<LoadPlan, "firstAtMs">): Promise<void> {
    await this.run({ ...plan, calls: this.#processes.length, everyMs: 0, callMs: WARM_UP_MS });
    this.tally = new LoadTally();
  }

  /** Shares the calls out, in turn. Resolves when all of them are over. */
  async run(plan: Omit<LoadPlan, "firstAtMs">): Promise<void> {
    const count = this.#processes.length;
    const finished = new Promise<void>((resolve) => {
      this.#onFinished = resolve;
    });
    for (const [number, one] of this.#processes.entries()) {
      if (one.gone !== undefined) continue;
      const begin = {
        ...plan,
        calls: Math.ceil((plan.calls - number) / count),
        firstAtMs: number * plan.everyMs,
        everyMs: plan.everyMs * count,
      };
      this.#running.add(one);
      one.child.tell({ begin, process: number });
    }
    if (this.#running.size > 0) await finished;
  }

  /** Hangs up all calls, and places no more. */
  stop(): void {
    for (const { child } of this.#processes) child.tell({ stop: true });
  }

  state(): LoadState {
    const sum = (figure: (progress: LoadProgress) => number) =>
      this.#processes.reduce((total, { progress }) => total + (progress === undefined ? 0 : figure(progress)), 0);
    return {
      up: sum(({ up }) => up),
      ended: this.tally.ended,
      failed: this.tally.failed,
      sentPackets: sum(({ sentPackets }) => sentPackets),
      receivedPackets: sum(({ receivedPackets }) => receivedPackets),
      cpuMs: this.#processes.reduce((total, { cpuMs }) => total + cpuMs, 0),
      sendLatenessP99Ms: Math.max(...this.#processes.map(({ progress }) => progress?.sendLateness.p99Ms ?? 0)),
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#processes.map(({ child }) => child.end()));
    await this.#router.close();
  }

  #open(number: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: LoadProcess = {
        ...{ progress: undefined, cpuMs: 0, gone: undefined },
        child: new Child("load-child", (message) => {
          if ("ended" in message) this.tally.add(message.ended);
          else if ("progress" in message) Object.assign(one, message);
          else if ("finished" in message) this.#finish(one);
          else {
            this.#ports[number] = message.listens;
            resolve();
          }
        }),
      };
      this.#processes[number] = one;
      void one.child.exited.then((why) => {
        reject(new Error(`a process of the load generator did not start: ${why}`));
        one.gone = why;
        if (!this.#closing) this.lost.push(why);
        this.#finish(one);
      });
    });
  }

  #finish(one: LoadProcess): void {
    if (this.#running.delete(one) && this.#running.size === 0) this.#onFinished();
  }
}
