import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createWavixSimulator, incomingSteps, type SimulatedCall, scriptOf, streamSteps } from "../simulator/index.ts";
import { MAX_TRACE_BYTES, parseTrace, type Trace, TraceError } from "../wavix/trace/index.ts";
import { orOtherPort } from "./api-port.ts";
import { readArguments, readInteger, takeOperands, UsageError } from "./arguments.ts";
import { checkSave, saveHeard } from "./heard-file.ts";
import { Progress } from "./progress.ts";
import { countsOf, countsOfReplay, describeReplay, differencesOf, type ReplayFigures } from "./replay-report.ts";
import { DEFAULT_SERVER, webhookOf, whyNotTaken } from "./server-url.ts";

const HELP = `usage: pipecat-wavix replay FILE [options]     (npx . replay FILE [options])

Plays a trace of a call (start --trace DIR) back against a running server: a stand-in for Wavix places a call and sends
every message that came in the trace, at its moment and as it was, wrong ones too, with the ids of the new call. Where the
trace holds no audio, a tone of the same level stands for what was said. Then it compares what the server did.

options:
  --server URL         the server, or its whole webhook URL; default http://127.0.0.1:7860
  --speed N            2 plays it in half the time; default 1. Bots still speak at their own speed: fewer packets come back
  --save FILE          write what the caller heard as a WAV file (24 kHz mono)
  --api-port N         port of the REST side; default 7870
  --json               print the figures as one line of JSON, and nothing else
  -h, --help

Exit code 0 if the call was answered and the whole trace was sent, whether or not the server did the same as then.`;

const OPTIONS = {
  server: { type: "string", default: DEFAULT_SERVER },
  speed: { type: "string", default: "1" },
  save: { type: "string" },
  "api-port": { type: "string", default: "7870" },
  json: { type: "boolean", default: false },
} as const;

/** How long the server may take to end a call that it ended in the trace. */
const GRACE_MS = 5_000;
/** How long the caller stays on the line after the last that is in the trace. */
const LISTEN_MS = 100;
const MAX_REST_MS = 60_000;

export async function run(argv: string[]): Promise<number> {
  const { operands, rest } = takeOperands(argv, OPTIONS);
  const values = readArguments(rest, HELP, OPTIONS);
  if (values === null) return 0;
  const [file] = operands;
  if (file === undefined || operands.length > 1) throw new UsageError("name one FILE; try --help");
  const speed = Number(values.speed);
  if (!(speed >= 0.01 && speed <= 100)) throw new UsageError(`--speed must be from 0.01 to 100, got ${values.speed}`);
  const webhookUrl = webhookOf(values.server);
  checkSave(values.save);
  const trace = read(file);
  const steps = streamSteps(trace);
  const recorded = incomingSteps(trace);
  const toSend = recorded.length;
  if (toSend === 0) throw new UsageError(`${file}: nothing came on a socket: there is nothing to play`);

  const traced = countsOf(trace);
  const ids = { callId: randomUUID(), streamId: randomUUID() };
  const script = scriptOf(trace, { ...ids, speed });
  const lengthMs = ((steps.at(-1)?.ms ?? 0) - (steps[0]?.ms ?? 0)) / speed;
  const afterLastMs = ((steps.at(-1)?.ms ?? 0) - (recorded.at(-1)?.ms ?? 0)) / speed;
  const restMs = traced.hungUp || traced.closedBy === "server" ? GRACE_MS : LISTEN_MS;
  let sentCount = 0;
  let call: SimulatedCall;
  let hangUpTimer: NodeJS.Timeout | undefined;
  function* messages() {
    for (const message of script.messages) {
      yield message;
      sentCount++;
    }
    // The caller hangs up when all is said, and not before, however late this process is.
    hangUpTimer = setTimeout(() => call.hangUp(), Math.min(afterLastMs + restMs, MAX_REST_MS));
  }

  const simulator = await orOtherPort(
    createWavixSimulator({ apiPort: readInteger("api-port", values["api-port"], 0, 65_535) }),
  );
  const progress = new Progress(!values.json);
  try {
    if (!values.json) console.log(`${what(trace, toSend, lengthMs * speed)}\nRinging ${new URL(webhookUrl).origin} …`);
    call = simulator.placeCall({
      webhookUrl,
      callId: ids.callId,
      script: { ...script, messages: messages() },
      ringTimeoutMs: 15_000,
    });
    const onSignal = () => call.hangUp();
    process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
    const startedAtMs = performance.now();
    const drawing = setInterval(() => {
      const { received } = call.report();
      const share = (performance.now() - startedAtMs) / lengthMs;
      progress.update(`${call.state}: ${sentCount} of ${toSend} messages, ${received.packets} packets back`, share);
    }, 100);
    const announced = await call.announced;
    const refusal = whyNotTaken(webhookUrl, announced);
    if (refusal !== null) call.hangUp();
    const report = await call.ended;
    clearInterval(drawing);
    clearTimeout(hangUpTimer);
    progress.end();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);

    const problems: string[] = [];
    if (refusal !== null) problems.push(refusal);
    else if (report.times.answeredMs === null) problems.push(`the call was not answered (${report.endedBy})`);
    else if (report.times.socketMs === null) problems.push(`no stream came (${report.streamError ?? "not asked for"})`);
    else if (sentCount < toSend) problems.push(`the call was over after ${sentCount} of ${toSend} messages`);
    saveHeard(values.save, report.recording, problems);
    const replayed = countsOfReplay(report, sentCount);
    const differences = differencesOf(traced, replayed);
    const figures: ReplayFigures = { ok: problems.length === 0, traced, replayed, differences, problems };
    if (values.json) console.log(JSON.stringify(figures));
    else {
      console.log(`\n${describeReplay(figures)}`);
      for (const problem of problems) console.log(`\nNot right: ${problem}`);
    }
    return figures.ok ? 0 : 1;
  } finally {
    progress.end();
    await simulator.close();
  }
}

function read(file: string): Trace {
  try {
    const { size } = statSync(file);
    if (size > 2 * MAX_TRACE_BYTES)
      throw new TraceError("TRACE_TOO_LARGE", `it has ${size} bytes: no trace is as long`);
    return parseTrace(readFileSync(file));
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`${file}: ${error.message}`);
    throw new UsageError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function what({ header, cutOff }: Trace, count: number, lengthMs: number): string {
  const notes = [header.audio ? "with audio" : "without audio", ...(header.midCall ? ["from mid-call on"] : [])];
  if (cutOff) notes.push("cut off at its end");
  return `A call of ${(lengthMs / 1_000).toFixed(1)} s, ${count} messages from Wavix, ${notes.join(", ")}.`;
}
