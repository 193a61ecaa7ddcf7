import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { type ConversationEvent, type VoiceBotOptions, voiceBot } from "../../src/bots/voice/index.ts";
import type { Bot, CallEnd } from "../../src/call/index.ts";
import { type CallReport, Ear, type PlaceCallOptions, type SimulatedCall } from "../../src/simulator/index.ts";
import {
  type CartesiaStandIn,
  type CartesiaStandInOptions,
  createCartesiaStandIn,
  createDeepgramStandIn,
  createOpenAIStandIn,
  type DeepgramStandIn,
  type DeepgramStandInOptions,
  type OpenAIReplies,
  type OpenAIStandIn,
  type OpenAIStandInOptions,
  type OpenAIStandInRequest,
  standInSpeech,
  type Utterances,
} from "../../src/simulator/services/index.ts";
import { Arrivals } from "./arrivals.ts";
import { type HeardText, heardOf } from "./heard-words.ts";
import { activeResources, expectNothingLeft } from "./leaks.ts";
import { House, type SimulatorServer, type TestOptions } from "./open-server.ts";

export const GREETING = "Hello caller!";
export const APOLOGIES = { again: "Pardon me, once more?", goodbye: "Nothing works here, farewell." };
export const KEYS = { deepgram: "deepgram-key-1", openai: "openai-key-2", cartesia: "cartesia-key-3" };

/** People who speak fast: a test takes as long as what is said in it. */
export const BOT_VOICE = { wordMs: 120, pauseMs: 30, sentencePauseMs: 60 };
const CALLER_VOICE = { wordMs: 80, pauseMs: 20, sentencePauseMs: 20 };
const WIRE_SAMPLE_RATE = 24_000;
const PACKET_MS = 20;
/** Less than a test has: it says what there was instead. */
const PATIENCE_MS = 13_000;

/** What a call is made of; nothing has to be given. */
export interface TalkOptions {
  /** What is understood of what the caller says, in turn. */
  readonly utterances?: Utterances;
  /** What the model answers, in turn. */
  readonly replies?: OpenAIReplies;
  readonly deepgram?: DeepgramStandInOptions;
  readonly openai?: OpenAIStandInOptions;
  readonly cartesia?: CartesiaStandInOptions;
  /** Of the bot, beside its keys and URLs, which are given. */
  readonly bot?: Partial<Omit<VoiceBotOptions, "deepgram" | "openai" | "cartesia">> & {
    readonly [service in "deepgram" | "openai" | "cartesia"]?: Partial<VoiceBotOptions[service]>;
  };
  readonly call?: Partial<PlaceCallOptions>;
  readonly server?: TestOptions;
  /** The services complain of the bot, and are right: the test says so. */
  readonly hasProblems?: boolean;
}

type Of<Type extends ConversationEvent["type"]> = Extract<ConversationEvent, { type: Type }>;

/** A caller on the line with a voice bot. */
export interface TalkingCall {
  readonly call: SimulatedCall;
  readonly ear: Ear;
  readonly events: readonly ConversationEvent[];
  /** The event of this type, the first or a later one, as soon as it is there. */
  happened<Type extends ConversationEvent["type"]>(type: Type, count?: number): Promise<Of<Type>>;
  /** The caller says this: a vowel for each word, 100 ms each. */
  say(text: string): { startMs: number; endMs: number };
  /** The caller makes this sound. */
  sound(pcm: Int16Array): void;
  /** Settles when the bot has begun to speak, from now on. */
  hears(): Promise<void>;
  /** Settles when the bot is heard no more; the caller has waited a moment. */
  heardOut(): Promise<void>;
  /** The caller hangs up, unless the call is over. What was heard, and how it ended for the server. */
  hangUp(): Promise<OverCall>;
  /** The same, but for whoever hangs up. */
  readonly over: Promise<OverCall>;
}

export interface OverCall {
  readonly report: CallReport;
  readonly end: CallEnd;
  readonly heard: Int16Array;
  /** What was heard of a text. */
  of(text: string, fromMs?: number): HeardText;
  /** Expects that all of a text was heard, and without a gap that this machine has not made itself by standing still. */
  whole(text: string, fromMs?: number): HeardText;
}

/** A voice bot that is called, and the stand-ins of its services. */
export interface Talk extends TalkingCall {
  readonly deepgram: DeepgramStandIn;
  readonly openai: OpenAIStandIn;
  readonly cartesia: CartesiaStandIn;
  readonly opened: SimulatorServer;
  readonly bot: Bot;
  /** One more caller. */
  ring(options?: Partial<PlaceCallOptions>): Promise<TalkingCall>;
}

/**
 * Voice bots to talk to, for the tests of a `describe`, which may run at the same time: they wait more than they compute.
 * When all are over, so is all that the bots had open, before their services go; and nothing is left at all.
 */
export function voiceCalls(): (options?: TalkOptions) => Promise<Talk> {
  const house = new House();
  const talks: OpenTalk[] = [];
  let resources: Record<string, number>;
  beforeAll(() => {
    resources = activeResources();
  });
  afterAll(async () => {
    try {
      await Promise.all(talks.map((talk) => talk.finish()));
      await house.expectClean();
    } finally {
      await Promise.all(talks.map((talk) => talk.close()));
      await house.close();
    }
    await expectNothingLeft(resources);
  });
  return async (options = {}) => {
    const talk = await begin(options, (server) => house.open(server));
    talks.push(talk);
    return talk;
  };
}

interface OpenTalk extends Talk {
  /** The callers hang up; what has to be true of every call is looked at. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

async function begin(
  options: TalkOptions,
  open: (options: TestOptions) => Promise<SimulatorServer>,
): Promise<OpenTalk> {
  const { utterances = [], replies = ["Fine."], bot: more = {} } = options;
  const deepgram = await createDeepgramStandIn({ utterances, msPerWord: 100, certainMs: 240, ...options.deepgram });
  const openai = await createOpenAIStandIn({ replies, firstTokenMs: 10, tokenMs: 2, ...options.openai });
  const cartesia = await createCartesiaStandIn({ ...BOT_VOICE, speed: 20, firstChunkMs: 5, ...options.cartesia });
  const lines = new Map<string, TalkingLine>();
  const bot = voiceBot({
    greeting: GREETING,
    apologies: APOLOGIES,
    ...more,
    deepgram: { apiKey: KEYS.deepgram, baseUrl: deepgram.url, reconnectDelayMs: 20, ...more.deepgram },
    openai: { apiKey: KEYS.openai, baseUrl: openai.url, ...more.openai },
    cartesia: { apiKey: KEYS.cartesia, baseUrl: cartesia.url, retryDelayMs: 20, ...more.cartesia },
    onEvent: (event, call) => {
      lines.get(call.callId ?? "")?.events.add(event);
      more.onEvent?.(event, call);
    },
  });
  const services = { deepgram, openai, cartesia };
  const close = async () => {
    await Promise.all([deepgram.close(), openai.close(), cartesia.close()]);
  };
  try {
    const follow: Bot = (call) => {
      const line = lines.get(call.callId ?? "");
      line?.resolveBegun();
      void call.closed.then((end) => line?.resolveEnd(end));
      return bot(call);
    };
    Object.defineProperty(follow, "counters", { get: () => bot.counters });
    const opened = await open({ bot: follow, ...options.server });
    const ring = async (call: Partial<PlaceCallOptions> = {}): Promise<TalkingLine> => {
      const line = new TalkingLine((ear) => opened.placeCall({ observer: ear, ...options.call, ...call }));
      lines.set(line.call.id, line);
      await line.begun;
      return line;
    };
    const first = await ring();
    const finish = async () => {
      await Promise.all([...lines.values()].map((line) => line.hangUp()));
      await expectHungUpOnServices(services);
      if (options.hasProblems !== true) {
        expect([...deepgram.problems, ...openai.problems, ...cartesia.problems]).toEqual([]);
      }
      const said = [...lines.values()].flatMap(({ events }) =>
        events.all.flatMap((event) => ("text" in event && event.text.length > 6 ? event.text : [])),
      );
      const { text } = opened.log;
      expect([...Object.values(KEYS), ...said].filter((secret) => text.includes(secret))).toEqual([]);
    };
    return Object.assign(first.api(), {
      ...services,
      opened,
      bot,
      finish,
      close,
      ring: async (call?: Partial<PlaceCallOptions>) => (await ring(call)).api(),
    });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing is left between a bot and its services when its calls are over. */
async function expectHungUpOnServices({ deepgram, openai, cartesia }: Pick<Talk, "deepgram" | "openai" | "cartesia">) {
  await vi.waitFor(
    () => {
      const listening = deepgram.connections.filter(({ closeCode }) => closeCode === null).length;
      expect({ listening, speaking: cartesia.connectionCount }).toEqual({ listening: 0, speaking: 0 });
    },
    { timeout: 3_000, interval: 5 },
  );
  await Promise.all(openai.requests.map(({ ended }: OpenAIStandInRequest) => ended));
}

class TalkingLine {
  readonly ear = new Ear();
  readonly events = new Arrivals<ConversationEvent>();
  readonly call: SimulatedCall;
  readonly over: Promise<OverCall>;
  /** The bot has the call. */
  readonly begun: Promise<void>;
  resolveBegun!: () => void;
  resolveEnd!: (end: CallEnd) => void;

  constructor(place: (ear: Ear) => SimulatedCall) {
    this.call = place(this.ear);
    this.begun = new Promise((resolve) => {
      this.resolveBegun = resolve;
    });
    const end = new Promise<CallEnd>((resolve) => {
      this.resolveEnd = resolve;
    });
    this.over = Promise.all([this.call.ended, end]).then(([report, end]) => {
      const heard = report.recording?.heard ?? new Int16Array();
      const of = (text: string, fromMs?: number) => heardOf(heard, text, BOT_VOICE, fromMs);
      const whole = (text: string, fromMs?: number) => {
        const found = of(text, fromMs);
        expect(found.words.join(" ")).toBe(text);
        // What stands still stands still for both; each of them is right to a packet.
        expect(found.longestGapMs).toBeLessThanOrEqual(report.sent.lateness.maxMs + 2 * PACKET_MS);
        return found;
      };
      return { report, end, heard, of, whole };
    });
  }

  hangUp(): Promise<OverCall> {
    this.call.hangUp();
    return this.over;
  }

  sound(pcm: Int16Array): { startMs: number; endMs: number } {
    const clip = this.call.say(pcm);
    if (clip === null) throw new Error("there is no stream to speak on");
    return clip;
  }

  api(): TalkingCall {
    const { call, ear, over, events } = this;
    return {
      call,
      ear,
      over,
      events: events.all,
      happened: async (type, count = 1) => {
        let seen: ConversationEvent[] = [];
        const there = events.first(() => {
          seen = events.all.filter((event) => event.type === type);
          return seen.length >= count;
        });
        await Promise.race([there, sleep(PATIENCE_MS, undefined, { ref: false })]);
        if (seen.length >= count) return seen[count - 1] as never;
        const ended = (await Promise.race([over, undefined]))?.end.reason;
        const state = ended === undefined ? "the call goes on" : `the call is over (${ended})`;
        throw new Error(`no «${type}» number ${count}, ${state}: ${JSON.stringify(events.all)}`);
      },
      say: (text) => this.sound(standInSpeech(text, WIRE_SAMPLE_RATE, CALLER_VOICE).pcm),
      sound: (pcm) => void this.sound(pcm),
      hears: async () => void (await ear.sound()),
      heardOut: async () => void (await ear.silence(500)),
      hangUp: () => this.hangUp(),
    };
  }
}
