import { availableParallelism } from "node:os";
import { maxProcesses } from "../simulator/index.ts";
import { orOtherPort } from "./api-port.ts";
import { readArguments, readInteger, UsageError } from "./arguments.ts";
import { measureLoad } from "./load-measurement.ts";
import { LoadProcesses } from "./load-processes.ts";
import { describeLoad, TRUSTED_LATENESS_MS } from "./load-report.ts";
import { ServerProcess } from "./server-process.ts";
import { DEFAULT_SERVER, noServer, probe, webhookOf } from "./server-url.ts";

/** Calls that one process of the load generator carries with half a core to spare. */
const CALLS_PER_PROCESS = 250;

const HELP = `usage: pipecat-wavix load [options]     (npm run load -- [options])

Places many simulated calls at once and says how a server carried them. Works with any server whose WAVIX_API_BASE points
at the REST side that is opened here, which knows each call, but not the list of all calls. Without --server it calls the
one on ${DEFAULT_SERVER}, as npm start opens it; where there is none, it starts one for the time of the test, in a
process of its own, on free ports.

options:
  --calls N            calls that are up at once; default 100
  --seconds S          how long all of them are; default 20
  --ramp R             new calls a second, or how long it takes until all are placed: 30s; default 20. As slowly as they
                       came, they go
  --server URL         the server, or its whole webhook URL
  --api-port N         port of the REST side; default 7870
  --bot NAME|FILE      start a server with this bot, also where there is one; default echo
  --processes N        processes that make the load; default one per ${CALLS_PER_PROCESS} calls, as far as there are cores
  --from NUMBER        the caller; default +12025550143
  --to NUMBER          the number called; default +12025550199
  --json               print the figures as one line of JSON, and nothing else
  -h, --help

Callers say a tone of 20 ms, a marker, twice a second. What is printed:
  calls held           were up until their caller hung up
  failed               in the set-up: no stream came; later: over before their time
  set-up               from the first webhook to the open stream. A server that has just been started is slow with its
                       first calls; one that is started here gets a short call per process first, which is not counted
  packets              20 ms of audio: sent by the callers, received from the server
  late                 packets that came when their caller had run dry in mid-utterance: a gap of up to half a second
  lost                 packets the server did not take (1 MiB waited on the socket), or sent into a full playback buffer
  jitter               interarrival jitter (RFC 3550) of what a call received; high where a bot is ahead of time
  round trip           from a marker's being said to its being heard: the bot, both ways, and all buffers; with an echo
                       only, and calls of some seconds
  server               CPU time while all calls were up and memory, from the /metrics of a server of this package, of
                       all its workers together
  load                 the same of the load generator, and how late it sent its packets. Above ${TRUSTED_LATENESS_MS} ms it measures itself

What a bot leaves out of its speech, or never says, is not seen: nobody here knows what it was to say. An echo that loses
audio has fewer markers come back than were said.

Ctrl-C hangs up and prints what there is. Exit code 0 if all calls were held and nothing was lost.`;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    calls: { type: "string", default: "100" },
    seconds: { type: "string", default: "20" },
    ramp: { type: "string", default: "20" },
    server: { type: "string" },
    "api-port": { type: "string" },
    bot: { type: "string" },
    processes: { type: "string" },
    from: { type: "string", default: "+12025550143" },
    to: { type: "string", default: "+12025550199" },
    json: { type: "boolean", default: false },
  });
  if (values === null) return 0;
  const calls = readInteger("calls", values.calls, 1, 20_000);
  const seconds = readInteger("seconds", values.seconds, 1, 86_400);
  const everyMs = readRamp(values.ramp, calls);
  const processes = Math.min(
    calls,
    values.processes === undefined ? processesFor(calls) : readInteger("processes", values.processes, 1, maxProcesses),
  );
  const givenPort = values["api-port"] && readInteger("api-port", values["api-port"], 0, 65_535);
  const { server, bot, from, to } = values;
  if (server !== undefined && bot !== undefined) {
    throw new UsageError("--bot is for the server that is started here; it does not go with --server");
  }
  const webhookUrl = webhookOf(server ?? DEFAULT_SERVER);
  const absent = bot === undefined ? await probe(webhookUrl) : "";
  if (absent !== null && server !== undefined) {
    throw new Error(noServer(webhookUrl, absent));
  }
  const load = await orOtherPort(LoadProcesses.open(processes, givenPort || (absent === null ? 7870 : 0)));
  let own: ServerProcess | undefined;
  try {
    if (absent !== null) {
      // Room for the calls that warm it up, too: the last of them may end when the first that counts is there.
      const maxCalls = calls + processes;
      own = await ServerProcess.start({ bot: bot ?? "echo", wavixApiBase: load.apiUrl, maxCalls });
    }
    const rampMs = everyMs * (calls - 1);
    // As long as the ramp: the first call is still up when the last one has been for the time that was asked for.
    const callMs = rampMs + 1_000 * seconds;
    const plan = { webhookUrl: own?.webhook ?? webhookUrl, from, to, calls, everyMs, callMs, ringTimeoutMs: 15_000 };
    if (own !== undefined) await load.warmUp(plan);
    if (!values.json) {
      const origin = new URL(plan.webhookUrl).origin;
      const which = own === undefined ? `the server at ${origin}` : `a server started for this, ${origin}`;
      const ramp = everyMs === 0 ? "all at once" : `${Number((1_000 / everyMs).toFixed(1))} more a second`;
      console.log(`${calls} calls to ${which}: ${ramp}, then ${seconds} s with all of them\n`);
    }
    const report = await measureLoad(load, plan, rampMs, seconds, !values.json);
    if (own?.gone !== undefined) report.problems.push(`the server's process ended (${own.gone})`);
    report.processes = processes;
    report.ok = report.problems.length === 0;
    if (values.json) console.log(JSON.stringify(report));
    else {
      console.log(describeLoad(report));
      for (const problem of report.problems) console.log(`\nNot right: ${problem}`);
    }
    return report.ok ? 0 : 1;
  } finally {
    await own?.close();
    await own?.end();
    await load.close();
  }
}

/** One core is the server's. */
function processesFor(calls: number): number {
  const cores = Math.max(1, availableParallelism() - 1);
  return Math.min(Math.ceil(calls / CALLS_PER_PROCESS), cores, maxProcesses);
}

/** Time between two calls, in ms. */
function readRamp(text: string, calls: number): number {
  const [, number = "", unit] = /^(\d+(?:\.\d+)?)(s?)$/.exec(text) ?? [];
  const value = Number(number);
  const everyMs = unit === "s" ? (1_000 * value) / calls : 1_000 / value;
  if (number === "" || !Number.isFinite(everyMs) || everyMs > 60_000 || value > 10_000) {
    throw new UsageError(`--ramp must be calls a second, such as 50, or a time, such as 30s, got ${text}`);
  }
  return everyMs;
}
