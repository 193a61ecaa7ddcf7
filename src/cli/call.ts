import {
  type CallerAudio,
  createWavixSimulator,
  prepareCallerAudio,
  readSpeechRecording,
  readWavFile,
} from "../simulator/index.ts";
import { orOtherPort } from "./api-port.ts";
import { readArguments, readInteger, UsageError } from "./arguments.ts";
import { describe, figuresOf } from "./call-report.ts";
import { checkSave, saveHeard } from "./heard-file.ts";
import { Progress } from "./progress.ts";
import { DEFAULT_SERVER, webhookOf, whyNotTaken } from "./server-url.ts";

const HELP = `usage: pipecat-wavix call [options]     (npm run call -- [options])

Places one simulated call to a running server: opens a stand-in for Wavix's REST side, posts the webhooks, and is the
caller on the media stream. Works with any server whose WAVIX_API_BASE points at it; this one's local mode does.

options:
  --server URL         the server, or its whole webhook URL; default http://127.0.0.1:7860
  --wav FILE           what the caller says (PCM16, any rate and channels); default a recorded sentence
  --save FILE          write what the caller heard as a WAV file (24 kHz mono)
  --api-port N         port of the REST side; default 7870
  --from NUMBER        the caller; default +12025550143
  --to NUMBER          the number called; default +12025550199
  --digits KEYS        keys the caller presses, one a second from the stream's start on: 1#; a bot that has asked for keys
                       hears them
  --speak-after MS     silence before the caller speaks; default 1500
  --listen MS          how long the caller stays on the line after that; default 3000
  --json               print the figures as one line of JSON, and nothing else
  -h, --help

Similarity and mouth-to-ear mean something with a bot that repeats what it hears. Exit code 0 if the call was answered and
streamed, the caller heard something, and the call is over on both sides.`;

/** From one key to the next. */
const KEY_MS = 1_000;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    server: { type: "string", default: DEFAULT_SERVER },
    wav: { type: "string" },
    save: { type: "string" },
    "api-port": { type: "string", default: "7870" },
    from: { type: "string", default: "+12025550143" },
    to: { type: "string", default: "+12025550199" },
    digits: { type: "string", default: "" },
    "speak-after": { type: "string", default: "1500" },
    listen: { type: "string", default: "3000" },
    json: { type: "boolean", default: false },
  });
  if (values === null) return 0;
  const webhookUrl = webhookOf(values.server);
  if (!/^[\d*#]*$/.test(values.digits))
    throw new UsageError(`--digits must be of 0 to 9, * and #, got ${values.digits}`);
  checkSave(values.save);
  const callerAudio = readCallerAudio(values.wav);
  const speakAfterMs = readInteger("speak-after", values["speak-after"], 0, 600_000);
  const durationMs = speakAfterMs + callerAudio.durationMs + readInteger("listen", values.listen, 0, 600_000);
  const simulator = await orOtherPort(
    createWavixSimulator({ apiPort: readInteger("api-port", values["api-port"], 0, 65_535) }),
  );
  const progress = new Progress(!values.json);
  try {
    const call = simulator.placeCall({
      webhookUrl,
      from: values.from,
      to: values.to,
      callerAudio,
      keys: [...values.digits].map((key, index) => ({ atMs: (index + 1) * KEY_MS, key })),
      speakAfterMs,
      hangUpAfterMs: durationMs,
      ringTimeoutMs: 15_000,
    });
    const onSignal = () => call.hangUp();
    process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
    const announced = await call.announced;
    const refusal = whyNotTaken(webhookUrl, announced);
    if (refusal !== null) {
      call.hangUp();
      await call.ended;
      throw new Error(refusal);
    }
    if (!values.json) console.log(`Ringing ${new URL(webhookUrl).origin} …`);
    const startedAtMs = performance.now();
    const drawing = setInterval(() => {
      const { sent, received } = call.report();
      const share = (performance.now() - startedAtMs) / durationMs;
      progress.update(`${call.state}: ${sent.packets} packets out, ${received.packets} back`, share);
    }, 100);
    const report = await call.ended;
    clearInterval(drawing);
    progress.end();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);

    const figures = figuresOf(report, speakAfterMs);
    if (figures.answerMs === null) figures.problems.push(`the call was not answered (${report.endedBy})`);
    else if (report.recording === null)
      figures.problems.push(`no stream came (${report.streamError ?? "not asked for"})`);
    else if (!figures.hungUp) figures.problems.push("the call is not over on both sides");
    else if (figures.packetsOut === 0)
      figures.problems.push("the caller heard nothing: look for the error in the server's log");
    saveHeard(values.save, report.recording, figures.problems);
    figures.ok = figures.problems.length === 0;
    if (values.json) console.log(JSON.stringify(figures));
    else {
      console.log(`\n${describe(figures)}`);
      for (const problem of figures.problems) console.log(`\nNot right: ${problem}`);
    }
    return figures.ok ? 0 : 1;
  } finally {
    progress.end();
    await simulator.close();
  }
}

function readCallerAudio(file: string | undefined): CallerAudio {
  if (file === undefined) {
    const { samples, sampleRate } = readSpeechRecording();
    return prepareCallerAudio(samples, sampleRate);
  }
  try {
    const { samples, sampleRate } = readWavFile(file);
    return prepareCallerAudio(samples, sampleRate);
  } catch (error) {
    throw new UsageError(`--wav ${file}: ${(error as Error).message}`);
  }
}
