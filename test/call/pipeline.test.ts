import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CallEnd, createWavixTransport, packetClock, type WavixTransport } from "../../src/call/index.ts";
import { Outbox } from "../../src/call/outbox.ts";
import { CodecError } from "../../src/codec/index.ts";
import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  contextAggregators,
  EndFrame,
  EndWhenHeardFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InputAudioRawFrame,
  InterruptionFrame,
  LLMContext,
  LLMFullResponseEndFrame,
  MetricsFrame,
  type Pipeline,
  type ProcessRun,
  pipeline,
  StartFrame,
  TTSAudioRawFrame,
  TTSStartedFrame,
  TTSStoppedFrame,
  TTSTextFrame,
} from "../../src/pipecat/index.ts";
import { PlayingPeer } from "../support/playing-peer.ts";

class Recorder extends FrameProcessor {
  readonly frames: { frame: Frame; direction: FrameDirection }[] = [];

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    this.frames.push({ frame, direction });
    return run.pushFrame(frame, direction);
  }

  of<T extends Frame>(type: abstract new (...args: never[]) => T): T[] {
    return this.frames.map(({ frame }) => frame).filter((frame): frame is T => frame instanceof type);
  }
}

const WORD_MS = 200;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

let peer: PlayingPeer;
let transport: WavixTransport;
let context: LLMContext;
let before: Recorder;
let behind: Recorder;
let line: Pipeline;
let end: CallEnd | undefined;

async function open(delays: { thereMs?: number; backMs?: number } = {}, hangUp = async () => {}): Promise<void> {
  peer = new PlayingPeer(delays);
  transport = createWavixTransport({
    socket: peer,
    idleTimeoutMs: 10 ** 9,
    audioInSampleRate: 8_000,
    control: { hangUp },
  });
  context = new LLMContext();
  [before, behind, end] = [new Recorder(), new Recorder(), undefined];
  const { assistantContext } = contextAggregators(context);
  void transport
    .run((call) => {
      line = pipeline([call.input(), before, call.output(), assistantContext, behind]);
      return line.run();
    })
    .then((over) => {
      end = over;
    });
  peer.start();
  await pass(0);
}

/** Speech of one word each `WORD_MS`, all at once, as a voice that is faster than real time. */
async function speak(words: string[], value = 1): Promise<void> {
  await line.queueFrame(new TTSStartedFrame());
  for (const [at, text] of words.entries()) {
    const audio = new Int16Array(24 * WORD_MS).fill(value);
    await line.queueFrame(new TTSAudioRawFrame({ audio, sampleRate: 24_000 }));
    await line.queueFrame(new TTSTextFrame({ text, endMs: (at + 1) * WORD_MS }));
  }
  await line.queueFrame(new TTSStoppedFrame());
  await line.queueFrame(new LLMFullResponseEndFrame());
}

const said = () => context.messages.map(({ content }) => content);
const clears = () => peer.events().filter((event) => event === "clear").length;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(async () => {
  peer.cut();
  await pass(5_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(packetClock.size).toBe(0);
  vi.useRealTimers();
});

describe("call.input()", () => {
  it("starts the pipeline at the call's rate and passes the caller's frames on", async () => {
    await open();
    expect(before.of(StartFrame)[0]?.audioInSampleRate).toBe(8_000);
    for (let at = 0; at < 3; at++) peer.media();
    await pass(0);
    expect(before.of(InputAudioRawFrame).map(({ sampleRate, numFrames }) => [sampleRate, numFrames])).toEqual(
      Array.from({ length: 3 }, () => [8_000, 160]),
    );
  });

  it("cancels the pipeline when the caller hangs up", async () => {
    await open();
    let over = false;
    void line.run().then(() => {
      over = true;
    });
    await speak(["one", "two", "three"]);
    await pass(450);
    peer.say({ event: "stop", stream_id: "stream-1" });
    await pass(10);
    expect(over).toBe(true);
    // What was heard until then is in the context.
    expect(said()).toEqual(["one two"]);
    peer.cut();
    await pass(3_000);
    expect(end).toMatchObject({ endedBy: "caller", reason: "stop" });
  });
});

describe("call.output()", () => {
  it("lets pass what stands behind speech when it was heard", async () => {
    await open({ thereMs: 50, backMs: 50 });
    await speak(["hello", "there"]);
    await pass(400);
    expect(behind.of(TTSTextFrame)).toEqual([]);
    expect(behind.of(BotStartedSpeakingFrame)).toHaveLength(1);
    expect(before.of(BotStoppedSpeakingFrame)).toHaveLength(0);
    await pass(300);
    expect(said()).toEqual(["hello there"]);
    expect(before.of(BotStartedSpeakingFrame)).toHaveLength(1);
    expect(before.of(BotStoppedSpeakingFrame)).toHaveLength(1);
    const order = behind.frames.map(({ frame }) => frame.constructor.name);
    expect(order.indexOf("TTSStoppedFrame")).toBeLessThan(order.indexOf("LLMFullResponseEndFrame"));
  });

  it("keeps of an interrupted answer what was heard, and silences the rest here and at Wavix", async () => {
    await open({ thereMs: 30, backMs: 30 });
    await speak(["one", "two", "three", "four", "five"]);
    await pass(30 + 500);
    const heardMs = peer.heardMs(1);
    expect(Math.floor(heardMs / WORD_MS)).toBe(2);
    line.queueFrame(new InterruptionFrame());
    // In the same tick: the beginning is in the context, and `clear` is on its way.
    expect(said()).toEqual(["one two"]);
    expect(clears()).toBe(1);
    expect(behind.of(LLMFullResponseEndFrame)).toEqual([]);
    expect(before.of(BotStoppedSpeakingFrame)).toHaveLength(1);
    await pass(1_000);
    expect(peer.heardMs(1) - heardMs).toBeLessThanOrEqual(60);
    expect(said()).toEqual(["one two"]);
    await speak(["again"], 2);
    await pass(500);
    expect(said()).toEqual(["one two", "again"]);
    expect(peer.heardMs(2)).toBe(WORD_MS);
  });

  it("remembers an answer to its last word, however its audio was cut into frames", async () => {
    await open();
    for (const samples of [1_000, 1_001, 1_024, 441]) {
      const already = said().length;
      await line.queueFrame(new TTSStartedFrame());
      for (let at = 0; at < 15; at++) {
        await line.queueFrame(new TTSAudioRawFrame({ audio: new Int16Array(samples), sampleRate: 24_000 }));
      }
      await line.queueFrame(new TTSTextFrame({ text: "almost", endMs: 100 }));
      await line.queueFrame(new TTSTextFrame({ text: "all", endMs: ((15 * samples) / 24_000) * 1_000 }));
      await line.queueFrame(new TTSStoppedFrame());
      await pass(2_000);
      expect(said().slice(already)).toEqual(["almost all"]);
    }
  });

  it("sends no clear when there is nothing to silence", async () => {
    await open();
    line.queueFrame(new InterruptionFrame());
    expect(clears()).toBe(0);
    await speak(["done"]);
    await pass(400);
    line.queueFrame(new InterruptionFrame());
    expect(clears()).toBe(0);
    expect(said()).toEqual(["done"]);
  });

  it("ends the call when the goodbye was heard", async () => {
    let hungUp = 0;
    await open({ thereMs: 30, backMs: 30 }, async () => {
      hungUp++;
      peer.cut();
    });
    await speak(["good", "bye"]);
    await line.queueFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
    await pass(400);
    expect(hungUp).toBe(0);
    await pass(200);
    expect(hungUp).toBe(1);
    expect(peer.heardMs(1)).toBe(2 * WORD_MS);
    expect(said()).toEqual(["good bye"]);
    await pass(10);
    expect(end).toMatchObject({ endedBy: "bot", reason: "goodbye" });
  });

  it("ends the call although the socket did not take all of the goodbye", async () => {
    const hangUp = vi.fn(async () => peer.cut());
    await open({}, hangUp);
    await speak(["good", "bye", "then"]);
    await line.queueFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
    await pass(60);
    peer.bufferedAmount = 600_000;
    await pass(200);
    peer.bufferedAmount = 0;
    await pass(3_000);
    expect(transport.stats.packetsDropped).toBeGreaterThan(0);
    expect(hangUp).toHaveBeenCalledTimes(1);
  });

  it("takes nobody down but its own call when the codec traps at the end of an utterance", async () => {
    const rejected = vi.fn();
    process.on("unhandledRejection", rejected);
    try {
      await open();
      await line.queueFrame(new TTSStartedFrame());
      await line.queueFrame(new TTSAudioRawFrame({ audio: new Int16Array(2_500).fill(1), sampleRate: 24_000 }));
      const flush = vi.spyOn(Outbox.prototype, "flush").mockImplementation(() => {
        throw new CodecError("CODEC_TRAP", "the codec met a trap");
      });
      await line.queueFrame(new TTSStoppedFrame());
      await pass(0);
      flush.mockRestore();
      await pass(5_000);
      await new Promise((resolve) => setImmediate(resolve));
      expect(rejected).not.toHaveBeenCalled();
      expect(end).toMatchObject({ reason: "codec-failed" });
    } finally {
      process.off("unhandledRejection", rejected);
    }
  });

  it("goes on with the call when the goodbye is interrupted", async () => {
    const hangUp = vi.fn(async () => {});
    await open({}, hangUp);
    await speak(["good", "bye"]);
    await line.queueFrame(new EndWhenHeardFrame({ reason: "goodbye" }));
    await pass(100);
    line.queueFrame(new InterruptionFrame());
    await pass(1_000);
    expect(hangUp).not.toHaveBeenCalled();
    await speak(["yes?"], 2);
    await pass(300);
    expect(said()).toEqual(["yes?"]);
  });

  it("lets the caller hear everything before an EndFrame, sounds without a text too", async () => {
    await open({}, async () => peer.cut());
    await line.queueFrame(new TTSAudioRawFrame({ audio: new Int16Array(24 * 500).fill(3), sampleRate: 24_000 }));
    await line.queueFrame(new EndFrame({ reason: "menu" }));
    await pass(1_000);
    expect(peer.heardMs(3)).toBe(500);
    expect(end).toMatchObject({ endedBy: "bot", reason: "menu" });
  });

  it("cancels: silence at once, and the call is over", async () => {
    await open({}, async () => peer.cut());
    await speak(["one", "two", "three"]);
    await pass(250);
    line.cancel("drain");
    await pass(100);
    expect(clears()).toBe(1);
    expect(end).toMatchObject({ endedBy: "bot", reason: "drain" });
    expect(said()).toEqual(["one"]);
  });

  it("says when the first of an utterance was heard", async () => {
    await open({ thereMs: 80, backMs: 40 });
    const sentAtMs = performance.now();
    await speak(["one", "two", "three", "four"]);
    await pass(600);
    const [{ data } = { data: [] }] = before.of(MetricsFrame);
    expect(data[0]).toMatchObject({ processor: "CallOutput", name: "firstAudioHeardAtMs" });
    const afterMs = (data[0]?.value as number) - sentAtMs;
    // There, the cushion's share of a sound that is there at once, and back: a mark cannot tell them apart.
    expect(afterMs).toBeGreaterThanOrEqual(80);
    expect(afterMs).toBeLessThanOrEqual(80 + 40 + 30);
  });

  it("does not fail when the call ends while the bot still speaks", async () => {
    await open();
    await speak(["one"]);
    void transport.hangUp("enough");
    await speak(["two"]);
    await pass(3_000);
    peer.cut();
    await pass(10);
    expect(end).toMatchObject({ endedBy: "bot", reason: "enough" });
  });

  /** Whenever the caller interrupts: the context has the words that were heard to their end, and no other. */
  it("knows to the word what was heard, for any moment of an interruption", async () => {
    const moments = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(moments, fc.integer({ min: 0, max: 80 }), async (waits, thereMs) => {
        await open({ thereMs, backMs: 20 });
        for (const [at, waitMs] of waits.entries()) {
          const value = 10 + at;
          const words = Array.from({ length: 6 }, (_, word) => `${at}.${word}`);
          const already = said().length;
          await speak(words, value);
          await pass(waitMs);
          const heardMs = peer.heardMs(value);
          line.queueFrame(new InterruptionFrame());
          const kept = said()
            .slice(already)
            .flatMap((content) => content?.split(" ") ?? []);
          expect(kept).toEqual(words.slice(0, kept.length));
          // Right to a packet and the step of the peer; and until the first mark is back, to the way there.
          expect(kept.length * WORD_MS).toBeLessThanOrEqual(heardMs + thereMs + 45);
          expect(kept.length * WORD_MS).toBeGreaterThan(heardMs - WORD_MS - thereMs - 20 - 60 - 40);
          await pass(200);
        }
        peer.cut();
        await pass(5_000);
      }),
      { numRuns: 40 },
    );
  });
});
