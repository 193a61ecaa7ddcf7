import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  type ContextAggregatorOptions,
  contextAggregators,
  EagerEndOfTurnFrame,
  ErrorFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InterimTranscriptionFrame,
  InterruptionFrame,
  LLMContext,
  LLMContextFrame,
  LLMFullResponseEndFrame,
  type LLMMessage,
  type ProcessRun,
  pipeline,
  type Speculation,
  TranscriptionFrame,
  TTSTextFrame,
  TurnResumedFrame,
  UserStartedSpeakingFrame,
  UserStoppedSpeakingFrame,
} from "../../src/pipecat/index.ts";

/** Stands for the model, the voice and the call: keeps what it is asked, and says upstream what a test wants. */
class Answerer extends FrameProcessor {
  readonly asked: { messages: LLMMessage[]; speculation: Speculation | null }[] = [];
  interruptions = 0;
  starts = 0;
  stops = 0;

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    if (frame instanceof InterruptionFrame && direction === "downstream") this.interruptions++;
    if (frame instanceof UserStartedSpeakingFrame) this.starts++;
    if (frame instanceof UserStoppedSpeakingFrame) this.stops++;
    if (frame instanceof LLMContextFrame) {
      this.asked.push({ messages: [...frame.context.messages], speculation: frame.speculation });
    } else return run.pushFrame(frame, direction);
  }

  say(frame: Frame) {
    return this.pushFrame(frame, "upstream");
  }
}

class Recorder extends FrameProcessor {
  readonly upstream: Frame[] = [];

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun) {
    if (direction === "upstream") this.upstream.push(frame);
    return run.pushFrame(frame, direction);
  }
}

function open(options: ContextAggregatorOptions = {}) {
  const context = new LLMContext({ messages: [{ role: "system", content: "Be brief." }] });
  const heard: string[] = [];
  const { userContext, assistantContext } = contextAggregators(context, {
    listener: {
      onMessage: (text) => heard.push(`user: ${text}`),
      onInterruption: (text) => heard.push(`interrupted: ${text}`),
      onFalseStart: (text) => heard.push(`false start: ${text}`),
      onAssistantMessage: (text, cut) => heard.push(`bot${cut ? " (cut)" : ""}: ${text}`),
    },
    ...options,
  });
  const [before, answerer] = [new Recorder(), new Answerer()];
  const line = pipeline([before, userContext, answerer, assistantContext], { onError: () => {} });
  void line.run();
  const timestamp = "2026-01-01T00:00:00Z";
  return {
    context,
    heard,
    before,
    answerer,
    line,
    interim: (text: string, speechMs: number | null = null) =>
      line.queueFrame(new InterimTranscriptionFrame({ text, userId: "caller", timestamp, speechMs })),
    final: (text: string, speechMs: number | null = null) =>
      line.queueFrame(new TranscriptionFrame({ text, userId: "caller", timestamp, speechMs })),
    started: () => line.queueFrame(new UserStartedSpeakingFrame()),
    stop: () => line.queueFrame(new UserStoppedSpeakingFrame()),
    eager: (text: string) => line.queueFrame(new EagerEndOfTurnFrame({ text })),
    resumed: () => line.queueFrame(new TurnResumedFrame()),
    /** The bot answers; the caller hears it. */
    speaks: () => answerer.say(new BotStartedSpeakingFrame()),
    silent: () => answerer.say(new BotStoppedSpeakingFrame()),
  };
}

const contents = (messages: readonly LLMMessage[]) =>
  messages.slice(1).map(({ role, content }) => `${role}: ${content}`);

describe("turns", () => {
  it("asks the model at the end of a turn, with its pieces as one message", () => {
    const { interim, final, stop, answerer, heard } = open();
    interim("what");
    final("What time");
    interim("What time is");
    final("is it?");
    expect(answerer.asked).toEqual([]);
    stop();
    expect(answerer.asked).toHaveLength(1);
    expect(contents(answerer.asked[0]?.messages ?? [])).toEqual(["user: What time is it?"]);
    expect(heard).toEqual(["user: What time is it?"]);
    // For what may be in the making behind it; it is no interruption to tell of.
    expect(answerer.interruptions).toBe(1);
  });

  it("makes no turn of sounds without words", () => {
    const { final, interim, stop, answerer, context } = open();
    stop();
    final("  ");
    interim("");
    stop();
    expect(answerer.asked).toEqual([]);
    expect(context.messages).toHaveLength(1);
  });

  it("counts words that have not become final when the turn ends", () => {
    const { interim, final, stop, context } = open();
    final("hello");
    interim("hello there");
    stop();
    expect(contents(context.messages)).toEqual(["user: hello there"]);
  });

  it("ends a turn that grows beyond all bounds", () => {
    const { final, answerer } = open();
    for (let at = 0; at < 20; at++) final("word ".repeat(100));
    expect(answerer.asked).toHaveLength(1);
  });
});

describe("barge-in", () => {
  const inAnAnswer = (options?: ContextAggregatorOptions) => {
    const opened = open(options);
    opened.final("Tell me a story.");
    opened.stop();
    opened.speaks();
    opened.answerer.interruptions = 0;
    opened.before.upstream.length = 0;
    return opened;
  };

  it("interrupts at the first words, once a turn, both ways", () => {
    const { interim, final, stop, answerer, before, heard, context } = inAnAnswer();
    interim("wait", 250);
    interim("wait a minute", 600);
    final("Wait a minute.", 700);
    stop();
    expect(answerer.interruptions).toBe(1);
    expect(before.upstream.filter((frame) => frame instanceof InterruptionFrame)).toHaveLength(1);
    expect(heard).toEqual(["user: Tell me a story.", "interrupted: wait", "user: Wait a minute."]);
    // Nothing of the answer was heard, so what was said stands in one message.
    expect(contents(context.messages)).toEqual(["user: Tell me a story. Wait a minute."]);
    expect(answerer.asked).toHaveLength(2);
  });

  it("goes on at a cough, and at what is too short", () => {
    const { started, interim, final, stop, answerer, heard } = inAnAnswer();
    started();
    interim("", 300);
    stop();
    started();
    interim("uh", 120);
    final("Uh", 150);
    stop();
    expect(answerer.interruptions).toBe(0);
    expect(answerer.asked).toHaveLength(1);
    expect(heard.at(-1)).toBe("false start: Uh");
    // Of the turn before; a cough is the end of no turn.
    expect([answerer.starts, answerer.stops]).toEqual([1, 1]);
  });

  it("asks for as many words as it is told to, while the bot speaks", () => {
    const { interim, stop, answerer, silent, heard } = inAnAnswer({ bargeIn: { minWords: 3 } });
    interim("yes", 400);
    stop();
    expect(answerer.interruptions).toBe(0);
    interim("one moment", 700);
    expect(answerer.interruptions).toBe(0);
    interim("one moment please", 900);
    expect(answerer.interruptions).toBe(1);
    stop();
    expect(heard.at(-1)).toBe("user: one moment please");
    silent();
    interim("yes", 400);
    stop();
    expect(heard.at(-1)).toBe("user: yes");
  });

  it("takes back what is in the making while the bot is silent: a tool that runs", () => {
    const { interim, answerer, silent, heard } = inAnAnswer();
    silent();
    interim("never mind", 300);
    interim("never mind that", 600);
    expect(answerer.interruptions).toBe(1);
    expect(heard).toEqual(["user: Tell me a story."]);
  });

  it("counts the words of a turn once, whether what is not final comes with what is or without", () => {
    const { interim, final, answerer } = inAnAnswer({ bargeIn: { minWords: 4 } });
    final("Wait", 300);
    interim("Wait a", 400);
    interim("a minute", 500);
    expect(answerer.interruptions).toBe(0);
    interim("Wait a minute please", 700);
    expect(answerer.interruptions).toBe(1);
  });

  it("counts the words of languages without spaces", () => {
    const { interim, answerer } = inAnAnswer({ bargeIn: { minWords: 3 } });
    interim("請等一下我想問", 900);
    expect(answerer.interruptions).toBe(1);
  });

  it("hears a caller out who began before the bot had finished", () => {
    const { interim, final, stop, silent, heard } = inAnAnswer({ bargeIn: { minWords: 4 } });
    interim("and then", 300);
    silent();
    final("And then what?", 900);
    stop();
    expect(heard.some((line) => line.startsWith("interrupted"))).toBe(false);
    expect(heard.at(-1)).toBe("user: And then what?");
  });

  it("silences a bot that begins to speak while the caller does", () => {
    const { interim, final, stop, speaks, answerer, heard } = open();
    interim("hello I", 300);
    // A greeting that was on its way, or an apology.
    speaks();
    interim("hello I would like", 700);
    interim("hello I would like a table", 1_000);
    // At the first words, which take back what is in the making, and at the first that the bot spoke into.
    expect(answerer.interruptions).toBe(2);
    final("Hello, I would like a table.", 1_100);
    stop();
    expect(heard).toEqual(["interrupted: hello I would like", "user: Hello, I would like a table."]);
  });

  it("counts each word once, though part of the turn is final already", () => {
    const { interim, final, answerer } = inAnAnswer({ bargeIn: { minWords: 4 } });
    final("one moment", 400);
    interim("one moment please", 700);
    expect(answerer.interruptions).toBe(0);
    interim("one moment please wait", 900);
    expect(answerer.interruptions).toBe(1);
  });

  it("takes an answer back that is not heard yet: there is more to the question", () => {
    const { final, interim, stop, answerer, heard } = open();
    final("I would like");
    stop();
    interim("a table", 100);
    final("a table for two.");
    stop();
    expect(heard.filter((line) => line.startsWith("interrupted"))).toEqual(["interrupted: a table"]);
    expect(contents(answerer.asked[1]?.messages ?? [])).toEqual(["user: I would like a table for two."]);
  });

  it("is none after an answer that failed", () => {
    const { final, stop, answerer, interim, heard } = open();
    final("Hello?");
    stop();
    answerer.say(new ErrorFrame({ error: "no model" }));
    interim("hello");
    expect(heard).toEqual(["user: Hello?"]);
  });

  it("refuses bounds that mean nothing", () => {
    const context = new LLMContext();
    expect(() => contextAggregators(context, { bargeIn: { minWords: -1 } })).toThrow("bargeIn.minWords");
    expect(() => contextAggregators(context, { bargeIn: { minSpeechMs: Number.NaN } })).toThrow("bargeIn.minSpeechMs");
  });
});

describe("an eager end of turn", () => {
  it("has an answer prepared, and confirms it when the turn ends so", async () => {
    const { interim, eager, final, stop, answerer, context } = open();
    interim("what time is");
    eager("What time is it?");
    const [{ speculation } = { speculation: null }] = answerer.asked;
    expect(speculation?.userMessage).toEqual({ role: "user", content: "What time is it?" });
    expect(contents(context.messages)).toEqual([]);
    final("What time is it?");
    stop();
    expect(await speculation?.confirmed).toBe(true);
    expect(answerer.asked).toHaveLength(1);
    expect(contents(context.messages)).toEqual(["user: What time is it?"]);
  });

  it("forgets it when the caller goes on, and when the turn ends otherwise", async () => {
    const { eager, resumed, final, stop, answerer, context } = open();
    eager("What time");
    resumed();
    eager("What time is it?");
    final("What time is it in Oslo?");
    stop();
    const confirmed = await Promise.all(answerer.asked.map(({ speculation }) => speculation?.confirmed));
    expect(confirmed).toEqual([false, false, undefined]);
    expect(contents(context.messages)).toEqual(["user: What time is it in Oslo?"]);
  });

  it("is asked for anew when something else interrupts the bot: what was prepared is gone", async () => {
    const { eager, final, stop, line, answerer } = open();
    eager("What time is it?");
    line.queueFrame(new InterruptionFrame());
    final("What time is it?");
    stop();
    expect(answerer.asked).toHaveLength(2);
    expect(answerer.asked[1]?.speculation).toBeNull();
    expect(await answerer.asked[0]?.speculation?.confirmed).toBe(false);
  });

  it("is none while the bot speaks and not enough was said", () => {
    const { eager, final, stop, speaks, answerer } = open({ bargeIn: { minWords: 3 } });
    final("Hello");
    stop();
    speaks();
    answerer.interruptions = 0;
    eager("yes");
    expect(answerer.asked).toHaveLength(1);
    expect(answerer.interruptions).toBe(0);
  });
});

describe("what was heard of answers", () => {
  it("becomes part of the context, word by word, and only its beginning when it is cut", () => {
    const { context, line, heard } = open();
    const word = (text: string, appendToContext = true) => line.queueFrame(new TTSTextFrame({ text, appendToContext }));
    word("Good");
    word("morning.");
    line.queueFrame(new LLMFullResponseEndFrame());
    word("Sorry,", false);
    line.queueFrame(new LLMFullResponseEndFrame());
    word("It");
    line.queueFrame(new InterruptionFrame());
    expect(contents(context.messages)).toEqual(["assistant: Good morning.", "assistant: It"]);
    expect(heard).toEqual(["bot: Good morning.", "bot (cut): It"]);
  });
});

describe("a context", () => {
  it("keeps its bound, its system messages, and the answers of tools with their calls", () => {
    const message = fc.constantFrom<LLMMessage["role"][]>(["user"], ["assistant"], ["assistant", "tool", "tool"]);
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (groups) => {
        const context = new LLMContext({ messages: [{ role: "system", content: "s" }], maxMessages: 6 });
        for (const [at, roles] of groups.entries()) {
          context.add(
            ...roles.map(
              (role): LLMMessage =>
                role === "tool" ? { role, content: "t", tool_call_id: String(at) } : { role, content: String(at) },
            ),
          );
          const kept = context.messages.map(({ role }) => role);
          expect(kept.length).toBeLessThanOrEqual(6);
          expect(kept[0]).toBe("system");
          expect(kept[1]).not.toBe("tool");
          expect(kept.some((role, i) => role === "user" && kept[i + 1] === "user")).toBe(false);
        }
      }),
    );
  });

  it("keeps the instructions it began with, and what was added by the system no longer than the rest", () => {
    const context = new LLMContext({ messages: [{ role: "system", content: "instructions" }], maxMessages: 4 });
    context.add({ role: "assistant", content: "Hello!" });
    for (let at = 0; at < 9; at++) {
      context.add({ role: "system", content: `result ${at}` });
      context.add({ role: "user", content: `question ${at}` });
    }
    const kept = ["instructions", "question 7", "result 8", "question 8"];
    expect(context.messages.map(({ content }) => content)).toEqual(kept);
  });

  it("refuses a bound that leaves no room", () => {
    expect(() => new LLMContext({ maxMessages: 1 })).toThrow(RangeError);
  });
});
