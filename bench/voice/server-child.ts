// server-child: this server with one of the bots, in a process of its own; says what it has used and what it was told.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConversationEvent, TurnFigures } from "../../src/bots/voice/index.ts";
import type { Bot, Call } from "../../src/call/index.ts";
import type { WavixServer } from "../../src/server/index.ts";
import { answer } from "../server/child.ts";
import { shipped } from "../shipped.ts";
import { type BotName, GREETING, RECOGNIZER_SILENCE_MS } from "./scenario.ts";
import type { ServiceUrls } from "./services-child.ts";

export interface ServerOrder {
  readonly bot: BotName;
  readonly services: ServiceUrls;
  readonly wavixApiBase: string;
}

/** What a bot says that has happened in one call. */
export interface CallHistory {
  /** What the caller said. */
  readonly user: string[];
  /** What was heard of the bot. */
  readonly bot: { text: string; interrupted: boolean }[];
  readonly turns: TurnFigures[];
  interruptions: number;
  /** What must not happen: failures, and speech that was taken for none. */
  readonly troubles: string[];
}

/** The bots' rate; realtime's is that of its service. */
const sampleRateOf = (bot: BotName) => (bot === "realtime" ? 24_000 : 16_000);
/** Of a caller whose packets come late the echo is still without a gap. The others speak ahead of time, and have the default. */
const ECHO_PLAYOUT_DELAY_MS = 160;
const END_LIMIT_MS = 5_000;

/** Seldom enough to be no part of what is measured. */
const LOOK_MS = 100;

const lateness = monitorEventLoopDelay({ resolution: LOOK_MS });
lateness.enable();
/** By call, in the order in which they began. */
const histories = new Map<Call, CallHistory>();
let server: WavixServer;

function onEvent(event: ConversationEvent, call: Call): void {
  const history = histories.get(call)!;
  if (event.type === "user") history.user.push(event.text);
  else if (event.type === "bot") history.bot.push({ text: event.text, interrupted: event.interrupted });
  else if (event.type === "turn") history.turns.push(event.figures);
  else if (event.type === "interruption") history.interruptions++;
  else history.troubles.push(event.type === "trouble" ? event.message : `false start: ${event.text}`);
}

async function makeBot({ bot, services }: ServerOrder): Promise<Bot> {
  const apiKey = "none-is-needed-here";
  if (bot === "echo") {
    const { echoBot } = (await shipped("bots/index.js")) as typeof import("../../src/bots/index.ts");
    return echoBot({ greetingMs: 0 });
  }
  if (bot === "voice") {
    const { voiceBot } = (await shipped("bots/voice/index.js")) as typeof import("../../src/bots/voice/index.ts");
    return voiceBot({
      deepgram: { apiKey, baseUrl: services.deepgram },
      openai: { apiKey, baseUrl: services.openai },
      cartesia: { apiKey, baseUrl: services.cartesia },
      greeting: GREETING,
      onEvent,
    });
  }
  const shippedBots = await shipped("bots/realtime/index.js");
  const { realtimeBot } = shippedBots as typeof import("../../src/bots/realtime/index.ts");
  const turnDetection = { type: "server_vad", silenceDurationMs: RECOGNIZER_SILENCE_MS } as const;
  return realtimeBot({ apiKey, baseUrl: services.realtime, greeting: GREETING, turnDetection, onEvent });
}

answer({
  async open(given) {
    const order = given as ServerOrder;
    const { createServer } = (await shipped("server/index.js")) as typeof import("../../src/server/index.ts");
    const talk = await makeBot(order);
    server = createServer({
      bot: (call) => {
        histories.set(call, { user: [], bot: [], turns: [], interruptions: 0, troubles: [] });
        return talk(call);
      },
      port: 0,
      sampleRate: sampleRateOf(order.bot),
      ...(order.bot === "echo" ? { playoutDelayMs: ECHO_PLAYOUT_DELAY_MS } : {}),
      wavixApiBase: order.wavixApiBase,
      maxCalls: 10_000,
      maxCallsPerSecond: 0, // all calls come at once, from one address
      maxLoopDelayMs: 0,
      addressRequestsPerSecond: 0,
      logLevel: "silent",
    });
    return (await server.listen()).webhook;
  },
  cpuUs() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  heapBytes() {
    globalThis.gc!();
    globalThis.gc!();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  /** What was said in the calls, once all are over. */
  async histories(): Promise<CallHistory[]> {
    const untilMs = performance.now() + END_LIMIT_MS;
    while (server.callCount > 0 && performance.now() < untilMs) await sleep(10);
    if (server.callCount > 0) throw new Error(`${server.callCount} calls are not over for the server`);
    const all = [...histories.values()];
    histories.clear();
    return all;
  },
  /** The longest that this process did nothing, since it was asked last. */
  lateMaxMs() {
    const maxMs = lateness.max / 1e6 - LOOK_MS;
    lateness.reset();
    return Math.max(0, maxMs);
  },
});
