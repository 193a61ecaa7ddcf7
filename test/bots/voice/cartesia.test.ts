import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CartesiaError,
  type CartesiaOptions,
  CartesiaTTSService,
  synthesize,
} from "../../../src/bots/voice/services/cartesia/index.ts";
import { readAnswer } from "../../../src/bots/voice/services/cartesia/messages.ts";
import {
  EndFrame,
  EndWhenHeardFrame,
  type ErrorFrame,
  type Frame,
  FrameProcessor,
  InterruptionFrame,
  LLMFullResponseEndFrame,
  LLMFullResponseStartFrame,
  LLMTextFrame,
  type Pipeline,
  pipeline,
  StartFrame,
  TTSAudioRawFrame,
  TTSSpeakFrame,
  TTSStartedFrame,
  TTSStoppedFrame,
  TTSTextFrame,
} from "../../../src/pipecat/index.ts";
import {
  type CartesiaStandIn,
  type CartesiaStandInOptions,
  createCartesiaStandIn,
  standInSpeech,
} from "../../../src/simulator/services/index.ts";

/** Keeps what comes out of the voice; may have no room for it. */
class Sink extends FrameProcessor {
  readonly frames: Frame[] = [];
  room: ((frame: Frame) => Promise<void> | undefined) | undefined;
  #watchers: (() => void)[] = [];

  override processFrame(
    frame: Frame,
    direction: "downstream" | "upstream",
    run: Parameters<FrameProcessor["processFrame"]>[2],
  ) {
    this.note(frame);
    const room = this.room?.(frame);
    return room === undefined ? run.pushFrame(frame, direction) : room.then(() => run.pushFrame(frame, direction));
  }

  note(frame: Frame): void {
    this.frames.push(frame);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  async until(matches: (frame: Frame) => boolean, count = 1): Promise<void> {
    while (this.frames.filter(matches).length < count) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }
}

interface Scene extends AsyncDisposable {
  cartesia: CartesiaStandIn;
  tts: CartesiaTTSService;
  sink: Sink;
  errors: ErrorFrame[];
  bot: Pipeline;
  over: Promise<void>;
  push(...frames: Frame[]): void;
  /** A response of the language model, in pieces. */
  respond(...pieces: string[]): void;
}

async function scene(standIn: CartesiaStandInOptions = {}, options: Partial<CartesiaOptions> = {}): Promise<Scene> {
  const cartesia = await createCartesiaStandIn({ speed: 100, firstChunkMs: 1, ...standIn });
  const tts = new CartesiaTTSService({ apiKey: "key", baseUrl: cartesia.url, retryDelayMs: 5, ...options });
  const sink = new Sink();
  const errors: ErrorFrame[] = [];
  const onError = (error: ErrorFrame) => {
    errors.push(error);
    sink.note(error);
  };
  const bot = pipeline([tts, sink], { onError });
  const over = bot.run();
  const push = (...frames: Frame[]) => {
    for (const frame of frames) void bot.queueFrame(frame);
  };
  return {
    cartesia,
    tts,
    sink,
    errors,
    bot,
    over,
    push,
    respond: (...pieces) =>
      push(
        new LLMFullResponseStartFrame(),
        ...pieces.map((text) => new LLMTextFrame({ text })),
        new LLMFullResponseEndFrame(),
      ),
    async [Symbol.asyncDispose]() {
      bot.cancel();
      await over;
      await cartesia.close();
    },
  };
}

const isA =
  <T extends Frame>(type: abstract new (...args: never[]) => T) =>
  (frame: Frame): frame is T =>
    frame instanceof type;

const bytesOf = ({ pcm }: { pcm: Int16Array }) => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
const heard = (frames: Frame[]) =>
  Buffer.concat(frames.filter(isA(TTSAudioRawFrame)).map((frame) => frame.audio as Uint8Array));
const words = (frames: Frame[]) => frames.filter(isA(TTSTextFrame)).map(({ text }) => text);
const ends = (frames: Frame[]) => frames.filter(isA(TTSTextFrame)).map(({ endMs }) => endMs);
/** What kinds of frames there are, in order; runs of one kind as one. */
const kinds = (frames: Frame[]) =>
  frames
    .filter((frame) => !(frame instanceof StartFrame || frame instanceof TTSTextFrame))
    .map((frame) => frame.constructor.name)
    .filter((name, index, all) => name !== all[index - 1]);
const sent = ({ cartesia }: Scene) =>
  cartesia.requests.map(({ transcript, continue: more, cancel }) => (cancel ? "cancel" : [transcript, more]));
const ids = ({ cartesia }: Scene) => [...new Set(cartesia.requests.map(({ context_id: id }) => id))];

const said = (text: string) => bytesOf(standInSpeech(text, 24000));

describe("CartesiaTTSService", () => {
  it("says a response sentence by sentence, in one context", async () => {
    await using test = await scene();
    const { sink } = test;
    test.respond("Hel", "lo, Ms. ", "Ng! It costs", " $3.50, **not** 4. ", "Fine");
    await sink.until(isA(LLMFullResponseEndFrame));
    expect(sent(test)).toEqual([
      ["Hello, Ms. Ng! ", true],
      ["It costs $3.50, not 4. ", true],
      ["Fine", true],
      ["", false],
    ]);
    expect(ids(test)).toHaveLength(1);
    expect(test.cartesia.requests[0]).toMatchObject({
      model_id: "sonic-3.6",
      voice: { mode: "id", id: "79a125e8-cd45-4c13-8a67-188112f4dd22" },
      output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: 24000 },
      language: "en",
    });
    expect(kinds(sink.frames)).toEqual([
      "LLMFullResponseStartFrame",
      "TTSStartedFrame",
      "TTSAudioRawFrame",
      "TTSStoppedFrame",
      "LLMFullResponseEndFrame",
    ]);
    expect(heard(sink.frames)).toEqual(
      Buffer.concat([said("Hello, Ms. Ng! "), said("It costs $3.50, not 4. "), said("Fine")]),
    );
    expect(words(sink.frames).join(" ")).toBe("Hello, Ms. Ng! It costs $3.50, not 4. Fine");
    expect(ends(sink.frames)).toEqual([240, 540, 1020, 1500, 1800, 2100, 2400, 2700, 3180]);
    const contexts = new Set(
      sink.frames
        .filter((frame) => "contextId" in frame)
        .map((frame) => (frame as TTSStartedFrame | TTSTextFrame).contextId),
    );
    expect(contexts.size).toBe(1);
    expect(test.cartesia.problems).toEqual([]);
    expect(test.errors).toEqual([]);
  });

  it("connects when the pipeline starts, before there is anything to say", async () => {
    await using test = await scene();
    await expect.poll(() => test.cartesia.connectionCount).toBe(1);
    expect(test.cartesia.requests).toEqual([]);
  });

  it("says a text of its own in a context of its own, in its turn", async () => {
    await using test = await scene({ speed: 30 });
    const { sink } = test;
    test.push(new TTSSpeakFrame({ text: "Welcome. Please wait.", appendToContext: false }));
    test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "Let me see. And" }));
    test.push(new TTSSpeakFrame({ text: "One moment." }));
    test.push(new LLMTextFrame({ text: " here it is." }), new LLMFullResponseEndFrame(), new EndWhenHeardFrame());
    await sink.until(isA(EndWhenHeardFrame));
    expect(ids(test)).toHaveLength(4);
    expect(words(sink.frames).join(" ")).toBe("Welcome. Please wait. Let me see. And One moment. here it is.");
    const order = sink.frames
      .filter((frame) => "contextId" in frame)
      .map((frame) => (frame as TTSStartedFrame).contextId);
    // Each utterance is a run of its own.
    expect(order.filter((id, index) => id !== order[index - 1])).toHaveLength(4);
    const texts = sink.frames.filter(isA(TTSTextFrame));
    expect(texts.filter(({ appendToContext }) => !appendToContext)).toHaveLength(3);
    expect(kinds(sink.frames).slice(-3)).toEqual(["TTSStoppedFrame", "LLMFullResponseEndFrame", "EndWhenHeardFrame"]);
    expect(test.cartesia.problems).toEqual([]);
  });

  it("says nothing of signs and emojis", async () => {
    await using test = await scene();
    test.respond("😀 **\n", "---\n");
    test.push(new TTSSpeakFrame({ text: "…" }));
    await test.sink.until(isA(LLMFullResponseEndFrame));
    expect(test.cartesia.requests).toEqual([]);
    expect(kinds(test.sink.frames)).toEqual(["LLMFullResponseStartFrame", "LLMFullResponseEndFrame"]);
  });

  it.each([
    ["samples cut in half", { oddChunks: true }],
    ["words told before their audio", { timestamps: "early" as const }],
    ["words told without their marks", { bareWords: true }],
    ["no end of a sentence told", { flushDone: false }],
    ["no end of the context told", { contexts: [{ withholdDone: true }] }],
  ])("is the same with %s", async (_, standIn) => {
    await using test = await scene(standIn);
    test.respond("Well, yes! (It is.) ", 'He said "no", too.');
    await test.sink.until(isA(LLMFullResponseEndFrame));
    expect(heard(test.sink.frames)).toEqual(
      Buffer.concat([said("Well, yes! "), said("(It is.) "), said('He said "no", too.')]),
    );
    expect(words(test.sink.frames)).toEqual(["Well,", "yes!", "(It", "is.)", "He", "said", '"no",', "too."]);
    expect(ends(test.sink.frames)).toEqual([240, 540, 1020, 1320, 1800, 2100, 2400, 2700]);
    expect(test.errors).toEqual([]);
  });

  it("tells a sentence as a whole when no words are told", async () => {
    await using test = await scene({ timestamps: "none" });
    test.respond("First of all. Then the rest.");
    await test.sink.until(isA(LLMFullResponseEndFrame));
    expect(words(test.sink.frames)).toEqual(["First of all.", "Then the rest."]);
    expect(ends(test.sink.frames)).toEqual([1080, 2160]);
  });

  it("tells a word not before its audio has come", async () => {
    await using test = await scene({ timestamps: "early", contexts: [{ stallAfterMs: 400 }] });
    test.respond("One two three.");
    await test.sink.until(isA(TTSTextFrame));
    await test.sink.until(isA(TTSAudioRawFrame), 8);
    expect(words(test.sink.frames)).toEqual(["One"]);
  });

  it("keeps Chinese together up to a mark", async () => {
    await using test = await scene({}, { language: "zh" });
    test.respond("您好，感谢您", "致电。请问有", "什么可以帮您的吗？");
    await test.sink.until(isA(LLMFullResponseEndFrame));
    expect(sent(test).slice(0, 2)).toEqual([
      ["您好，感谢您致电。", true],
      ["请问有什么可以帮您的吗？", true],
    ]);
    expect(words(test.sink.frames)).toEqual(["您好，", "感谢您致电。", "请问有什么可以帮您的吗？"]);
  });

  describe("interrupted", () => {
    it("cancels the context, pushes nothing more of it, and says the next", async () => {
      await using test = await scene({ speed: 5 });
      const { sink } = test;
      test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One two three four five. Six" }));
      await sink.until(isA(TTSTextFrame));
      test.push(new InterruptionFrame());
      const at = sink.frames.findIndex(isA(InterruptionFrame));
      expect(at).toBeGreaterThan(0);
      await test.cartesia.request(({ cancel }) => cancel === true);
      test.respond("Yes?");
      await sink.until(isA(LLMFullResponseEndFrame));
      expect(kinds(sink.frames.slice(at))).toEqual([
        "InterruptionFrame",
        "LLMFullResponseStartFrame",
        "TTSStartedFrame",
        "TTSAudioRawFrame",
        "TTSStoppedFrame",
        "LLMFullResponseEndFrame",
      ]);
      expect(heard(sink.frames.slice(at))).toEqual(said("Yes?"));
      // «Six» had not ended: it was never sent.
      expect(sent(test)).toEqual([["One two three four five. ", true], "cancel", ["Yes?", true], ["", false]]);
      await expect.poll(() => test.tts.counters.late_chunks).toBeGreaterThan(5);
      expect(test.tts.counters).toMatchObject({ contexts: 2, cancelled: 1, failed: 0 });
    });

    it("drops what waits for room", async () => {
      await using test = await scene();
      const { sink } = test;
      let go = () => {};
      sink.room = (frame) =>
        frame instanceof TTSAudioRawFrame
          ? new Promise<void>((resolve) => {
              go = resolve;
            })
          : undefined;
      test.push(new TTSSpeakFrame({ text: "word ".repeat(400) }));
      await sink.until(isA(TTSAudioRawFrame));
      test.push(new InterruptionFrame());
      await sink.until(isA(InterruptionFrame));
      const at = sink.frames.length;
      sink.room = undefined;
      go();
      test.push(new TTSSpeakFrame({ text: "Next." }));
      await sink.until(isA(TTSStoppedFrame));
      expect(heard(sink.frames.slice(at))).toEqual(said("Next."));
    });
  });

  it("has Cartesia wait while there is no room", async () => {
    // Five minutes, most of it silence: 19 MB of messages, more than sockets hold.
    const speech = { wordMs: 100, pauseMs: 10_000, chunkMs: 1_000 };
    await using test = await scene({ speed: 1e6, ...speech });
    const { sink } = test;
    let go: (() => void) | undefined;
    let isHeld = true;
    sink.room = (frame) =>
      isHeld && frame instanceof TTSAudioRawFrame
        ? new Promise<void>((resolve) => {
            go = resolve;
          })
        : undefined;
    const text = "word ".repeat(29);
    test.push(new TTSSpeakFrame({ text }));
    await expect.poll(() => test.cartesia.unreadByteLength, { timeout: 10_000 }).toBeGreaterThan(1 << 20);
    expect(sink.frames.filter(isA(TTSAudioRawFrame))).toHaveLength(1);
    isHeld = false;
    go?.();
    await sink.until(isA(TTSStoppedFrame));
    expect(heard(sink.frames).equals(bytesOf(standInSpeech(text, 24000, speech)))).toBe(true);
    expect(words(sink.frames)).toHaveLength(29);
    expect(test.errors).toEqual([]);
  });

  describe("the end", () => {
    it("comes when all was said, and closes the connection", async () => {
      const test = await scene({ speed: 20 });
      test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "Good bye" }), new EndFrame());
      await test.over;
      expect(heard(test.sink.frames)).toEqual(said("Good bye"));
      expect(kinds(test.sink.frames).at(-1)).toBe("EndFrame");
      await expect.poll(() => test.cartesia.connectionCount).toBe(0);
      await test.cartesia.close();
    });

    it("does not wait for ever", async () => {
      const test = await scene({ contexts: [{ isSilent: true }] }, { endTimeoutMs: 30 });
      test.push(new TTSSpeakFrame({ text: "Never said." }));
      await test.sink.until(isA(TTSStartedFrame));
      test.push(new EndFrame());
      await test.over;
      expect(kinds(test.sink.frames)).toEqual(["TTSStartedFrame", "EndFrame"]);
      await test.cartesia.close();
    });
  });

  describe("an utterance that fails", () => {
    it.each([
      ["an error", { errorAfterMs: 0, error: { statusCode: 500, title: "Internal server error" } }, "(500)"],
      ["silence", { isSilent: true }, "no audio"],
      ["silence in mid-speech", { stallAfterMs: 300 }, "no audio"],
    ])("is stopped, said to be so, and the next is said: %s", async (_, fault, text) => {
      await using test = await scene({ contexts: [fault] }, { audioTimeoutMs: 500 });
      const { sink } = test;
      test.respond("One two three. ", "Four.");
      await sink.until(isA(LLMFullResponseEndFrame));
      expect(test.errors).toHaveLength(1);
      expect(test.errors[0]).toMatchObject({ fatal: false, error: expect.stringContaining(text) });
      expect(test.errors[0]?.error).not.toMatch(/three|key/);
      expect(kinds(sink.frames).filter((kind) => kind === "TTSStoppedFrame")).toHaveLength(1);
      test.respond("Again.");
      await sink.until(isA(LLMFullResponseEndFrame), 2);
      expect(words(sink.frames).at(-1)).toBe("Again.");
      expect(test.tts.counters.failed).toBe(1);
    });

    it("takes the rest of its response with it", async () => {
      await using test = await scene({ contexts: [{ errorAfterMs: 0 }] });
      test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One. T" }));
      await test.sink.until((frame) => test.errors.includes(frame as ErrorFrame));
      test.push(new LLMTextFrame({ text: "wo. Three." }), new LLMFullResponseEndFrame());
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(sent(test)).toEqual([["One. ", true]]);
    });
  });

  it("does not stumble over messages that are none", async () => {
    const insert = [
      "{",
      "[]",
      '"x"',
      "null",
      '{"type":"chunk"}',
      '{"type":"chunk","context_id":"x","data":"*"}',
      '{"type":"news"}',
      '{"type":"timestamps","context_id":"x","word_timestamps":{"words":["a"],"end":[]}}',
    ];
    await using test = await scene({ contexts: [{ insertAfterMs: 100, insert }] });
    test.respond("One two.");
    await test.sink.until(isA(LLMFullResponseEndFrame));
    expect(heard(test.sink.frames)).toEqual(said("One two."));
    expect(test.tts.counters).toMatchObject({ malformed_messages: 7, unknown_messages: 1 });
    expect(test.errors).toEqual([]);
  });

  it("takes audio as it was encoded, and none with a character that is no base64 or of a length that there is not", () => {
    const read = (data: string) => readAnswer(JSON.stringify({ type: "chunk", context_id: "x", data }));
    const alien = fc.constantFrom(..."*= \n!.é\u4e00");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), alien, (bytes, at, character) => {
        const data = Buffer.from(bytes).toString("base64");
        const bare = data.replaceAll("=", "");
        for (const whole of [data, bare]) {
          expect(read(whole)).toEqual({ type: "chunk", contextId: "x", audio: Buffer.from(bytes) });
        }
        const place = at % bare.length;
        expect(read(data.slice(0, place) + character + data.slice(place))).toBeUndefined();
      }),
    );
    expect(read("AAAAA")).toBeUndefined();
  });

  describe("a connection that is lost", () => {
    it("in mid-speech: the rest is said in a new context, nothing twice", async () => {
      await using test = await scene({ contexts: [{ closeAfterMs: 620 }], oddChunks: true });
      const { sink } = test;
      test.respond("One two three, four. ", "Five six.");
      await sink.until(isA(LLMFullResponseEndFrame));
      expect(words(sink.frames).join(" ")).toBe("One two three, four. Five six.");
      expect(ids(test)).toHaveLength(2);
      const again = test.cartesia.requests.filter(({ context_id: id }) => id === ids(test)[1]);
      expect(again.map(({ transcript }) => transcript).join("")).toBe("three, four. Five six.");
      const audio = heard(sink.frames);
      expect(audio.length % 2).toBe(0);
      // What follows is not shifted by half a sample.
      expect(audio.subarray(-said("Five six.").length)).toEqual(said("Five six."));
      const [, , third] = ends(sink.frames) as number[];
      expect(third).toBeGreaterThan(620 + 230);
      expect(kinds(sink.frames)).toEqual([
        "LLMFullResponseStartFrame",
        "TTSStartedFrame",
        "TTSAudioRawFrame",
        "TTSStoppedFrame",
        "LLMFullResponseEndFrame",
      ]);
      expect(test.tts.counters).toMatchObject({ reconnects: 1, resumed: 1, contexts: 2, failed: 0 });
      expect(test.errors).toEqual([]);
    });

    it("after it has stalled: what it owed is said, though more was written meanwhile", async () => {
      await using test = await scene({ contexts: [{ stallAfterMs: 350 }] });
      const { sink } = test;
      test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One two three four. " }));
      await expect.poll(() => words(sink.frames)).toEqual(["One"]);
      await new Promise((resolve) => setTimeout(resolve, 800)); // longer than a context lasts after its audio
      test.push(new LLMTextFrame({ text: "Five six." }), new LLMFullResponseEndFrame());
      test.cartesia.dropConnections();
      await sink.until(isA(LLMFullResponseEndFrame));
      expect(words(sink.frames).join(" ")).toBe("One two three four. Five six.");
      expect(heard(sink.frames).subarray(-said("two three four. ").length - said("Five six.").length)).toEqual(
        Buffer.concat([said("two three four. "), said("Five six.")]),
      );
      expect(test.errors).toEqual([]);
    });

    it("too often: the utterance is given up", async () => {
      await using test = await scene({ contexts: Array(10).fill({ closeAfterMs: 50, closeCode: 1011 }) });
      test.respond("One two three.");
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(test.errors).toMatchObject([{ fatal: false, error: expect.stringContaining("too often") }]);
    });

    it("in the idle: is there again, unnoticed", async () => {
      await using test = await scene({ idleTimeoutMs: 60 });
      await expect.poll(() => test.tts.counters.reconnects).toBeGreaterThan(1);
      test.respond("Still here.");
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(heard(test.sink.frames)).toEqual(said("Still here."));
      expect(test.errors).toEqual([]);
    });

    it("before there was one: what is to be said waits for it", async () => {
      await using test = await scene({ upgrades: [503, 429, "accept"] });
      test.respond("Hello.");
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(heard(test.sink.frames)).toEqual(said("Hello."));
      expect(test.cartesia.upgradeCount).toBe(3);
      expect(test.errors).toEqual([]);
    });

    it("for longer than a caller waits: the utterance fails, the service goes on", async () => {
      await using test = await scene({ upgrades: ["hang"] }, { audioTimeoutMs: 500 });
      test.respond("Hello.");
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(test.errors).toMatchObject([{ fatal: false }]);
      test.respond("Again.");
      await test.sink.until(isA(LLMFullResponseEndFrame), 2);
      expect(words(test.sink.frames)).toEqual(["Again."]);
    });

    it.each([
      ["a wrong key", [401], 1, "check CARTESIA_API_KEY"],
      ["no service", [503, 503, 503], 3, "no connection to Cartesia after 3 attempts (HTTP 503)"],
    ])("for good: %s", async (_, upgrades, count, text) => {
      await using test = await scene({ upgrades }, { maxAttempts: 2 });
      test.respond("Hello.");
      await test.sink.until((frame) => test.errors.includes(frame as ErrorFrame));
      await test.sink.until(isA(LLMFullResponseEndFrame));
      expect(test.errors).toMatchObject([{ fatal: true, error: expect.stringContaining(text) }]);
      expect(test.cartesia.upgradeCount).toBe(count);
      test.respond("More.");
      await test.sink.until(isA(LLMFullResponseEndFrame), 2);
      expect(heard(test.sink.frames)).toHaveLength(0);
    });
  });

  describe("a context that has expired", () => {
    it.each([
      ["told", {}],
      ["not told, its words are", { flushDone: false }],
      ["not told, nor its words", { flushDone: false, timestamps: "none" as const }],
    ])("gives way to a new one: end of the sentence %s", async (_, standIn) => {
      await using test = await scene({ expiryMs: 650, ...standIn });
      const { sink } = test;
      test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One two. " }));
      await expect.poll(() => heard(sink.frames).length).toBe(said("One two. ").length);
      await new Promise((resolve) => setTimeout(resolve, 800)); // a language model that thinks
      test.push(new LLMTextFrame({ text: "Three four." }), new LLMFullResponseEndFrame());
      await sink.until(isA(LLMFullResponseEndFrame));
      const isUntold = "timestamps" in standIn;
      expect(words(sink.frames)).toEqual(isUntold ? ["One two.", "Three four."] : ["One", "two.", "Three", "four."]);
      expect(ends(sink.frames)).toEqual(isUntold ? [780, 1560] : [240, 540, 1020, 1320]);
      expect(heard(sink.frames)).toEqual(Buffer.concat([said("One two. "), said("Three four.")]));
      expect(ids(test)).toHaveLength(2);
      expect(sink.frames.filter(isA(TTSStartedFrame))).toHaveLength(1);
      expect(test.errors).toEqual([]);
      // When nothing is told, that it is too late to end the context cannot be known.
      expect(test.cartesia.problems).toHaveLength(isUntold ? 1 : 0);
    });
  });

  it("does not take a sentence for said that stopped in its middle", async () => {
    await using test = await scene({ contexts: [{ stallAfterMs: 350 }] });
    const { sink } = test;
    test.push(new LLMFullResponseStartFrame(), new LLMTextFrame({ text: "One two three four. " }));
    await expect.poll(() => words(sink.frames)).toEqual(["One"]);
    await new Promise((resolve) => setTimeout(resolve, 800)); // longer than a context lasts after its audio
    test.push(new LLMTextFrame({ text: "Five six." }), new LLMFullResponseEndFrame());
    await sink.until(isA(LLMFullResponseEndFrame));
    expect(words(sink.frames).join(" ")).toBe("One two three four. Five six.");
    const again = Buffer.concat([said("two three four. "), said("Five six.")]);
    expect(heard(sink.frames).subarray(-again.length)).toEqual(again);
    expect(test.tts.counters).toMatchObject({ resumed: 1, contexts: 2, reconnects: 0, failed: 0 });
    expect(test.errors).toEqual([]);
  });

  it("wants a key, and options that make sense", () => {
    expect(() => new CartesiaTTSService({ apiKey: "" })).toThrow("CARTESIA_API_KEY");
    expect(() => new CartesiaTTSService({ apiKey: "k", baseUrl: "ftp://x" })).toThrow(TypeError);
    expect(() => new CartesiaTTSService({ apiKey: "k", speed: 3 })).toThrow(RangeError);
    expect(() => new CartesiaTTSService({ apiKey: "k", audioTimeoutMs: 0 })).toThrow("audioTimeoutMs");
  });
});

describe("synthesize", () => {
  it("says a text into memory", async () => {
    await using cartesia = await createCartesiaStandIn({ speed: 100, oddChunks: true });
    const options = { apiKey: "key", baseUrl: cartesia.httpUrl };
    const pcm = await synthesize(options, "I am **sorry**. Again?");
    expect(pcm).toEqual(standInSpeech("I am sorry. Again?", 24000).pcm);
    expect(await new CartesiaTTSService(options).synthesize("Well.")).toEqual(standInSpeech("Well.", 24000).pcm);
    expect(await synthesize(options, "**")).toHaveLength(0);
    await expect.poll(() => cartesia.connectionCount).toBe(0);
  });

  it("fails, and can be aborted", async () => {
    await using cartesia = await createCartesiaStandIn({ apiKey: "right", contexts: [{ isSilent: true }] });
    const options = { apiKey: "right", baseUrl: cartesia.url };
    await expect(synthesize({ ...options, apiKey: "wrong" }, "Hello.")).rejects.toMatchObject({
      code: "CARTESIA_REFUSED",
    });
    const aborter = new AbortController();
    const aborted = synthesize(options, "Hello.", aborter.signal);
    await cartesia.request(() => true);
    aborter.abort();
    await expect(aborted).rejects.toMatchObject({ code: "CARTESIA_ABORTED" });
    await expect(synthesize(options, "Hello.", AbortSignal.abort())).rejects.toBeInstanceOf(CartesiaError);
  });
});
