// server-child ROW: the server under test, in a process of its own; says what it has used.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { answer } from "./child.ts";
import { botRate, openRow, type RowName } from "./rows/all.ts";
import { queueOneSecond, type Stage } from "./rows/product.ts";
import { watchWrites, writeFigures } from "./writes.ts";

/** What the server used between `begin` and `end`. */
export interface ServerFigures {
  /** CPU time, user and system, in µs. */
  readonly cpuUs: number;
  readonly wallUs: number;
  readonly loopDelayP99Ms: number;
}

const row = process.argv[2] as RowName;
const stage: Stage = { calls: new Set(), silent: false };
const RESOLUTION_MS = 10;
const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let before = process.cpuUsage();
let beganAtMs = 0;

function rssBytes(): number {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage.rss();
}

answer({
  open: () => openRow(row, stage),
  silence() {
    stage.silent = true;
  },
  begin() {
    loopDelay.enable();
    loopDelay.reset();
    beganAtMs = performance.now();
    before = process.cpuUsage();
  },
  end(): ServerFigures {
    const { user, system } = process.cpuUsage(before);
    loopDelay.disable();
    const wallUs = (performance.now() - beganAtMs) * 1_000;
    return {
      cpuUs: user + system,
      wallUs,
      loopDelayP99Ms: Math.max(0, loopDelay.percentile(99) / 1e6 - RESOLUTION_MS),
    };
  },
  watchWrites,
  writes: writeFigures,
  rss: rssBytes,
  async rssWithOneSecondQueued() {
    await queueOneSecond(stage.calls, botRate(row)!);
    return rssBytes();
  },
});
