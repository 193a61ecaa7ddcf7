import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { type DeepgramSTTOptions, DeepgramSTTService } from "../../../src/bots/voice/services/deepgram/index.ts";
import {
  EagerEndOfTurnFrame,
  EndFrame,
  type ErrorFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InputAudioRawFrame,
  InterimTranscriptionFrame,
  InterruptionFrame,
  Pipeline,
  type ProcessRun,
  StartFrame,
  TranscriptionFrame,
  TurnResumedFrame,
  UserStartedSpeakingFrame,
  UserStoppedSpeakingFrame,
} from "../../../src/pipecat/index.ts";
import { createDeepgramStandIn, type DeepgramStandInOptions } from "../../../src/simulator/services/index.ts";
import { activeResources } from "../../support/leaks.ts";
import { soundAndSilence } from "../../support/tone.ts";

const rate = 8000;

/** What comes behind the service. */
class Ear extends FrameProcessor {
  readonly frames: Frame[] = [];
  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    this.frames.push(frame);
    return run.pushFrame(frame, direction);
  }
}

const brief = (frame: Frame): string => {
  if (frame instanceof UserStartedSpeakingFrame) return "started";
  if (frame instanceof UserStoppedSpeakingFrame) return "stopped";
  if (frame instanceof TurnResumedFrame) return "resumed";
  if (frame instanceof EagerEndOfTurnFrame) return `eager: ${frame.text}`;
  if (frame instanceof InterimTranscriptionFrame) return `interim: ${frame.text}`;
  if (frame instanceof TranscriptionFrame) return `final: ${frame.text}`;
  return frame.constructor.name;
};

/** A stand-in, a service in a running pipeline, and a caller. */
async function scene(standInOptions: DeepgramStandInOptions, options: Partial<DeepgramSTTOptions> = {}) {
  const standIn = await createDeepgramStandIn(standInOptions);
  const stt = new DeepgramSTTService({ apiKey: "secret", baseUrl: standIn.url, reconnectDelayMs: 5, ...options });
  const ear = new Ear();
  const errors: ErrorFrame[] = [];
  const pipeline = new Pipeline([stt, ear], { audioInSampleRate: rate, onError: (frame) => errors.push(frame) });
  const over = pipeline.run();
  const heard = () => ear.frames.filter((frame) => !(frame instanceof StartFrame)).map(brief);
  return {
    standIn,
    stt,
    ear,
    errors,
    pipeline,
    heard,
    said: () => heard().filter((text) => !text.startsWith("interim")),
    stops: () => ear.frames.filter((frame) => frame instanceof UserStoppedSpeakingFrame),
    /** Speaks and is silent in turn, in ms, faster than a caller can. */
    speak(...partsMs: number[]) {
      const audio = soundAndSilence(rate, ...partsMs);
      for (let at = 0; at < audio.length; at += 160) {
        const packet = audio.subarray(at, at + 160);
        void pipeline.queueFrame(new InputAudioRawFrame({ audio: packet, sampleRate: rate }));
      }
    },
    async [Symbol.asyncDispose]() {
      pipeline.cancel();
      await over;
      await standIn.close();
    },
  };
}

const until = (condition: () => unknown) =>
  vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 5000, interval: 2 });

const timers = () => activeResources().Timeout ?? 0;

/** Those that stay: the test runner's own come and go. */
async function lastingTimers(): Promise<number> {
  let least = timers();
  for (let i = 0; i < 10; i++) {
    await sleep(10);
    least = Math.min(least, timers());
  }
  return least;
}

/** The service waits half a second for a goodbye at most. */
async function noMoreThan(timersBefore: number): Promise<void> {
  for (let i = 0; i < 100 && timers() > timersBefore; i++) await sleep(10);
  expect(timers()).toBeLessThanOrEqual(timersBefore);
}

describe("DeepgramSTTService with nova", () => {
  it("turns speech into turns, and a cough into none", async () => {
    await using call = await scene({ utterances: ["Where is my parcel?", null, "Thank you."], apiKey: "secret" });
    call.speak(0, 300, 1300, 600, 200, 600, 700, 600);
    await until(() => call.stops().length === 2);
    expect(call.heard()).toEqual([
      "started",
      "interim: Where is",
      "final: Where is my parcel?",
      "stopped",
      "started",
      "interim: Thank you.",
      "final: Thank you.",
      "stopped",
    ]);
    const [final] = call.ear.frames.filter((frame) => frame instanceof TranscriptionFrame);
    expect(final).toMatchObject({ userId: "caller", finalized: true });
    expect(final!.speechMs).toBeCloseTo(1300, -2);
    expect(call.standIn.connections[0]).toMatchObject({
      path: "/v1/listen",
      query: {
        model: "nova-3",
        encoding: "linear16",
        sample_rate: "8000",
        endpointing: "300",
        utterance_end_ms: "1000",
      },
    });
    expect(call.stt.counters).toMatchObject({ turns: 2, reconnects: 0, connection_failures: 0, dropped_audio_ms: 0 });
    expect(call.standIn.problems).toEqual([]);
  });

  it("has a stop at once at speech_final and none at the UtteranceEnd that follows", async () => {
    await using call = await scene({ utterances: ["Yes.", "No."] });
    call.speak(500, 400);
    await until(() => call.stops().length === 1);
    call.speak(0, 1500);
    await until(() =>
      call.standIn.connections[0]!.sent.some((message) => JSON.stringify(message).includes("UtteranceEnd")),
    );
    call.speak(500, 400);
    await until(() => call.stops().length === 2);
    expect(call.said()).toEqual(["started", "final: Yes.", "stopped", "started", "final: No.", "stopped"]);
  });

  it("makes one turn of several finals, and ends it at UtteranceEnd where noise hides the pause", async () => {
    await using call = await scene(
      { utterances: ["one two three four five six"], finalEveryMs: 1000 },
      { parameters: { endpointing: "false" } },
    );
    call.speak(2000, 2500);
    await until(() => call.stops().length === 1);
    const finals = call.said().slice(1, -1);
    expect(finals.length).toBeGreaterThan(1);
    expect(finals.map((text) => text.slice("final: ".length)).join(" ")).toBe("one two three four five six");
    expect(call.said()[0]).toBe("started");
  });

  it("says when the last word had arrived", async () => {
    await using call = await scene({ utterances: ["Yes."] });
    await until(() => call.standIn.connections.length === 1);
    call.speak(500);
    const spokenAtMs = performance.now();
    await sleep(30);
    call.speak(0, 400);
    await until(() => call.stops().length === 1);
    const [stop] = call.stops();
    expect(stop!.speechEndedAtMs).toBeLessThanOrEqual(spokenAtMs);
    expect(stop!.speechEndedAtMs).toBeGreaterThan(spokenAtMs - 1000);
  });

  it("keeps an idle connection alive", async () => {
    await using call = await scene({ idleTimeoutMs: 1_000 }, { keepAliveMs: 20 });
    await until(() => (call.standIn.connections[0]?.received.length ?? 0) > 3);
    expect(call.standIn.connections[0]!.received[0]).toEqual({ type: "KeepAlive" });
    expect(call.standIn.connections).toHaveLength(1);
    expect(call.standIn.problems).toEqual([]);
  });

  it("says CloseStream at the end, and leaves nothing behind", async () => {
    const before = await lastingTimers();
    {
      await using call = await scene({ utterances: ["Yes."] });
      call.speak(500, 400);
      await until(() => call.stops().length === 1);
      void call.pipeline.queueFrame(new EndFrame());
      await call.pipeline.run();
      expect(call.standIn.connections[0]!.received.at(-1)).toEqual({ type: "CloseStream" });
      await until(() => call.standIn.connections[0]!.closeCode !== null);
      expect(call.stt.counters.connection_failures).toBe(0);
    }
    await noMoreThan(before);
  });

  it("leaves nothing behind either when it is ended in a turn, gets no goodbye, or has no connection", async () => {
    const before = await lastingTimers();
    {
      await using mute = await scene({ utterances: ["one two three"], faults: [{ kind: "mute", afterMs: 1100 }] });
      mute.speak(1500);
      await until(() => mute.said().includes("started"));
      await using hung = await scene({ faults: [{ kind: "hang" }] });
      await until(() => hung.standIn.attempts === 1);
      await using waiting = await scene({ faults: [{ kind: "refuse" }] }, { reconnectDelayMs: 60_000 });
      await until(() => waiting.stt.counters.connection_failures === 1);
      await using early = await scene({});
      for (const { pipeline } of [mute, hung, waiting, early]) {
        pipeline.cancel();
        await pipeline.run();
      }
      await until(() => mute.standIn.connections[0]!.closeCode === 1006);
    }
    await noMoreThan(before);
  });

  it("passes on what is not audio, refuses audio of another rate", async () => {
    await using call = await scene({});
    void call.pipeline.queueFrame(new InterruptionFrame());
    void call.pipeline.queueFrame(new InputAudioRawFrame({ audio: new Int16Array(160), sampleRate: 16000 }));
    expect(call.heard()).toEqual(["InterruptionFrame"]);
    expect(call.stt.counters.refused_frames).toBe(1);
  });
});

describe("DeepgramSTTService with Flux", () => {
  const model = "flux-general-en";

  it("takes its turns, eager ends among them", async () => {
    await using call = await scene(
      { utterances: ["I think", "it is late.", null, "Bye."] },
      { model, eagerEotThreshold: 0.4 },
    );
    call.speak(700, 200, 700, 500, 200, 500, 600, 500);
    await until(() => call.stops().length === 2);
    expect(call.said()).toEqual([
      "started",
      "eager: I think",
      "resumed",
      "eager: I think it is late.",
      "final: I think it is late.",
      "stopped",
      "started",
      "eager: Bye.",
      "final: Bye.",
      "stopped",
    ]);
    expect(call.heard()).toContain("interim: I think it");
    const [connection] = call.standIn.connections;
    expect(connection).toMatchObject({
      path: "/v2/listen",
      query: { model, eager_eot_threshold: "0.4", eot_threshold: "0.7" },
    });
    expect(connection!.audioMessages).toBeLessThan(4000 / 80 + 1);
    expect(call.standIn.problems).toEqual([]);
  });

  it.each([
    ["flux-general-multi", "de,en", "de, en"],
    ["flux-general-multi", "de-CH", "de-CH"],
    ["flux-general-en", "en-GB", undefined],
  ])("has %s expect %s", async (model, language, hints) => {
    await using call = await scene({ utterances: ["Ja."] }, { model, language });
    call.speak(500, 500);
    await until(() => call.stops().length === 1);
    expect(call.standIn.connections[0]?.query.language_hint).toBe(hints);
    expect(call.standIn.problems).toEqual([]);
  });

  it("does without eager ends", async () => {
    await using call = await scene({ utterances: ["Yes."] }, { model, eagerEotThreshold: null });
    call.speak(500, 500);
    await until(() => call.stops().length === 1);
    expect(call.said()).toEqual(["started", "final: Yes.", "stopped"]);
    expect(call.stops()[0]!.speechEndedAtMs).not.toBeNull();
  });

  it("hears silence instead of a KeepAlive", async () => {
    await using call = await scene({ idleTimeoutMs: 1_000 }, { model, keepAliveMs: 20 });
    await until(() => (call.standIn.connections[0]?.audioMs ?? 0) > 300);
    expect(call.standIn.connections[0]!.received).toEqual([]);
    expect(call.standIn.problems).toEqual([]);
  });

  it("takes an eager end back when the connection is lost before the end", async () => {
    await using call = await scene({ utterances: ["Yes."], faults: [{ kind: "cut", afterMs: 740 }] }, { model });
    call.speak(500, 500);
    await until(() => call.stops().length === 1);
    expect(call.said()).toEqual(["started", "eager: Yes.", "resumed", "eager: Yes.", "final: Yes.", "stopped"]);
  });

  it("goes on in a turn whose connection was lost", async () => {
    await using call = await scene(
      { utterances: ["one two three four"], faults: [{ kind: "cut", afterMs: 900 }] },
      { model, eagerEotThreshold: null },
    );
    call.speak(1000);
    await until(() => call.stt.counters.reconnects === 1);
    call.speak(400, 500);
    await until(() => call.stops().length === 1);
    expect(call.said()).toEqual(["started", "final: one two three four", "stopped"]);
  });
});

describe("DeepgramSTTService whose service fails", () => {
  const models = ["nova-3", "flux-general-en"];

  it.each(models)("loses no audio while %s is not there yet", async (model) => {
    await using call = await scene(
      {
        utterances: ["Hello?"],
        faults: [
          { kind: "status", status: 503, attempt: 0 },
          { kind: "status", status: 429, attempt: 1 },
          { kind: "refuse", attempt: 2 },
          { kind: "hang", attempt: 3 },
        ],
      },
      { model, connectTimeoutMs: 500 },
    );
    call.speak(600, 500);
    await until(() => call.stops().length === 1);
    expect(call.said().filter((text) => text.startsWith("final"))).toEqual(["final: Hello?"]);
    expect(call.stt.counters).toMatchObject({ connection_failures: 4, reconnects: 0, dropped_audio_ms: 0 });
    expect(call.errors).toEqual([]);
  });

  it.each([
    { kind: "close", afterMs: 700, code: 1011, reason: "NET-0000" } as const,
    { kind: "cut", afterMs: 700 } as const,
  ])("loses no word when nova does $kind in the middle of a turn", async (fault) => {
    await using call = await scene({ utterances: ["one two three four"], finalEveryMs: 600, faults: [fault] });
    call.speak(1000);
    await until(() => call.stt.counters.reconnects === 1);
    call.speak(300, 400);
    await until(() => call.stops().length === 1);
    const finals = call.said().filter((text) => text.startsWith("final"));
    expect(finals.map((text) => text.slice("final: ".length)).join(" ")).toBe("one two three four");
    expect(call.said().filter((text) => text === "started")).toHaveLength(1);
    expect(call.stt.counters.resent_audio_ms).toBeGreaterThan(0);
    expect(call.errors).toEqual([]);
  });

  it.each(models)("takes a connection of %s that says nothing any more for lost", async (model) => {
    await using call = await scene(
      { utterances: ["one two three four"], finalEveryMs: 600, faults: [{ kind: "mute", afterMs: 700 }] },
      { model, answerTimeoutMs: 1500, eagerEotThreshold: null },
    );
    await until(() => call.standIn.connections.length === 1);
    await sleep(20); // silence of the clock alone means nothing
    call.speak(1000);
    await until(() => call.said().includes("started"));
    call.speak(1500);
    await until(() => call.stt.counters.reconnects === 1);
    call.speak(300, 500);
    await until(() => call.stops().length === 1);
    const finals = call.said().filter((text) => text.startsWith("final"));
    expect(finals.map((text) => text.slice("final: ".length)).join(" ")).toBe("one two three four");
    expect(call.said().filter((text) => text === "started")).toHaveLength(1);
  });

  it.each(models)("ends a turn of %s of which the new connection knows nothing", async (model) => {
    await using call = await scene({ utterances: ["one two"] }, { model, turnTimeoutMs: 200, eagerEotThreshold: null });
    call.standIn.injectFault({ kind: "mute", afterMs: 1150 });
    call.speak(1100, 60);
    await until(() => call.said().length > 0);
    await until(() => call.stops().length === 1);
    expect(call.said()).toEqual(["started", expect.stringMatching(/^final: one/), "stopped"]);
    expect(call.stt.counters).toMatchObject({ turns: 1, turn_timeouts: 1 });
  });

  it("does not wait long for the end of a turn that the new connection began in", async () => {
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    await using call = await scene(
      { utterances: ["one two", null], finalEveryMs: 600, faults: [{ kind: "cut", afterMs: 610 }] },
      { turnTimeoutMs: 246 },
    );
    call.speak(600, 20);
    await until(() => call.stops().length === 1);
    expect(timeouts.mock.calls.map(([, delayMs]) => delayMs)).toContain(123);
    timeouts.mockRestore();
    expect(call.said()).toEqual(["started", "final: one two", "stopped"]);
    expect(call.stt.counters).toMatchObject({ turns: 1, turn_timeouts: 1, reconnects: 1 });
  });

  it("does not give up on a connection that works in between", async () => {
    const cut = (attempt: number) => ({ kind: "cut", afterMs: 1500, attempt }) as const;
    await using call = await scene(
      { utterances: ["a", "b", "c", "d"], interimEveryMs: 100, faults: [0, 1, 2, 3].map(cut) },
      { maxReconnects: 1, keepAudioMs: 750 },
    );
    for (let turns = 1; turns <= 4; turns++) {
      call.speak(400, 400);
      await until(() => call.stops().length === turns);
      call.speak(0, 800);
      await until(() => call.stt.counters.reconnects === turns);
    }
    expect(call.errors).toEqual([]);
    expect(call.said().filter((text) => text.startsWith("final"))).toEqual([
      "final: a",
      "final: b",
      "final: c",
      "final: d",
    ]);
  });

  it("gives up on one that hears, and is lost again and again", async () => {
    const close = { kind: "close", afterMs: 700, code: 1011, attempt: "every" } as const;
    const utterances = ["a", "b", "c"];
    await using call = await scene({ utterances, interimEveryMs: 100, faults: [close] }, { maxReconnects: 2 });
    for (let turns = 1; turns <= 3; turns++) {
      call.speak(400, 400);
      await until(() => call.stt.counters.connection_failures === turns);
    }
    await until(() => call.errors.length > 0);
    expect(call.heard()).toContain("interim: a");
    expect(call.errors[0]).toMatchObject({ fatal: true, error: expect.stringContaining("after 3 attempts: closed") });
  });

  it("counts what is malformed and takes no notice of what is unknown", async () => {
    const say = (text: string) => ({ kind: "say", afterMs: 100, text, attempt: 0 }) as const;
    await using call = await scene({
      utterances: ["Yes."],
      faults: [
        say("{nonsense"),
        say('"text"'),
        say('{"type":"Results","channel":{"alternatives":[]}}'),
        say('{"type":"TurnInfo"}'),
        say('{"type":"Tomorrow","nobody":"knows"}'),
        say('{"type":"Error","code":"ODD"}'),
      ],
    });
    call.speak(500, 400);
    await until(() => call.stops().length === 1);
    expect(call.said()).toEqual(["started", "final: Yes.", "stopped"]);
    expect(call.stt.counters).toMatchObject({ malformed_messages: 4, service_errors: 1, connection_failures: 0 });
  });

  it("gives up when the key is refused, at once and without naming it", async () => {
    await using call = await scene({ apiKey: "another" });
    await until(() => call.errors.length === 1);
    expect(call.errors[0]).toMatchObject({ fatal: true, error: expect.stringContaining("check DEEPGRAM_API_KEY") });
    expect(call.errors[0]!.error).not.toContain("secret");
    expect(call.stt.counters.connection_failures).toBe(1);
    call.speak(500); // to nobody
  });

  it("gives up after so many attempts in a row, keeps 5 s of audio till then", async () => {
    await using call = await scene(
      { faults: [{ kind: "status", status: 500, attempt: "every" }] },
      { maxReconnects: 2 },
    );
    call.speak(4000, 2000);
    expect(call.stt.counters.dropped_audio_ms).toBe(1000);
    await until(() => call.errors.length === 1);
    expect(call.errors[0]).toMatchObject({ fatal: true, error: expect.stringMatching(/after 3 attempts: HTTP 500/) });
    expect(call.stt.counters.connection_failures).toBe(3);
  });

  it.each([
    ["a greeting", []],
    ["what is malformed", [{ kind: "say", afterMs: 20, text: "{nonsense", attempt: "every" } as const]],
    ["an error", [{ kind: "say", afterMs: 20, text: '{"type":"Error","code":"NO"}', attempt: "every" } as const]],
  ])("gives up when all that comes of each connection is %s", async (_, faults) => {
    await using call = await scene(
      { faults: [...faults, { kind: "close", afterMs: 20, code: 1011, attempt: "every" }] },
      { model: "flux-general-en", maxReconnects: 2, reconnectDelayMs: 1 },
    );
    call.speak(0, 200);
    await until(() => call.errors.length > 0);
    expect(call.errors[0]).toMatchObject({ fatal: true, error: expect.stringContaining("after 3 attempts: closed") });
    expect(call.standIn.attempts).toBe(3);
  });

  it("names the bad option, of its own or of the service's", async () => {
    expect(() => new DeepgramSTTService({ apiKey: "" })).toThrow("apiKey");
    expect(() => new DeepgramSTTService({ apiKey: "k", baseUrl: "deepgram.com" })).toThrow("baseUrl");
    expect(() => new DeepgramSTTService({ apiKey: "k", utteranceEndMs: 500 })).toThrow(
      "utteranceEndMs must be a number from 1000 to 60000, not 500",
    );
    expect(() => new DeepgramSTTService({ apiKey: "k", eagerEotThreshold: 0.8 })).toThrow(
      /eagerEotThreshold .* to 0.7/,
    );
    await using call = await scene({}, { parameters: { endpointing: "soon" } });
    await until(() => call.errors.length === 1);
    expect(call.errors[0]!.error).toContain("HTTP 400: endpointing must be a number");
  });
});
