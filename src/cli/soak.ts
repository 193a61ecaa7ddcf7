import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallRecord } from "../server/index.ts";
import { type CallReport, createWavixSimulator } from "../simulator/index.ts";
import { readArguments, readInteger, UsageError } from "./arguments.ts";
import { Progress } from "./progress.ts";
import type { Holdings } from "./server-child.ts";
import { ServerProcess } from "./server-process.ts";
import { Accounts } from "./soak-accounts.ts";
import { SoakCalls, type SoakEnd } from "./soak-calls.ts";
import { describeSoak, judgeMemory, type SoakReport } from "./soak-report.ts";

const HELP = `usage: pipecat-wavix soak [options]     (npm run soak -- [options])

Starts a server in a process of its own and lets calls come and go: echoes, bots that hang up, bots that are interrupted,
callers who hang up, some before they are answered, and sockets that are cut. Then it does the accounts.

options:
  --minutes M          how long calls come; default 10, a fraction is fine
  --calls N            calls that are up at once; default 200
  --json               print the figures as one line of JSON, and nothing else
  -h, --help

Right is
  packets              every packet that one side has sent, the other has had or has counted as lost (after the stop of a
                       stream: "left out"); only on a cut socket may some vanish: one that was cut on purpose, or because
                       its end took more than two seconds
  memory               after a warm-up of a fifth of the time (20 s at least) the server's heap, after a garbage
                       collection and without machine code, grows from the first to the last third by no more than 5 %
                       and 2 MB; its resident memory by no more than 10 % and 8 MB (lower quartiles: audio that waits
                       comes and goes). Judged from 90 s on
  leaks                after the last call the server has no call, codec slot or ticking transport, and no more sockets
                       and timers than before the first; closed, its process ends by itself

Ctrl-C ends it early, with the same accounts. Exit code 0 if all of it was right.`;

/** How long the server has to give everything back, sockets that were kept alive included. */
const SETTLE_MS = 12_000;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    minutes: { type: "string", default: "10" },
    calls: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  });
  if (values === null) return 0;
  const calls = readInteger("calls", values.calls, 1, 5_000);
  const durationMs = 60_000 * Number(values.minutes);
  if (!/^\d*\.?\d+$/.test(values.minutes) || durationMs < 1_000 || durationMs > 8 * 3_600_000) {
    throw new UsageError(`--minutes must be a number from 0.02 to 480, got ${values.minutes}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-soak-"));
  try {
    const report = await soak(calls, durationMs, join(folder, "calls.jsonl"), !values.json);
    console.log(values.json ? JSON.stringify(report) : describeSoak(report));
    return report.ok ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function soak(calls: number, durationMs: number, cdr: string, draws: boolean): Promise<SoakReport> {
  await using simulator = await createWavixSimulator({ maxCalls: 2 * calls + 100 });
  const server = await ServerProcess.start(
    { bot: null, wavixApiBase: simulator.apiUrl, maxCalls: 2 * calls + 100, cdr },
    ["--expose-gc"],
  );
  const before = await server.holdings();
  const progress = new Progress(draws);
  if (draws)
    console.log(`${calls} calls come and go for ${durationMs / 60_000} min at ${new URL(server.webhook).origin}`);
  const ending = new AbortController();
  const reports: CallReport[] = [];
  const ends = {} as Record<SoakEnd, number>;
  const soakCalls = new SoakCalls(
    simulator,
    // At least a hundred calls come and go in the place of each, in the ten minutes.
    { webhookUrl: server.webhook, calls, shortestMs: 500, longestMs: Math.min(20_000, durationMs / 2) },
    ({ end, report }) => {
      ends[end] = (ends[end] ?? 0) + 1;
      reports.push(withoutTexts(report));
    },
  );
  const startedAtMs = performance.now();
  const elapsedMs = () => performance.now() - startedAtMs;
  const stop = () => ending.abort();
  const timer = setTimeout(stop, durationMs);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const drawing = setInterval(() => {
    progress.update(
      `${soakCalls.ended} calls over, ${soakCalls.placed - soakCalls.ended} up`,
      elapsedMs() / durationMs,
    );
  }, 200);
  const over = soakCalls.run(ending.signal);
  const memory: { atMs: number; heapBytes: number; rssBytes: number }[] = [];
  while (!ending.signal.aborted && server.gone === undefined) {
    const held = await server.holdings();
    if (held !== null) memory.push({ atMs: elapsedMs(), heapBytes: held.heapBytes, rssBytes: held.rssBytes });
    const pauseMs = Math.min(5_000, durationMs / 12);
    await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined);
  }
  stop();
  const tookMs = elapsedMs();
  await over;
  clearTimeout(timer);
  clearInterval(drawing);
  process.off("SIGINT", stop).off("SIGTERM", stop);
  progress.update("the server settles", 1);
  const leaks = await leaksOf(server, before);
  progress.end();
  const goneEarly = server.gone;
  await server.close();
  const exit = await server.end();

  // Of a server that has died, the last records are missing.
  const accounts = new Accounts(goneEarly === undefined ? readRecords(cdr) : []);
  if (goneEarly === undefined) for (const report of reports) accounts.add(report);
  const { toServer, fromServer, withoutRecord, withoutCall, slowCloses, wrong } = accounts;
  const judged = judgeMemory(memory, tookMs);
  const problems: string[] = [];
  if (goneEarly !== undefined) problems.push(`the server's process ended (${goneEarly}): no accounts`);
  else if (exit !== "exit code 0") problems.push(`the closed server's process did not end by itself (${exit})`);
  if (toServer.unaccounted + fromServer.unaccounted > 0) problems.push("packets are unaccounted for", ...wrong);
  if (withoutRecord > 0) problems.push(`${withoutRecord} calls are without a record`);
  if (withoutCall > 0) problems.push(`${withoutCall} records are of no call`);
  problems.push(...leaks, ...judged.problems);
  return {
    ok: problems.length === 0,
    minutes: Number((tookMs / 60_000).toFixed(2)),
    calls,
    callsEnded: reports.length,
    ends,
    toServer,
    fromServer,
    slowCloses,
    ...judged.memory,
    problems,
  };
}

/** What the server has not given back, in words; waits for it as long as is fair. */
async function leaksOf(server: ServerProcess, before: Holdings | null): Promise<string[]> {
  const untilMs = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await server.holdings();
    if (now === null || before === null) return [];
    const leaks: string[] = [];
    if (now.calls > 0) leaks.push(`${now.calls} calls are left in the server`);
    if (now.openResamplers > 0) leaks.push(`${now.openResamplers} resamplers are left open`);
    if (now.tickingTransports > 0) leaks.push(`${now.tickingTransports} transports tick on`);
    for (const [kind, count] of Object.entries(now.resources)) {
      const was = before.resources[kind] ?? 0;
      if (count > was) leaks.push(`${count - was} more of ${kind} than before the first call`);
    }
    if (leaks.length === 0 || performance.now() > untilMs) return leaks;
    await sleep(250);
  }
}

function readRecords(file: string): CallRecord[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as CallRecord);
}

/** A long soak keeps many reports. */
function withoutTexts(report: CallReport): CallReport {
  return { ...report, webhooks: [] };
}
