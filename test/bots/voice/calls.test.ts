import { describe, expect, it } from "vitest";
import type { Tool } from "../../../src/pipecat/index.ts";
import { noise } from "../../support/noise.ts";
import { scrape } from "../../support/operations.ts";
import { GREETING, voiceCalls } from "../../support/voice-call.ts";

const ANSWER = "There is funghi. And there is calzone, which takes a little longer.";
const NEXT = "One calzone coming up.";

describe.each(["flux-general-en", "nova-3"])(
  "a call of the voice bot that listens with %s",
  { timeout: 15_000 },
  (model) => {
    const talk = voiceCalls();
    const deepgram = { model, ...(model === "nova-3" ? { endpointingMs: 100 } : {}) };

    it.concurrent("has a greeting and two turns; the model is told what was said and heard", async () => {
      const { say, happened, hangUp, openai, cartesia, events } = await talk({
        utterances: ["Which pizzas are there?", "The second one please."],
        replies: [ANSWER, NEXT],
        deepgram: { interimEveryMs: 100 },
        bot: { deepgram, instructions: "Be brief." },
      });
      await happened("bot");
      say("Which pizzas are there?");
      await happened("bot", 2);
      say("The second one please.");
      await happened("bot", 3);
      const { whole, end } = await hangUp();
      const [greeting, answer, next] = [whole(GREETING), whole(ANSWER), whole(NEXT)];
      expect([greeting.startMs, answer.startMs, next.startMs]).toEqual(
        [next.startMs, greeting.startMs, answer.startMs].toSorted((a, b) => Number(a) - Number(b)),
      );
      const first = [
        { role: "system", content: "Be brief." },
        { role: "assistant", content: GREETING },
        { role: "user", content: "Which pizzas are there?" },
      ];
      expect(openai.requests[0]?.messages).toEqual(first);
      expect(openai.requests.at(-1)?.messages).toEqual([
        ...first,
        { role: "assistant", content: ANSWER },
        { role: "user", content: "The second one please." },
      ]);
      expect(openai.requests).toHaveLength(2);
      expect(cartesia.requests.filter(({ cancel }) => cancel === true)).toEqual([]);
      expect(events.map(({ type }) => type).filter((type) => type !== "turn")).toEqual([
        "bot",
        "user",
        "bot",
        "user",
        "bot",
      ]);
      expect(end).toEqual({ endedBy: "caller", reason: "stop" });
    });

    it.concurrent("goes on when the caller coughs, and when too few words are said into the answer", async () => {
      const { say, sound, hears, happened, hangUp, openai, events, bot } = await talk({
        utterances: ["Which pizzas are there?", null, "Aha.", "The second one please."],
        replies: [ANSWER, NEXT],
        deepgram: { interimEveryMs: 100 },
        bot: { deepgram, greeting: "", bargeIn: { minWords: 2, minSpeechMs: 0 } },
      });
      say("Which pizzas are there?");
      await hears();
      sound(noise(24 * 120).map((sample) => sample / 4));
      // As long as a sound lasts it may still become a word.
      await new Promise((resolve) => setTimeout(resolve, 500));
      say("Yes.");
      expect(await happened("false-start")).toEqual({ type: "false-start", text: "Aha." });
      await happened("bot");
      say("The second one please.");
      await happened("bot", 2);
      const { whole, report } = await hangUp();
      whole(ANSWER);
      expect(report).toMatchObject({ received: { clears: 0 } });
      expect(openai.requests.at(-1)?.messages.slice(1)).toEqual([
        { role: "user", content: "Which pizzas are there?" },
        { role: "assistant", content: ANSWER },
        { role: "user", content: "The second one please." },
      ]);
      expect(events.some(({ type }) => type === "interruption")).toBe(false);
      expect(bot.counters).toMatchObject({ turns: 2, interruptions: 0, false_starts: 1 });
    });

    it.concurrent("takes for one turn what is said before the model has answered", async () => {
      const { say, happened, hangUp, openai } = await talk({
        utterances: ["Which pizzas are there?", "Without any meat please."],
        replies: [{ text: "Salami prosciutto.", firstTokenMs: 3_000 }, NEXT],
        deepgram: { interimEveryMs: 100 },
        bot: { deepgram, greeting: "" },
      });
      say("Which pizzas are there?");
      await happened("user");
      say("Without any meat please.");
      await happened("interruption");
      await happened("bot");
      const { of, whole, report } = await hangUp();
      expect(await openai.requests[0]?.ended).toBe("aborted");
      expect(openai.requests.at(-1)?.messages.slice(1)).toEqual([
        { role: "user", content: "Which pizzas are there? Without any meat please." },
      ]);
      expect(of("Salami prosciutto.").startMs).toBeNull();
      whole(NEXT);
      expect(report.received.clears).toBe(0);
    });
  },
);

describe("an answer that is prepared before the turn is over", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  it.concurrent("is the answer when nothing more is said: the model is asked once", async () => {
    const { say, happened, openai, bot, hangUp } = await talk({
      utterances: ["Which pizzas are there?"],
      replies: [NEXT],
      deepgram: { certainMs: 800 },
      bot: { greeting: "" },
    });
    say("Which pizzas are there?");
    await openai.request(0);
    expect(bot.counters).toMatchObject({ turns: 0 });
    await happened("bot");
    expect(openai.requests).toHaveLength(1);
    expect(bot.counters).toMatchObject({ turns: 1, llm_speculations_confirmed: 1, llm_speculations_dropped: 0 });
    (await hangUp()).whole(NEXT);
  });

  it.concurrent("is not heard when the caller goes on", async () => {
    const { say, happened, openai, bot, hangUp } = await talk({
      utterances: ["I would like", "two calzones please."],
      replies: [{ text: ANSWER, tokenMs: 0 }, NEXT],
      deepgram: { certainMs: 1_000 },
      bot: { greeting: "" },
    });
    say("I would like");
    expect((await openai.request(0)).messages.at(-1)).toEqual({ role: "user", content: "I would like" });
    say("two calzones please.");
    await happened("bot");
    const { of, whole, report } = await hangUp();
    expect(openai.requests.at(-1)?.messages.slice(1)).toEqual([
      { role: "user", content: "I would like two calzones please." },
    ]);
    expect(of(ANSWER).startMs).toBeNull();
    whole(NEXT);
    expect(report.received.clears).toBe(0);
    expect(bot.counters).toMatchObject({ turns: 1, interruptions: 0, llm_speculations_dropped: 1 });
  });
});

describe("tools of a call", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  const asked = (name: string) => [
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_0_0", type: "function", function: { name, arguments: expect.any(String) } }],
    },
  ];
  const GOODBYE = "Thank you for calling and goodbye.";

  it.concurrent("end it when the goodbye was heard", async () => {
    const { say, over } = await talk({
      utterances: ["That is all."],
      replies: [{ text: GOODBYE, toolCalls: [{ name: "end_call" }] }],
      bot: { greeting: "" },
    });
    say("That is all.");
    const { whole, end, report } = await over;
    whole(GOODBYE);
    expect(end).toEqual({ endedBy: "bot", reason: "goodbye" });
    expect(report).toMatchObject({ hungUpOverRest: true, playout: { unheardMs: 0, clearedMs: 0 } });
  });

  it.concurrent("end it with the goodbye that the model has not said", async () => {
    const { say, over, openai } = await talk({
      utterances: ["That is all."],
      replies: [{ toolCalls: [{ name: "end_call", arguments: { goodbye: GOODBYE } }] }],
      bot: { greeting: "" },
    });
    say("That is all.");
    const { whole, end } = await over;
    whole(GOODBYE);
    expect(end).toEqual({ endedBy: "bot", reason: "goodbye" });
    expect(openai.requests).toHaveLength(1);
  });

  it.concurrent("do not end it when the caller speaks into the goodbye", async () => {
    const { say, hears, happened, hangUp, openai } = await talk({
      utterances: ["That is all.", "No wait please stop."],
      replies: [{ text: GOODBYE, toolCalls: [{ name: "end_call" }] }, NEXT],
      bot: { greeting: "" },
    });
    say("That is all.");
    await hears();
    say("No wait please stop.");
    const { text, interrupted } = await happened("bot");
    expect(interrupted).toBe(true);
    await happened("bot", 2);
    const { end, whole } = await hangUp();
    expect(end).toEqual({ endedBy: "caller", reason: "stop" });
    whole(NEXT);
    expect(openai.requests[1]?.messages.slice(1)).toEqual([
      { role: "user", content: "That is all." },
      ...asked("end_call"),
      { role: "tool", tool_call_id: "call_0_0", content: expect.stringContaining("unless the caller speaks first") },
      { role: "assistant", content: text },
      { role: "user", content: "No wait please stop." },
    ]);
  });

  it.concurrent.for([
    ["are what the caller types", "4711", '{"digits":"4711"}'],
    ["are none when nothing is typed", "", '{"error":"the caller typed nothing in time"}'],
  ] as const)("collect digits, which %s", async ([, digits, content]) => {
    const { say, happened, openai, hangUp } = await talk({
      utterances: ["Where is my order?"],
      replies: [
        {
          text: "Your number?",
          toolCalls: [{ name: "collect_digits", arguments: { max_digits: 6, timeout_seconds: 1 } }],
        },
        NEXT,
      ],
      bot: { greeting: "" },
      call: { digits },
    });
    say("Where is my order?");
    expect((await openai.request(1)).messages.slice(2)).toEqual([
      { ...asked("collect_digits")[0], content: "Your number?" },
      { role: "tool", tool_call_id: "call_0_0", content },
    ]);
    await happened("bot", 2);
    const { whole } = await hangUp();
    whole("Your number?");
    whole(NEXT);
  });

  const tool = (run: Tool["run"]): Tool => ({
    name: "look_up",
    description: "Looks something up.",
    parameters: { type: "object", properties: { what: { type: "string" } } },
    run,
  });

  it.concurrent("may be one's own", async () => {
    const seen: unknown[] = [];
    const { say, happened, openai, call } = await talk({
      utterances: ["When are you open?"],
      replies: [{ toolCalls: [{ name: "look_up", arguments: { what: "hours" } }] }, NEXT],
      bot: {
        greeting: "",
        tools: ({ callId }) => [
          tool((args) => {
            seen.push(callId, args);
            return { from: 9 };
          }),
        ],
      },
    });
    say("When are you open?");
    await happened("bot");
    expect(seen).toEqual([call.id, { what: "hours" }]);
    expect(openai.requests[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: '{"from":9}' });
    expect(openai.requests[0]?.tools).toMatchObject([
      { function: { name: "end_call" } },
      { function: { name: "collect_digits" } },
      { function: { name: "look_up" } },
    ]);
  });

  it.concurrent("are given up when the caller goes on while one of them runs, though the bot is silent by then", async () => {
    const reasons: unknown[] = [];
    const { say, happened, openai, hangUp } = await talk({
      utterances: ["When are you open?", "Never mind, two calzones please."],
      replies: [{ text: "Let me look.", toolCalls: [{ name: "look_up" }] }, NEXT],
      bot: {
        greeting: "",
        tools: [
          tool((_args, { signal }) => {
            signal.addEventListener("abort", () => reasons.push(signal.reason));
            return new Promise(() => {});
          }),
        ],
      },
    });
    say("When are you open?");
    await happened("bot");
    say("Never mind, two calzones please.");
    await happened("user", 2);
    await happened("bot", 2);
    expect(reasons).toHaveLength(1);
    expect(openai.requests.at(-1)?.messages.at(-1)).toEqual({
      role: "user",
      content: "Never mind, two calzones please.",
    });
    (await hangUp()).whole(NEXT);
  });
});

describe("what is known of a conversation", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  it.concurrent("is in the log, the summary and the metrics", async () => {
    const { say, happened, hangUp, opened, call } = await talk({
      utterances: ["Which pizzas are there?"],
      replies: [NEXT],
      bot: { greeting: "" },
    });
    say("Which pizzas are there?");
    const { figures } = await happened("turn");
    const { answerMs, sttMs = 0, llmMs = 0, ttsMs = 0, playoutMs = 0 } = figures;
    expect(sttMs + llmMs + ttsMs + playoutMs).toBeCloseTo(answerMs, 3);
    await happened("bot");
    await hangUp();
    expect(await opened.log.line("bot report", call.id)).toMatchObject({
      report: "turn",
      answerMs: Math.round(answerMs),
    });
    const { reports } = await opened.log.line("call ended", call.id);
    expect(reports).toMatchObject({ turn: { count: 1, answerMs: { p50: Math.round(answerMs) } } });
    const text = await scrape(opened.urls);
    expect(text).toMatch(/^wavix_bot_duration_seconds_count\{report="turn",figure="answer"\} 1$/m);
    expect(text).toMatch(/^wavix_bot_events_total\{event="turns"\} 1$/m);
    expect(text).toMatch(/^wavix_bot_events_total\{event="stt_turns"\} 1$/m);
  });
});

describe("twenty calls at once", { timeout: 20_000 }, () => {
  const talk = voiceCalls();
  it.concurrent("are twenty conversations", async () => {
    const first = await talk({
      utterances: () => "Which pizzas are there?",
      replies: ({ messages }) => (messages.at(-1)?.content === "Which pizzas are there?" ? NEXT : "No."),
    });
    const others = await Promise.all(Array.from({ length: 19 }, () => first.ring()));
    const calls = [first, ...others];
    await Promise.all(calls.map(({ happened }) => happened("bot")));
    for (const { say } of calls) say("Which pizzas are there?");
    await Promise.all(calls.map(({ happened }) => happened("bot", 2)));
    const overs = await Promise.all(calls.map(({ hangUp }) => hangUp()));
    for (const { whole } of overs) whole(NEXT, whole(GREETING).endMs ?? 0);
    expect(first.openai.requests).toHaveLength(20);
    expect(first.bot.counters).toMatchObject({ turns: 20, troubles: 0, interruptions: 0 });
  });
});

describe("a caller who says nothing", () => {
  const talk = voiceCalls();

  it.concurrent("is hung up when nobody has spoken for long, and not while the bot does", async () => {
    const long = "This greeting takes longer than the time after which a call in which nobody speaks is over.";
    const { over } = await talk({ bot: { greeting: long, idleMs: 1_000 } });
    const { end, whole, heard } = await over;
    expect(end).toMatchObject({ endedBy: "bot", reason: "idle" });
    whole(long);
    // The recording ends with the call: a second later than the greeting.
    const quietMs = (heard.length - heard.findLastIndex((sample) => sample !== 0)) / 24;
    expect(quietMs).toBeGreaterThan(900);
  });
});
