import type { LoadPlan } from "../simulator/index.ts";
import type { LoadProcesses } from "./load-processes.ts";
import { type LoadReport, TRUSTED_LATENESS_MS } from "./load-report.ts";
import { Progress } from "./progress.ts";
import { readServerMetrics, type ServerMetrics } from "./server-metrics.ts";

/**
 * Places the calls, draws, and takes the server's figures at both ends of the time when all of them are up. Ctrl-C ends it
 * early.
 */
export async function measureLoad(
  load: LoadProcesses,
  plan: Omit<LoadPlan, "firstAtMs">,
  rampMs: number,
  seconds: number,
  draws: boolean,
): Promise<LoadReport> {
  const startedAtMs = performance.now();
  const progress = new Progress(draws);
  const samples: { server: ServerMetrics | null; loadCpuMs: number; atMs: number }[] = [];
  const sample = async () => {
    const { cpuMs: loadCpuMs } = load.state();
    const atMs = performance.now();
    samples.push({ server: await readServerMetrics(plan.webhookUrl), loadCpuMs, atMs });
  };
  const timers = [rampMs, rampMs + 1_000 * seconds].map((atMs) => setTimeout(sample, atMs));
  const drawing = setInterval(() => {
    const { up, failed, sentPackets, receivedPackets } = load.state();
    const share = (performance.now() - startedAtMs) / (plan.callMs + rampMs);
    progress.update(`${up} up, ${failed} failed: ${sentPackets} packets out, ${receivedPackets} back`, share);
  }, 200);
  let stopped: string | undefined;
  const onSignal = () => {
    stopped = `stopped after ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`;
    load.stop();
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  await load.run(plan);
  process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  for (const timer of timers) clearTimeout(timer);
  clearInterval(drawing);
  progress.end();

  const figures = load.tally.figures();
  const { sendLatenessP99Ms } = load.state();
  const [first, last] = samples;
  const cores = (cpuMs: number | undefined, overMs: number | undefined) =>
    cpuMs === undefined || overMs === undefined ? null : Number((cpuMs / overMs).toFixed(2));
  const spentMs = first?.server && last?.server ? last.server.cpuMs - first.server.cpuMs : -1;
  // Less than before: a worker has died meanwhile, and its time with it.
  const serverCpuMs = spentMs < 0 ? undefined : spentMs;
  return {
    ok: true,
    ...figures,
    seconds,
    processes: 1,
    sendLatenessP99Ms: Number(sendLatenessP99Ms.toFixed(1)),
    trusted: sendLatenessP99Ms <= TRUSTED_LATENESS_MS && figures.packetsSkipped === 0,
    loadCores: cores(last && last.loadCpuMs - first!.loadCpuMs, last && last.atMs - first!.atMs),
    serverCores: cores(serverCpuMs, last?.server && first?.server ? last.server.atMs - first.server.atMs : undefined),
    serverRssMb: last?.server ? Math.round(last.server.rssBytes / 1e6) : null,
    problems: problemsOf(figures, plan.calls, load.lost, stopped),
  };
}

function problemsOf(
  figures: ReturnType<LoadProcesses["tally"]["figures"]>,
  calls: number,
  lostProcesses: readonly string[],
  stopped: string | undefined,
): string[] {
  const { held, packetsLost, invalidMessages, firstReason } = figures;
  const problems = lostProcesses.map((why) => `a process of the load generator ended (${why})`);
  if (stopped !== undefined) problems.push(stopped);
  if (held < calls)
    problems.push(`${calls - held} of ${calls} calls were not held; the first: ${firstReason ?? "not placed"}`);
  if (packetsLost > 0) problems.push(`${packetsLost} packets were lost`);
  if (invalidMessages > 0) problems.push(`${invalidMessages} messages were not as Wavix wants them`);
  return problems;
}
