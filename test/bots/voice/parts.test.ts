import { describe, expect, it, vi } from "vitest";
import { Apologies } from "../../../src/bots/conversation/apologies.ts";
import { IdleWatch } from "../../../src/bots/conversation/idle-watch.ts";
import { Tally } from "../../../src/bots/conversation/tally.ts";
import {
  DeepgramSTTService,
  readVoiceSettings,
  type TurnFigures,
  TurnMeter,
  voiceBot,
  voiceSettingNames,
} from "../../../src/bots/voice/index.ts";
import { modelFor } from "../../../src/bots/voice/services/deepgram/models.ts";
import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  type Frame,
  type FrameProcessor,
  InterimTranscriptionFrame,
  InterruptionFrame,
  LLMContext,
  LLMTextFrame,
  MetricsFrame,
  TTSAudioRawFrame,
  TTSStartedFrame,
  UserContext,
  UserStoppedSpeakingFrame,
} from "../../../src/pipecat/index.ts";

const KEYS = { OPENAI_API_KEY: "o-1", DEEPGRAM_API_KEY: "d-1", CARTESIA_API_KEY: "c-1" };
const services = { deepgram: { apiKey: "d-1" }, openai: { apiKey: "o-1" }, cartesia: { apiKey: "c-1" } };

describe("settings of the voice bot", () => {
  it("need the three keys, and nothing else", () => {
    expect(readVoiceSettings(KEYS)).toEqual({
      ok: true,
      showsTranscript: false,
      settings: { ...services, apologies: {}, bargeIn: {} },
    });
    expect(readVoiceSettings({ ...KEYS, OPENAI_API_KEY: " " })).toEqual({
      ok: false,
      problems: ["OPENAI_API_KEY is missing: set it in .env (see .env.example)"],
    });
  });

  it("are all taken", () => {
    const read = readVoiceSettings({
      ...KEYS,
      OPENAI_MODEL: "gpt-x",
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1/",
      DEEPGRAM_MODEL: "nova-3",
      DEEPGRAM_LANGUAGE: "de",
      DEEPGRAM_BASE_URL: "ws://127.0.0.1:2",
      CARTESIA_VOICE_ID: "voice",
      CARTESIA_MODEL: "sonic",
      CARTESIA_LANGUAGE: "de",
      CARTESIA_BASE_URL: "wss://127.0.0.1:3",
      VOICE_INSTRUCTIONS: "Be brief.",
      VOICE_GREETING: "Guten Tag!",
      VOICE_APOLOGY: "Noch einmal, bitte.",
      VOICE_FAREWELL: "Auf Wiederhören.",
      VOICE_MIN_WORDS: "2",
      VOICE_MIN_SPEECH_MS: "400",
      VOICE_IDLE_SECONDS: "60",
      VOICE_TRANSCRIPT: "1",
    });
    expect(read).toEqual({
      ok: true,
      showsTranscript: true,
      settings: {
        deepgram: { apiKey: "d-1", model: "nova-3", language: "de", baseUrl: "ws://127.0.0.1:2" },
        openai: { apiKey: "o-1", model: "gpt-x", baseUrl: "http://127.0.0.1:1/v1" },
        cartesia: { apiKey: "c-1", model: "sonic", voiceId: "voice", language: "de", baseUrl: "wss://127.0.0.1:3" },
        instructions: "Be brief.",
        greeting: "Guten Tag!",
        apologies: { again: "Noch einmal, bitte.", goodbye: "Auf Wiederhören." },
        bargeIn: { minWords: 2, minSpeechMs: 400 },
        idleMs: 60_000,
      },
    });
    expect(voiceSettingNames).toHaveLength(20);
  });
});

describe("the recognizer's model", () => {
  it.each([
    [undefined, "flux-general-en"],
    ["en-GB", "flux-general-en"],
    ["de", "flux-general-multi"],
    ["pt-BR,en", "flux-general-multi"],
    ["pl", "nova-3"],
    ["multi", "nova-3"],
  ])("for %s is %s", (language, model) => {
    expect(modelFor(language)).toBe(model);
  });

  it.each([
    ["flux-general-en", "de", /^flux-general-en hears English alone, not de; flux-general-multi does$/],
    ["nova-3", "de,en", /^nova-3 takes one language, not de,en$/],
    ["nova-3", "de,", /^language must be BCP 47 tags/],
    [undefined, "de,pl", /^nova-3 takes one language/],
  ])("%s does not go with %s, which is said at once", (model, language, problem) => {
    const deepgram = { apiKey: "d-1", language, ...(model === undefined ? {} : { model }) };
    expect(() => voiceBot({ ...services, deepgram })).toThrow(problem);
    const read = readVoiceSettings({ ...KEYS, DEEPGRAM_LANGUAGE: language, DEEPGRAM_MODEL: model });
    const { problems } = read as { problems: string[] };
    expect(problems.map((text) => text.replace("DEEPGRAM_LANGUAGE: ", ""))).toEqual([expect.stringMatching(problem)]);
  });
});

describe("voiceBot()", () => {
  it("says at once what is wrong with its options", () => {
    expect(() => voiceBot({ ...services, deepgram: { apiKey: "" } })).toThrow("Deepgram");
    expect(() => voiceBot({ ...services, openai: { apiKey: "" } })).toThrow(TypeError);
    expect(() => voiceBot({ ...services, cartesia: { apiKey: "c", speed: 9 } })).toThrow("speed");
    expect(() => voiceBot({ ...services, bargeIn: { minWords: -1 } })).toThrow("bargeIn.minWords");
    expect(() => voiceBot({ ...services, idleMs: -1 })).toThrow("idleMs");
    const tool = { name: "no good name", description: "…", parameters: { type: "object" }, run: () => null };
    expect(() => voiceBot({ ...services, tools: [tool] })).toThrow("tools[0].name");
    expect(voiceBot(services).counters).toMatchObject({ turns: 0, apologies: 0 });
  });
});

describe("apologies", () => {
  const texts = { again: "again?", goodbye: "goodbye" };

  it("are spoken once, ahead of time, and kept", async () => {
    const apologies = new Apologies(texts);
    const synthesize = vi.fn(async (text: string) => new Int16Array(text.length).fill(7));
    await Promise.all([apologies.prepare(synthesize), apologies.prepare(synthesize)]);
    await apologies.prepare(synthesize);
    expect(synthesize.mock.calls.map(([text]) => text).sort()).toEqual(["again?", "goodbye"]);
    expect(apologies.audioOf("again")).toMatchObject({ sampleRate: 24_000, audio: new Int16Array(6).fill(7) });
  });

  it("are a recording until that has worked", async () => {
    const apologies = new Apologies(texts);
    const synthesize = vi.fn(() => Promise.reject(new Error("no credit")));
    await apologies.prepare(synthesize);
    // Not again with every call.
    await apologies.prepare(synthesize);
    expect(synthesize).toHaveBeenCalledTimes(1);
    const { audio, sampleRate, numFrames } = apologies.audioOf("goodbye");
    expect(sampleRate).toBe(8_000);
    expect(numFrames / sampleRate).toBeGreaterThan(1.5);
    expect(Math.max(...(audio as Int16Array))).toBeGreaterThan(5_000);
  });
});

describe("the turn meter", () => {
  const userContext = new UserContext(new LLMContext());
  const meterOf = (onTurn: (figures: TurnFigures) => void) => {
    const meter = new TurnMeter(onTurn);
    return { pushed: (frame: Frame, source: FrameProcessor = userContext) => meter.pushed({ source, frame }) };
  };
  const audio = () => new TTSAudioRawFrame({ audio: new Int16Array(1), sampleRate: 24_000 });
  const heardAt = (value: number) =>
    new MetricsFrame({ data: [{ processor: "CallOutput", name: "firstAudioHeardAtMs", value }] });

  it("tells the shares of an answer, each frame of a kind counted once", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const onTurn = vi.fn();
      const meter = meterOf(onTurn);
      const startMs = performance.now();
      vi.advanceTimersByTime(300);
      meter.pushed(new UserStoppedSpeakingFrame({ speechEndedAtMs: startMs }));
      for (const [afterMs, make] of [
        [400, () => new LLMTextFrame({ text: "Hel" })],
        [50, () => new LLMTextFrame({ text: "lo." })],
        [50, () => new TTSStartedFrame()],
        [90, audio],
        [40, audio],
      ] as const) {
        vi.advanceTimersByTime(afterMs);
        meter.pushed(make());
        // A cough into the answer is no turn: it does not get through the user context.
        meter.pushed(new UserStoppedSpeakingFrame(), new DeepgramSTTService({ apiKey: "d" }));
      }
      meter.pushed(heardAt(startMs + 950));
      meter.pushed(heardAt(startMs + 2_000));
      expect(onTurn.mock.calls).toEqual([
        [{ answerMs: 950, sttMs: 300, llmMs: 500, llmFirstTokenMs: 400, ttsMs: 90, playoutMs: 60 }],
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("counts no answer that was interrupted before it began, and no greeting", () => {
    const onTurn = vi.fn();
    const meter = meterOf(onTurn);
    meter.pushed(audio());
    meter.pushed(heardAt(performance.now()));
    meter.pushed(new UserStoppedSpeakingFrame());
    meter.pushed(new InterruptionFrame());
    meter.pushed(audio());
    meter.pushed(heardAt(performance.now()));
    expect(onTurn).not.toHaveBeenCalled();
  });
});

describe("the tally", () => {
  it("adds up what services count, those of conversations that are over too", () => {
    const tally = new Tally();
    const first = { stt: { counters: { turns: 2 } }, llm: { counters: { failed: 1 } } };
    const over = tally.follow(first);
    tally.follow({ stt: { counters: { turns: 3 } } });
    expect(tally.counters).toMatchObject({ stt_turns: 5, llm_failed: 1 });
    over();
    over();
    first.stt.counters.turns = 100;
    expect(tally.counters).toMatchObject({ stt_turns: 5, llm_failed: 1 });
  });
});

describe("the idle watch", () => {
  it("waits until nobody has spoken for so long, however long the bot speaks", () => {
    vi.useFakeTimers();
    try {
      const onIdle = vi.fn();
      const watch = new IdleWatch(1_000, onIdle);
      watch.restart();
      vi.advanceTimersByTime(900);
      watch.pushed(new InterimTranscriptionFrame({ text: "well", userId: "caller", timestamp: "" }));
      vi.advanceTimersByTime(900);
      watch.pushed(new BotStartedSpeakingFrame());
      watch.pushed(new InterimTranscriptionFrame({ text: "uh", userId: "caller", timestamp: "" }));
      vi.advanceTimersByTime(9_000);
      watch.pushed(new BotStoppedSpeakingFrame());
      vi.advanceTimersByTime(999);
      expect(onIdle).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(onIdle).toHaveBeenCalledTimes(1);
      watch.restart();
      watch.stop();
      new IdleWatch(0, onIdle).restart();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
