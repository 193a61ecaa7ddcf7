import { setTimeout as sleep } from "node:timers/promises";
import type { ConversationEvent } from "../../../src/bots/conversation/events.ts";
import { type RealtimeBotOptions, realtimeBot } from "../../../src/bots/realtime/index.ts";
import { Ear, type PlaceCallOptions, type SimulatedCall } from "../../../src/simulator/index.ts";
import {
  createRealtimeStandIn,
  type RealtimeStandIn,
  type RealtimeStandInOptions,
  standInSpeech,
} from "../../../src/simulator/services/index.ts";
import type { SimulatorServer, TestOptions } from "../../support/open-server.ts";

export const WIRE_RATE = 24_000;

export interface Scene {
  readonly openai: RealtimeStandIn;
  readonly call: SimulatedCall;
  readonly ear: Ear;
  readonly events: ConversationEvent[];
  readonly bot: ReturnType<typeof realtimeBot>;
  readonly opened: SimulatorServer;
  /** The caller says something. */
  say(text: string): void;
  /** Resolves with the first event for which `matches` holds, or at once when it has come. */
  event<T extends ConversationEvent["type"]>(type: T, count?: number): Promise<Extract<ConversationEvent, { type: T }>>;
}

type Open = (options?: TestOptions) => Promise<SimulatorServer>;

/** A call of the bot through the server and the simulated Wavix, with a stand-in for OpenAI. */
export async function realtimeCall(
  open: Open,
  {
    standIn = {},
    bot: botOptions = {},
    place = {},
    server = {},
  }: {
    standIn?: RealtimeStandInOptions;
    bot?: Partial<RealtimeBotOptions>;
    place?: Partial<PlaceCallOptions>;
    server?: TestOptions;
  },
): Promise<Scene> {
  const openai = await createRealtimeStandIn(standIn);
  const events: ConversationEvent[] = [];
  const waiters = new Set<() => void>();
  const bot = realtimeBot({
    apiKey: "key-of-openai",
    baseUrl: openai.url,
    turnDetection: { type: "server_vad", silenceDurationMs: 200 },
    onEvent(event) {
      events.push(event);
      for (const wake of [...waiters]) wake();
    },
    ...botOptions,
  });
  const opened = await open({ bot, sampleRate: WIRE_RATE, ...server });
  const ear = new Ear();
  const call = opened.placeCall({ observer: ear, ...place });
  return {
    openai,
    call,
    ear,
    events,
    bot,
    opened,
    say: (text) => void call.say(standInSpeech(text, WIRE_RATE).pcm),
    event: (type, count = 1) =>
      new Promise((resolve) => {
        const wake = () => {
          const found = events.filter((event) => event.type === type);
          if (found.length < count) return;
          waiters.delete(wake);
          resolve(found[count - 1] as never);
        };
        waiters.add(wake);
        wake();
      }),
  };
}

/** Waits for what no event tells; fails after two seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error(`not within 2 s: ${holds}`);
}

export function textsOf(events: readonly ConversationEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "user" || event.type === "bot" ? `${event.type}: ${event.text}` : [],
  );
}
