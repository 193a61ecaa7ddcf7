import { Counter, Gauge, type Registry } from "prom-client";
import type { WorkerPool } from "./pool.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** The figures of the workers, beside those of all calls. docs/operations.md says what each means. */
export function addWorkerMetrics(registry: Registry, pool: WorkerPool): void {
  const registers = [registry];
  const one = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(value());
      },
    });
  const ofEach = (name: string, help: string, value: (worker: WorkerProcess) => number) =>
    new Gauge({
      ...{ name, help, registers, labelNames: ["worker"] },
      collect() {
        this.reset();
        for (const worker of pool.workers) this.set({ worker: worker.id }, value(worker));
      },
    });

  one("wavix_workers", "Workers that take calls.", () => [...pool.workers].filter(({ ready }) => ready).length);
  one("wavix_workers_missing", "Workers that did not answer in time: their figures are old.", () => pool.missing);
  new Counter({
    ...{ name: "wavix_worker_restarts_total", help: "Workers that took the place of one that died.", registers },
    collect() {
      this.reset();
      this.inc(pool.restarts);
    },
  });
  ofEach("wavix_worker_calls", "Calls of a worker.", ({ callCount }) => callCount);
  ofEach("wavix_worker_resident_memory_bytes", "Resident memory of a worker.", ({ health }) => health.rssBytes);
  ofEach("wavix_worker_cpu_seconds", "CPU time of a worker since it was started.", ({ health }) => health.cpuSeconds);
  new Gauge({
    name: "wavix_worker_event_loop_delay_seconds",
    help: "How late the event loop of a worker ran what was due, in the last second.",
    labelNames: ["worker", "quantile"],
    registers,
    collect() {
      this.reset();
      for (const { id, health } of pool.workers) {
        const { p50, p90, p99 } = health.quantilesMs;
        for (const [quantile, ms] of Object.entries({ "0.5": p50, "0.9": p90, "0.99": p99 })) {
          this.set({ worker: id, quantile }, ms / 1_000);
        }
      }
    },
  });
}
