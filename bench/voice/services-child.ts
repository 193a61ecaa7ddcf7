// services-child: stand-ins for the speech services, in a process of their own.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createCartesiaStandIn,
  createDeepgramStandIn,
  createOpenAIStandIn,
  createRealtimeStandIn,
} from "../../src/simulator/services/index.ts";
import { answer } from "../server/child.ts";
import { clockMs } from "./clock.ts";
import { answerTo, CERTAIN_MS, MS_PER_WORD, textOfSound } from "./scenario.ts";

export interface ServiceUrls {
  readonly deepgram: string;
  readonly openai: string;
  readonly cartesia: string;
  readonly realtime: string;
}

/** What the services saw since `begin`. */
export interface ServicesFigures {
  /** Of each call, in the order in which they began: when each of its turns was first told of. On the shared clock, in ms. */
  readonly heardAtMs: readonly (readonly number[])[];
  /** What the bot asked wrongly. */
  readonly problems: readonly string[];
  /** How late this process was itself. */
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
}

const RESOLUTION_MS = 10;
const CONNECT_LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 2;

const lateness = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
lateness.enable();

/** By connection, which is the first thing that is heard of a call. */
const heardAtMs = new Map<string, number[]>();

function sent(service: string, message: unknown, connection: number): void {
  const key = `${service} ${connection}`;
  const moments = heardAtMs.get(key) ?? [];
  heardAtMs.set(key, moments);
  const { type, event } = message as { type?: string; event?: string };
  if (event === "StartOfTurn" || type === "input_audio_buffer.speech_started") moments.push(clockMs());
}

/** As fast as they can: what they take is the bot's to explain, but for the silence that ends a turn. */
async function openAll() {
  const utterances = (_: number, { durationMs }: { durationMs: number }) => textOfSound(durationMs);
  const callersTurns = (messages: readonly Readonly<Record<string, unknown>>[]) =>
    messages.filter(({ role }) => role === "user").length;
  return {
    deepgram: await createDeepgramStandIn({
      utterances,
      msPerWord: MS_PER_WORD,
      certainMs: CERTAIN_MS,
      onSent: (message, connection) => sent("deepgram", message, connection),
    }),
    openai: await createOpenAIStandIn({ replies: ({ messages }) => answerTo(callersTurns(messages)) }),
    cartesia: await createCartesiaStandIn({ firstChunkMs: 0 }),
    realtime: await createRealtimeStandIn({
      utterances,
      delayMs: 0,
      transcriptDelayMs: 0,
      replies: ({ items }) => answerTo(callersTurns(items)),
      onSent: (message, connection) => sent("realtime", message, connection),
    }),
  };
}

const services = openAll();
const problems = async () => Object.values(await services).flatMap((service) => service.problems);
let problemsBefore = 0;

answer({
  async open(): Promise<ServiceUrls> {
    const { deepgram, openai, cartesia, realtime } = await services;
    return { deepgram: deepgram.url, openai: openai.url, cartesia: cartesia.url, realtime: realtime.url };
  },
  async begin() {
    heardAtMs.clear();
    lateness.reset();
    problemsBefore = (await problems()).length;
  },
  /** Until so many calls have a recognizer: which connection is whose is known by their order. */
  async connected(given) {
    for (const untilMs = clockMs() + CONNECT_LIMIT_MS; heardAtMs.size < (given as number); await sleep(LOOK_AGAIN_MS)) {
      if (clockMs() > untilMs) throw new Error("the bot of a call does not ask for its recognizer");
    }
  },
  async end(): Promise<ServicesFigures> {
    return {
      heardAtMs: [...heardAtMs.values()],
      problems: (await problems()).slice(problemsBefore),
      lateP99Ms: Math.max(0, lateness.percentile(99) / 1e6 - RESOLUTION_MS),
      lateMaxMs: Math.max(0, lateness.max / 1e6 - RESOLUTION_MS),
    };
  },
});
