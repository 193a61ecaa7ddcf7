import { describe, expect, it } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { OutputAudioRawFrame } from "../../../src/pipecat/index.ts";
import type { CartesiaContextFault, OpenAIReply } from "../../../src/simulator/services/index.ts";
import { standInSpeech } from "../../../src/simulator/services/index.ts";
import { APOLOGIES, BOT_VOICE, type OverCall, type TalkOptions, voiceCalls } from "../../support/voice-call.ts";

const ANSWER = "There is funghi. And there is calzone, which takes a little longer.";
const NEXT = "One margherita coming up.";
const QUESTION = "Which pizzas are there?";
const SECOND = "A plain one please.";

/** The conversation was over, and the caller was told so before the call was hung up. */
function expectFailed({ end, report }: OverCall, message: RegExp): void {
  expect(end).toMatchObject({ endedBy: "bot", reason: "bot-failed", error: { code: "SERVICE_FAILED" } });
  expect((end.error as Error).message).toMatch(message);
  expect(report).toMatchObject({ hungUpOverRest: true, playout: { unheardMs: 0 } });
}

describe("OpenAI", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  const many = (reply: OpenAIReply, count: number): OpenAIReply[] => Array.from({ length: count }, () => reply);
  const limits = { openai: { firstTokenTimeoutMs: 1_500 } };

  it.concurrent.for<[string, OpenAIReply]>([
    ["refuses once for too many requests", { status: 429 }],
    ["asks for a moment's patience", { status: 429, retryAfter: 0.05 }],
    ["fails once", { status: 500 }],
    ["closes before the first word", { text: ANSWER, closeAfterTokens: 0 }],
  ])("%s: the caller is answered and knows nothing of it", async ([, fault]) => {
    const { say, happened, hangUp, bot } = await talk({
      utterances: [QUESTION],
      replies: [fault, ANSWER],
      bot: { greeting: "" },
    });
    say(QUESTION);
    await happened("bot");
    (await hangUp()).whole(ANSWER);
    expect(bot.counters).toMatchObject({ troubles: 0, llm_retries: 1 });
  });

  it.concurrent.for<[string, OpenAIReply[], RegExp, number]>([
    ["refuses again and again for too many requests", many({ status: 429 }, 3), /rate limit.*429/, 0],
    ["asks for a patience that no caller has", [{ status: 429, retryAfter: 30 }], /rate limit/, 0],
    ["has no credit any more", [{ status: 429, errorCode: "insufficient_quota" }], /quota/, 0],
    ["fails again and again", many({ status: 503 }, 3), /OpenAI failed.*503/, 0],
    ["never answers", [{ stall: true }], /no answer within/, 0],
    ["stands still in its answer", [{ text: ANSWER, stallAfterTokens: 6 }], /stood still/, 3],
    ["closes in its answer", [{ text: ANSWER, closeAfterTokens: 6 }], /connection|answer/, 3],
    ["ends without an end", [{ text: ANSWER, endAfterTokens: 6 }], /answer/, 3],
    ["answers what nobody can read", [{ text: ANSWER, malformedAfterTokens: 6 }], /malformed/, 3],
    ["fails in its answer", [{ text: ANSWER, errorAfterTokens: 6 }], /while it answered/, 3],
  ])("%s: the caller hears an apology, and the call goes on", async ([, faults, message, heardWords]) => {
    const scene = await talk({
      utterances: [QUESTION, SECOND],
      replies: [...faults, NEXT],
      bot: { greeting: "", ...limits },
    });
    const { say, happened, hangUp, openai, hears, heardOut, bot } = scene;
    say(QUESTION);
    expect(await happened("trouble")).toMatchObject({ message: expect.stringMatching(message), fatal: false });
    await hears();
    await heardOut();
    say(SECOND);
    await happened("bot", heardWords === 0 ? 1 : 2);
    const { of, whole, end } = await hangUp();
    const answer = of(ANSWER);
    expect(answer.words.length).toBeGreaterThanOrEqual(heardWords);
    expect(answer.isWhole).toBe(false);
    const apology = whole(APOLOGIES.again, answer.endMs ?? 0);
    whole(NEXT, apology.endMs ?? 0);
    expect(end.endedBy).toBe("caller");
    // The model is not told of apologies; of a broken answer, what was heard.
    const told = openai.requests.at(-1)?.messages.slice(1) ?? [];
    expect(told.map(({ role }) => role)).toEqual(heardWords === 0 ? ["user"] : ["user", "assistant", "user"]);
    if (heardWords === 0) expect(told[0]?.content).toBe(`${QUESTION} ${SECOND}`);
    else expect(told[1]?.content).toBe(answer.words.join(" "));
    expect(bot.counters).toMatchObject({ troubles: 1, apologies: 1, turns: 2 });
  });

  it.concurrent("refuses the key: the caller is told that this is the end", async () => {
    const { say, over, happened } = await talk({
      utterances: [QUESTION],
      bot: { greeting: "One." },
      openai: { apiKey: "another" },
      hasProblems: true,
    });
    await happened("bot");
    say(QUESTION);
    const ended = await over;
    expectFailed(ended, /OPENAI_API_KEY/);
    ended.whole(APOLOGIES.goodbye);
  });

  it.concurrent("fails in every turn: the third is the last", async () => {
    const { say, over, happened, hears, heardOut } = await talk({
      utterances: [QUESTION, SECOND, SECOND, SECOND, SECOND],
      replies: [{ status: 400 }],
      bot: { greeting: "One." },
    });
    await happened("bot");
    for (const turn of [1, 2, 3]) {
      say(QUESTION);
      expect(await happened("trouble", turn)).toMatchObject({ fatal: turn === 3 });
      if (turn === 3) break;
      await hears();
      await heardOut();
    }
    const ended = await over;
    expectFailed(ended, /OpenAI refused the request/);
    const again = ended.whole(APOLOGIES.again);
    ended.whole(APOLOGIES.again, again.endMs ?? 0);
    ended.whole(APOLOGIES.goodbye);
  });

  it.concurrent("is not to be reached: the caller hears an apology", async () => {
    const { say, openai, happened, hears, heardOut, hangUp } = await talk({
      utterances: [QUESTION],
      bot: { greeting: "", ...limits },
    });
    await openai.close();
    say(QUESTION);
    expect((await happened("trouble")).message).toMatch(/connection to OpenAI failed \(ECONN/);
    await hears();
    await heardOut();
    (await hangUp()).whole(APOLOGIES.again);
  });
});

describe("Cartesia", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  const only = (fault: CartesiaContextFault) => (transcript: string) =>
    transcript.startsWith("There") ? fault : undefined;

  it.concurrent.for<[string, CartesiaContextFault, RegExp, number]>([
    ["says an error in mid-word", { errorAfterMs: 350 }, /does not say it/, 2],
    ["falls silent in mid-word", { stallAfterMs: 350 }, /no audio/, 2],
    ["is silent from the beginning", { isSilent: true }, /no audio/, 0],
  ])("%s: the kept apology is heard, and the call goes on", async ([, fault, message, heardWords]) => {
    const { say, happened, hangUp, hears, heardOut, openai, bot } = await talk({
      utterances: [QUESTION, SECOND],
      replies: [ANSWER, NEXT],
      cartesia: { contexts: only(fault) },
      bot: { greeting: "One.", cartesia: { audioTimeoutMs: 300 } },
    });
    await happened("bot");
    say(QUESTION);
    expect(await happened("trouble")).toMatchObject({ message: expect.stringMatching(message), fatal: false });
    await hears();
    await heardOut();
    say(SECOND);
    await happened("bot", heardWords === 0 ? 2 : 3);
    const { of, whole, end } = await hangUp();
    const answer = of(ANSWER);
    expect(answer).toMatchObject({ isWhole: false });
    expect(answer.words).toHaveLength(heardWords);
    const apology = whole(APOLOGIES.again, answer.endMs ?? 0);
    whole(NEXT, apology.endMs ?? 0);
    expect(end.endedBy).toBe("caller");
    const told = openai.requests.at(-1)?.messages.slice(2) ?? [];
    expect(told.map(({ content }) => content)).toEqual(
      heardWords === 0 ? [`${QUESTION} ${SECOND}`] : [QUESTION, answer.words.join(" "), SECOND],
    );
    expect(bot.counters).toMatchObject({ troubles: 1, apologies: 1 });
  });

  it.concurrent.for<[string, CartesiaContextFault]>([
    ["closes", { closeAfterMs: 350, closeCode: 1011 }],
    ["is cut off", { closeAfterMs: 350 }],
  ])("%s in mid-word: the answer goes on", async ([, fault]) => {
    let isFirst = true;
    const { say, happened, hangUp, bot } = await talk({
      utterances: [QUESTION],
      replies: [ANSWER],
      cartesia: {
        contexts: (transcript) => {
          const struck = isFirst && transcript.startsWith("There");
          if (struck) isFirst = false;
          return struck ? fault : undefined;
        },
      },
      bot: { greeting: "" },
    });
    say(QUESTION);
    expect(await happened("bot")).toEqual({ type: "bot", text: ANSWER, interrupted: false });
    (await hangUp()).whole(ANSWER);
    expect(bot.counters).toMatchObject({ troubles: 0, tts_reconnects: 1, tts_resumed: 1 });
  });

  it.concurrent("refuses the key: without a voice there is a recording", async () => {
    const { over } = await talk({ cartesia: { apiKey: "another" } });
    const ended = await over;
    expectFailed(ended, /CARTESIA_API_KEY/);
    expect(ended.report.playout.playedMs).toBeGreaterThan(1_500);
    expect(ended.heard.some((sample) => Math.abs(sample) > 3_000)).toBe(true);
  });

  it.concurrent("is not to be reached any more: what was spoken ahead of time is at hand", async () => {
    const { happened, hangUp, cartesia, ring } = await talk({
      bot: { greeting: "One.", cartesia: { maxAttempts: 2 } },
    });
    await happened("bot");
    await cartesia.request(({ transcript }) => transcript === APOLOGIES.again);
    await hangUp();
    await cartesia.close();
    const ended = await (await ring()).over;
    expectFailed(ended, /no connection to Cartesia after 3 attempts \(ECONNREFUSED\)/);
    ended.whole(APOLOGIES.goodbye);
  });

  it.concurrent("is not asked for the apologies again because a caller hung up meanwhile", async () => {
    const { hangUp, ring, cartesia } = await talk({ cartesia: { firstChunkMs: 200 }, bot: { greeting: "" } });
    await cartesia.request(({ transcript }) => transcript === APOLOGIES.goodbye);
    await hangUp();
    const second = await ring();
    await cartesia.request(({ transcript }) => transcript === APOLOGIES.again);
    await second.hangUp();
  });
});

describe("Deepgram", { timeout: 15_000 }, () => {
  const talk = voiceCalls();
  it.concurrent("refuses the key: the caller is told that this is the end", async () => {
    const { over, happened } = await talk({ deepgram: { apiKey: "another" }, hasProblems: true });
    expect(await happened("trouble")).toMatchObject({ fatal: true });
    expectFailed(await over, /DEEPGRAM_API_KEY/);
  });

  it.concurrent.for<[string, TalkOptions["deepgram"] & object]>([
    ["cannot be reached", { faults: [{ kind: "refuse", attempt: "every" }] }],
    ["does not answer the upgrade", { faults: [{ kind: "hang", attempt: "every" }] }],
    ["has too much to do", { faults: [{ kind: "status", status: 503, attempt: "every" }] }],
    ["never says a word", { faults: [{ kind: "mute", afterMs: 0, attempt: "every" }] }],
  ])("%s, however often it is tried: the call ends with an apology", async ([, deepgram]) => {
    const { over, events } = await talk({
      deepgram,
      bot: {
        greeting: "One.",
        deepgram: { maxReconnects: 2, reconnectDelayMs: 10, connectTimeoutMs: 100, answerTimeoutMs: 200 },
      },
    });
    const ended = await over;
    expectFailed(ended, /no speech to text from Deepgram after 3 attempts/);
    expect(events.filter(({ type }) => type === "trouble")).toHaveLength(1);
  });

  it.concurrent.for<[string, TalkOptions["deepgram"] & object, string, { answerTimeoutMs: number }?]>([
    [
      "cannot be reached at first",
      {
        faults: [
          { kind: "refuse", attempt: 0 },
          { kind: "status", status: 503, attempt: 1 },
        ],
      },
      "flux-general-en",
    ],
    ["closes in mid-turn", { faults: [{ kind: "close", afterMs: 700, code: 1011, attempt: 0 }] }, "flux-general-en"],
    ["is cut off in mid-turn", { faults: [{ kind: "cut", afterMs: 700, attempt: 0 }] }, "flux-general-en"],
    ["is cut off in mid-turn (nova)", { faults: [{ kind: "cut", afterMs: 700, attempt: 0 }] }, "nova-3"],
    [
      "falls silent in mid-turn",
      { faults: [{ kind: "mute", afterMs: 700, attempt: 0 }] },
      "flux-general-en",
      { answerTimeoutMs: 1_000 },
    ],
  ])("%s: nothing of the turn is lost", async ([, deepgram, model, more]) => {
    const said = "A large calzone and two small salads please.";
    const { happened, openai, hangUp, bot } = await talk({
      utterances: [said],
      replies: [NEXT],
      deepgram,
      bot: {
        greeting: "",
        deepgram: { model, ...more, ...(model === "nova-3" ? { endpointingMs: 150 } : {}) },
      },
      call: {
        callerAudio: standInSpeech(said, 24_000, { wordMs: 80, pauseMs: 20, sentencePauseMs: 20 }).pcm,
        speakAfterMs: 300,
      },
    });
    expect(await happened("user")).toEqual({ type: "user", text: said });
    await happened("bot");
    expect(openai.requests.at(-1)?.messages.slice(1)).toEqual([{ role: "user", content: said }]);
    (await hangUp()).whole(NEXT);
    expect(bot.counters).toMatchObject({ troubles: 0, turns: 1, stt_dropped_audio_ms: 0 });
  });

  it.concurrent("goes for good in the middle of an answer: that is heard, then the apology", async () => {
    const { say, hears, happened, over, deepgram } = await talk({
      utterances: [QUESTION],
      replies: [ANSWER],
      bot: { greeting: "One.", deepgram: { maxReconnects: 1, reconnectDelayMs: 10 } },
    });
    await happened("bot");
    say(QUESTION);
    await hears();
    await deepgram.close();
    const ended = await over;
    expectFailed(ended, /no speech to text from Deepgram after 2 attempts/);
    ended.whole(APOLOGIES.goodbye, ended.of(ANSWER).endMs ?? 0);
  });

  it.concurrent("goes for good in the middle of a long answer: its rest is not heard by a caller whom nobody hears", async () => {
    const long = Array.from({ length: 60 }, (_, i) => `Word${i}`).join(" ");
    const { say, hears, happened, over, deepgram } = await talk({
      utterances: [QUESTION],
      replies: [`${long}.`],
      bot: { greeting: "One.", deepgram: { maxReconnects: 1, reconnectDelayMs: 10 } },
      cartesia: { speed: 40 },
    });
    await happened("bot");
    say(QUESTION);
    await hears();
    await deepgram.close();
    const ended = await over;
    expectFailed(ended, /no speech to text from Deepgram after 2 attempts/);
    const answer = ended.of(`${long}.`);
    expect(answer.isWhole).toBe(false);
    ended.whole(APOLOGIES.goodbye, answer.endMs ?? 0);
  });

  it.concurrent("has a fallback bot take over", async () => {
    const WORDS = "Please hold the line.";
    const fallbackBot: Bot = async (call) => {
      await call.send(
        new OutputAudioRawFrame({ audio: standInSpeech(WORDS, 24_000, BOT_VOICE).pcm, sampleRate: 24_000 }),
      );
    };
    const { over, opened } = await talk({
      deepgram: { apiKey: "another" },
      server: { fallbackBot },
      hasProblems: true,
    });
    const ended = await over;
    ended.whole(WORDS);
    expect(ended.end).toMatchObject({ reason: "bot-failed", error: { code: "SERVICE_FAILED" } });
    expect(await opened.log.line("call ended")).toMatchObject({ error: { code: "SERVICE_FAILED" } });
  });
});
