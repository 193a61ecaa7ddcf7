import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { type ConversationEvent, type TurnFigures, voiceBot } from "../../bots/voice/index.ts";
import type { CallEnd } from "../../call/index.ts";
import { createServer } from "../../server/index.ts";
import { type CallReport, createWavixSimulator, Ear } from "../../simulator/index.ts";
import { lineOf, type TranscriptLine, textOf } from "../transcript.ts";
import { converse, type Dialogue, GREETING, LONG_ANSWER, REPLIES, UTTERANCES } from "./dialogue.ts";
import { openServices, type StandInServices } from "./services.ts";

/** The machine of a demo may be a noisy one. */
const LIMIT_MS = 40_000;

/** A whole conversation on this machine: the voice bot, stand-ins for its services, a simulated Wavix and a caller. */
export async function runVoiceDemo(json: boolean): Promise<number> {
  const say = json ? () => {} : console.log;
  await using services = await openServices(UTTERANCES, REPLIES);
  await using simulator = await createWavixSimulator();
  const transcript: TranscriptLine[] = [];
  const turns: TurnFigures[] = [];
  let startedAtMs = performance.now();
  let end: CallEnd | undefined;

  const note = (event: ConversationEvent) => {
    if (event.type === "turn") turns.push(event.figures);
    const line = lineOf(event, performance.now() - startedAtMs);
    transcript.push(line);
    say(textOf(line));
  };
  const talk = voiceBot({ ...services.options, greeting: GREETING, onEvent: note });
  const server = createServer({
    bot: async (call) => {
      void call.closed.then((closed) => {
        end = closed;
      });
      await talk(call);
    },
    port: 0,
    wavixApiBase: simulator.apiUrl,
    logger: pino({ level: "silent" }),
  });
  try {
    const { webhook } = await server.listen();
    say("A simulated Wavix rings; Deepgram, OpenAI and Cartesia are stand-ins on this machine.\n");
    const ear = new Ear();
    const limit = AbortSignal.timeout(LIMIT_MS);
    const call = simulator.placeCall({ webhookUrl: webhook, observer: ear, ringTimeoutMs: 5_000, signal: limit });
    const dialogue = (await call.streaming) ? await begin() : null;
    const report = await call.ended;
    for (let waited = 0; server.callCount > 0 && waited < 3_000; waited += 20) await sleep(20);

    async function begin(): Promise<Dialogue | null> {
      startedAtMs = performance.now();
      const over = new AbortController();
      void call.ended.then(() => over.abort());
      return converse(call, ear, over.signal).catch(() => null);
    }

    const figures = figuresOf({ report, dialogue, turns, transcript, end, services, callsLeft: server.callCount });
    if (json) console.log(JSON.stringify(figures));
    else console.log(describe(figures));
    return figures.ok ? 0 : 1;
  } finally {
    await server.close();
  }
}

interface Outcome {
  readonly report: CallReport;
  readonly dialogue: Dialogue | null;
  readonly turns: readonly TurnFigures[];
  readonly transcript: readonly TranscriptLine[];
  readonly end: CallEnd | undefined;
  readonly services: StandInServices;
  readonly callsLeft: number;
}

/** What the last line says with `--json`; times in ms. */
interface VoiceDemoFigures {
  ok: boolean;
  readonly turns: number;
  /** From the caller's first sound to the last one of the bot's interrupted answer. */
  readonly bargeInSilenceMs: number | null;
  /** From the end of the caller's last word to the first sound of the answer, the median of the turns. */
  readonly answerMs: number | null;
  readonly durationMs: number;
  /** What the model is told it has said of the answer that was cut off. */
  readonly heardOfAnswer: string | null;
  readonly endReason: string | null;
  readonly gaps: number;
  readonly transcript: readonly TranscriptLine[];
  problems: readonly string[];
}

function figuresOf({ report, dialogue, turns, transcript, end, services, callsLeft }: Outcome): VoiceDemoFigures {
  const last = services.openai.requests.at(-1)?.messages ?? [];
  const answers = last.filter(({ role }) => role === "assistant").map(({ content }) => String(content));
  const heardOfAnswer = answers[1] ?? null;
  const bargeInSilenceMs =
    dialogue === null ? null : Math.max(0, Math.round(dialogue.silentAtMs - dialogue.interruptedAtMs));
  const answerTimes = turns.map(({ answerMs }) => answerMs).sort((a, b) => a - b);
  const median = answerTimes[Math.floor(answerTimes.length / 2)];
  const figures: VoiceDemoFigures = {
    ok: false,
    turns: transcript.filter(({ who }) => who === "caller").length,
    bargeInSilenceMs,
    answerMs: median === undefined ? null : Math.round(median),
    durationMs: Math.round(report.times.endedMs ?? 0),
    heardOfAnswer,
    endReason: end?.reason ?? null,
    gaps: report.playout.gaps,
    transcript: transcript.map((line) => ({ ...line, atMs: Math.round(line.atMs) })),
    problems: [],
  };
  const isBeginning =
    heardOfAnswer !== null && LONG_ANSWER.startsWith(heardOfAnswer) && heardOfAnswer.length < LONG_ANSWER.length;
  const checks: [boolean, string][] = [
    [answers[0] === GREETING, "the greeting was not heard"],
    [figures.turns === 3, `the caller has had ${figures.turns} turns, not 3`],
    [turns.length === 3, `${turns.length} of 3 answers were heard`],
    [bargeInSilenceMs !== null && bargeInSilenceMs <= 1_500, `the bot spoke on for ${bargeInSilenceMs} ms`],
    [isBeginning, "the model is not told just what was heard of the answer that was cut off"],
    [end?.endedBy === "bot" && report.hungUpOverRest, "the bot did not hang up"],
    [callsLeft === 0, "the call is not over on both sides"],
    [report.received.invalidMessages === 0, `${report.received.invalidMessages} messages were not as Wavix wants them`],
    ...services.problems().map((problem): [boolean, string] => [false, `a service was asked wrongly: ${problem}`]),
  ];
  figures.problems = checks.filter(([right]) => !right).map(([, problem]) => problem);
  figures.ok = figures.problems.length === 0;
  return figures;
}

function describe(figures: VoiceDemoFigures): string {
  const { ok, bargeInSilenceMs, answerMs, heardOfAnswer, durationMs, problems } = figures;
  return [
    "",
    `  answers        ${answerMs} ms after the caller's last word, the median of ${figures.turns}`,
    `  barge-in       silent ${bargeInSilenceMs} ms after the caller's first sound`,
    `  remembered     «${heardOfAnswer} …» of the answer that was cut off, and no word more`,
    `  call           ${(durationMs / 1_000).toFixed(1)} s, ended by ${figures.endReason}`,
    "",
    ok ? "All of it was right." : `Not right:\n  ${problems.join("\n  ")}`,
  ].join("\n");
}
