import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Options, readArguments, readInteger, UsageError } from "../../src/cli/arguments.ts";
import { Progress } from "../../src/cli/progress.ts";
import { installPackages, isInstalled } from "../peers/packages.ts";
import { Child } from "./child.ts";
import { type ClockResult, measureClock, measurePressure } from "./clock.ts";
import { type MemoryResult, measureMemory } from "./memory.ts";
import { describe, jsonLine, type ServerReport } from "./report.ts";
import { ROW_NAMES, type RowName } from "./rows/all.ts";
import { measureCosts, openRows, type Row } from "./turns.ts";

const HELP = `usage: npm run bench:server -- [options]

How much CPU time (user and system) a server spends on 20 ms of one two-way call: a packet in and one out. All rows get
the same load from another process, in turns: so many calls with 50 messages a second each, as Wavix writes them.
What comes back is compared sample by sample before anything is timed. In about two minutes.

  raw-tcp      a TCP socket that sends the bytes back: the floor
  bare-ws      ws, and each message goes back as it is: the yardstick
  usual        ws, JSON.parse, Buffer, npm speex-resampler to 16 kHz and back, JSON.stringify, a timer for each call
  echo-24k     this server (--open-ws) with the echo bot, which answers packet by packet; the bot's audio at 24 kHz
  echo-16k     the same at 16 kHz: resampled both ways
  speech-24k   this server with a bot whose speech is there ahead of time, as a speech service gives it
  speech-16k   the same at 16 kHz

options:
  --calls N      calls at once while CPU time is measured; default 60
  --seconds S    how long each row is measured, in turns of a second with the others; default 5
  --only LIST    only these rows, as bare-ws,echo-16k
  --json         the last line is all figures as JSON
  -h, --help`;

const OPTIONS = {
  calls: { type: "string", default: "60" },
  seconds: { type: "string", default: "5" },
  only: { type: "string" },
  json: { type: "boolean", default: false },
} as const satisfies Options;

const CLOCK_SECONDS = 60;
const TIMER_RESOLUTION_MS = 10;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

function chooseRows(list: string | undefined): readonly RowName[] {
  if (list === undefined) return ROW_NAMES;
  const wrong = list.split(",").find((name) => !(ROW_NAMES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new UsageError(`--only must be of ${ROW_NAMES.join(", ")}; got ${wrong}`);
  return ROW_NAMES.filter((name) => list.split(",").includes(name));
}

async function run(argv: string[]): Promise<void> {
  const values = readArguments(argv, HELP, OPTIONS);
  if (values === null) return;
  const calls = readInteger("calls", values.calls, 1, 2_000);
  const seconds = readInteger("seconds", values.seconds, 1, 60);
  let names = chooseRows(values.only);
  if (names.includes("usual")) {
    installPackages(say);
    if (!isInstalled("speex-resampler")) names = names.filter((name) => name !== "usual");
  }
  const bar = new Progress(true);
  // Whether all is right, memory, warming up, turns, writes; then the pressure.
  const steps = names.length * (seconds + 3) + 4;
  let step = 0;
  const onStep = (label: string) => bar.update(label, step++ / steps);

  const idleTimer = monitorEventLoopDelay({ resolution: TIMER_RESOLUTION_MS });
  idleTimer.enable();
  const load = new Child("server/load-child.js");
  const hasClock = names.some((name) => name.startsWith("echo") || name.startsWith("speech"));
  const clock: Promise<ClockResult | null> = hasClock ? measureClock(CLOCK_SECONDS) : Promise.resolve(null);
  clock.catch(() => {});
  const rows: Row[] = [];
  try {
    rows.push(...(await openRows(names, onStep)));
    const memory: MemoryResult[] = [];
    for (const name of names) {
      onStep(`${name}: memory`);
      memory.push(await measureMemory(name, load));
    }
    const costs = await measureCosts(rows, load, calls, seconds, onStep);
    const results = costs.map((cost, i) => ({ ...cost, ...(memory[i] as MemoryResult) }));
    const pressure = await measurePressure(rows, load, onStep);
    const report: ServerReport = {
      results,
      pressure,
      clock: await clock,
      idleTimerP99Ms: Math.max(0, idleTimer.percentile(99) / 1e6 - TIMER_RESOLUTION_MS),
      calls,
    };
    bar.end();
    console.log(describe(report));
    if (values.json) console.log(jsonLine(report));
  } finally {
    bar.end();
    for (const { server } of rows) server.close();
    load.close();
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
  process.exit();
}
