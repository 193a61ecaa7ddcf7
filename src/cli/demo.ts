import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { echoBot } from "../bots/index.ts";
import { defaultCodec } from "../codec/index.ts";
import { createServer } from "../server/index.ts";
import { createWavixSimulator, prepareCallerAudio, readSpeechRecording } from "../simulator/index.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { type CallFigures, describe, figuresOf } from "./call-report.ts";
import { Progress } from "./progress.ts";

const HELP = `usage: pipecat-wavix demo [--bot voice] [--json]     (npm run demo -- [--bot voice] [--json])

Runs one whole call on this machine, on free ports, with nothing configured: a simulated Wavix rings the server, the
server answers and starts the media stream, a caller speaks a recorded sentence to the echo bot, hears it again and
hangs up. Then it says how it went. Takes about ten seconds; exit code 0 only if all of it was right.

With --bot voice it is a conversation instead, with stand-ins for Deepgram, OpenAI and Cartesia on this machine: the bot
greets, answers, is interrupted in the middle of a word, and says goodbye. About half a minute; no keys, no network.

options:
  --bot NAME   echo (default) or voice
  --json       print the figures as one line of JSON, and nothing else
  -h, --help`;

/** The machine of a demo may be a noisy one: this cushion hides a hiccup of 160 ms. */
const PLAYOUT_DELAY_MS = 160;
/** When the caller begins to speak: after the greeting tone. */
const SPEAK_AFTER_MS = 1_000;
/** What comes back of the last word is heard too. */
const LISTEN_MS = 700;
const LOWEST_SIMILARITY = 0.98;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    bot: { type: "string", default: "echo" },
    json: { type: "boolean", default: false },
  });
  if (values === null) return 0;
  const json = values.json === true;
  if (values.bot === "voice") return (await import("./voice-demo/index.ts")).runVoiceDemo(json);
  if (values.bot !== "echo") throw new UsageError(`--bot must be echo or voice, got ${values.bot}`);
  const say = json ? () => {} : console.log;

  const { samples, sampleRate } = readSpeechRecording();
  const callerAudio = prepareCallerAudio(samples, sampleRate);
  const durationMs = SPEAK_AFTER_MS + callerAudio.durationMs + LISTEN_MS;
  await using simulator = await createWavixSimulator();
  const server = createServer({
    bot: echoBot(),
    port: 0,
    wavixApiBase: simulator.apiUrl,
    playoutDelayMs: PLAYOUT_DELAY_MS,
    logger: pino({ level: "silent" }),
  });
  const { webhook } = await server.listen();
  const progress = new Progress(!json);
  try {
    say(`A simulated Wavix rings the server on ${new URL(webhook).host} …`);
    const call = simulator.placeCall({
      webhookUrl: webhook,
      callerAudio,
      speakAfterMs: SPEAK_AFTER_MS,
      hangUpAfterMs: durationMs,
      ringTimeoutMs: 5_000,
    });
    if (await call.answered) say("  … it answers …");
    if (await call.streaming) say(`  … the stream is up: ${(durationMs / 1_000).toFixed(1)} s of speech, echoed …`);
    const startedAtMs = performance.now();
    const drawing = setInterval(() => {
      const elapsedMs = performance.now() - startedAtMs;
      const { sent, received } = call.report();
      progress.update(`${sent.packets} packets out, ${received.packets} back`, elapsedMs / durationMs);
    }, 100);
    const report = await call.ended;
    clearInterval(drawing);
    progress.end();
    say("  … the caller has hung up.\n");

    const figures = figuresOf(report, SPEAK_AFTER_MS);
    // The server's side of the end needs a moment more than the caller's.
    for (let waited = 0; server.callCount > 0 && waited < 3_000; waited += 20) await sleep(20);
    figures.hungUp &&= server.callCount === 0;
    figures.problems = problemsOf(figures, callerAudio.durationMs);
    const openResamplers = defaultCodec().openResamplers;
    if (openResamplers > 0) figures.problems.push(`${openResamplers} resamplers were left open`);
    figures.ok = figures.problems.length === 0;

    if (json) console.log(JSON.stringify(figures));
    else {
      console.log(describe(figures));
      console.log(figures.ok ? "\nAll of it was right." : `\nNot right:\n  ${figures.problems.join("\n  ")}`);
    }
    return figures.ok ? 0 : 1;
  } finally {
    progress.end();
    await server.close();
  }
}

function problemsOf(figures: CallFigures, speechMs: number): string[] {
  const expectedPackets = Math.floor(speechMs / 20);
  const { answerMs, firstAudioMs, packetsIn, packetsOut, similarity, roundTripMs, gaps } = figures;
  const checks: [boolean, string][] = [
    [answerMs !== null && answerMs <= 2_000, "the call was not answered within 2 s"],
    [firstAudioMs !== null && firstAudioMs <= 2_000, "no sound came within 2 s of the answer"],
    [packetsIn >= expectedPackets, `only ${packetsIn} packets went to the bot`],
    [packetsOut >= expectedPackets, `only ${packetsOut} packets came back`],
    [figures.invalidMessages === 0, `${figures.invalidMessages} messages were not as Wavix wants them`],
    [gaps === 0, `the caller heard ${gaps} gap(s)`],
    [
      similarity !== null && similarity >= LOWEST_SIMILARITY,
      `what came back is not what was said (${similarity} of 1, at least ${LOWEST_SIMILARITY})`,
    ],
    [roundTripMs !== null && roundTripMs <= PLAYOUT_DELAY_MS + 150, `the echo took ${roundTripMs} ms`],
    [figures.hungUp, "the call is not over on both sides"],
  ];
  return checks.filter(([right]) => !right).map(([, problem]) => problem);
}
