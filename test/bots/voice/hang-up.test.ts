import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Tool } from "../../../src/pipecat/index.ts";
import { type Talk, type TalkOptions, voiceCalls } from "../../support/voice-call.ts";

const ANSWER = "There is funghi. And there is calzone, which takes a little longer.";
const QUESTION = "Which pizzas are there?";

let lookups = 0;
let givenUp = 0;
const endless: Tool = {
  name: "look_up",
  description: "Looks for something that is not there.",
  parameters: { type: "object" },
  run: (_args, { signal }) =>
    new Promise(() => {
      lookups++;
      signal.addEventListener("abort", () => givenUp++);
    }),
};

/** What the bot is at, and how a call gets there. */
const STAGES: Record<string, TalkOptions & { reach?: (talk: Talk) => Promise<unknown> }> = {
  "nothing is connected yet": {},
  "the services do not let it in": {
    deepgram: { faults: [{ kind: "hang", attempt: "every" }] },
    cartesia: { upgrades: ["hang", "hang", "hang"] },
    reach: async ({ deepgram, cartesia }) => {
      while (deepgram.attempts === 0 || cartesia.upgradeCount < 2) await sleep(5);
    },
  },
  "connections are lost, and tried again": {
    deepgram: { faults: [{ kind: "refuse", attempt: "every" }] },
    bot: { deepgram: { reconnectDelayMs: 60_000 } },
    reach: async ({ bot }) => {
      while (bot.counters?.stt_connection_failures !== 1) await sleep(5);
    },
  },
  "the greeting is heard": { reach: ({ hears }) => hears() },
  "the caller speaks": {
    reach: async ({ say, deepgram }) => {
      say(QUESTION);
      while (!JSON.stringify(deepgram.connections[0]?.sent ?? []).includes("StartOfTurn")) await sleep(5);
    },
  },
  "an answer is prepared early": {
    deepgram: { certainMs: 4_000 },
    openai: { firstTokenMs: 10_000 },
    bot: { greeting: "" },
    reach: async ({ say, openai }) => {
      say(QUESTION);
      await openai.request(0);
    },
  },
  "the model thinks": {
    openai: { firstTokenMs: 10_000 },
    reach: async ({ say, happened }) => {
      say(QUESTION);
      await happened("user");
    },
  },
  "the model is asked once more": {
    replies: [{ status: 429, retryAfter: 5 }],
    reach: async ({ say, happened, openai }) => {
      say(QUESTION);
      await happened("user");
      await (await openai.request(0)).ended;
    },
  },
  "the model writes": {
    openai: { tokenMs: 300 },
    bot: { greeting: "" },
    reach: async ({ say, hears }) => {
      say(QUESTION);
      await hears();
    },
  },
  "the voice has begun": {
    cartesia: { speed: 1 },
    bot: { greeting: "" },
    reach: async ({ say, cartesia }) => {
      say(QUESTION);
      await cartesia.request(({ transcript }) => String(transcript).startsWith("There"));
    },
  },
  "the voice says nothing": {
    cartesia: { contexts: (transcript) => (transcript.startsWith("There") ? { isSilent: true } : undefined) },
    reach: async ({ say, cartesia }) => {
      say(QUESTION);
      await cartesia.request(({ transcript }) => String(transcript).startsWith("There"));
    },
  },
  "the answer is heard": {
    bot: { greeting: "" },
    reach: async ({ say, hears }) => {
      say(QUESTION);
      await hears();
    },
  },
  "a tool runs": {
    replies: [{ toolCalls: [{ name: "look_up" }] }],
    bot: { greeting: "", tools: [endless] },
    reach: async ({ say, openai }) => {
      say(QUESTION);
      await openai.request(0);
      while (lookups === 0) await sleep(5);
    },
  },
  "keys are collected": {
    replies: [{ toolCalls: [{ name: "collect_digits", arguments: { max_digits: 4 } }] }],
    reach: async ({ say, opened }) => {
      say(QUESTION);
      while (opened.simulator.requestCount("collect") === 0) await sleep(5);
    },
  },
  "it says goodbye": {
    replies: [{ text: ANSWER, toolCalls: [{ name: "end_call" }] }],
    bot: { greeting: "" },
    reach: async ({ say, hears, openai }) => {
      say(QUESTION);
      await hears();
      await (await openai.request(0)).ended;
    },
  },
  "it apologizes": {
    replies: [{ status: 400 }],
    bot: { greeting: "" },
    reach: async ({ say, hears }) => {
      say(QUESTION);
      await hears();
    },
  },
  "it has given up, and says so": {
    deepgram: { apiKey: "another" },
    hasProblems: true,
    reach: ({ happened }) => happened("trouble"),
  },
};

describe("a caller who hangs up when", { timeout: 15_000 }, () => {
  const talk = voiceCalls();

  it.concurrent.for(Object.entries(STAGES))("%s leaves nothing behind", async ([stage, { reach, ...options }]) => {
    const scene = await talk({ utterances: [QUESTION], replies: [ANSWER], ...options });
    await reach?.(scene);
    const { end, report } = await scene.hangUp();
    expect(end).toEqual({ endedBy: "caller", reason: "stop" });
    expect(report).toMatchObject({ endedBy: "caller", hungUpOverRest: false });
    // What is left in the process is looked at behind the last of these.
    const { troubles = 0 } = scene.bot.counters ?? {};
    expect(troubles).toBe(/apologizes|given up/.test(stage) ? 1 : 0);
    if (stage === "a tool runs") expect(givenUp).toBe(1);
    for (const { ended } of scene.openai.requests) expect(["aborted", "answered", "cut"]).toContain(await ended);
  });
});
