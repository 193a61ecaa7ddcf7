import { describe, expect } from "vitest";
import type { Bot } from "../../../src/call/index.ts";
import { OutputAudioRawFrame, type Tool } from "../../../src/pipecat/index.ts";
import { standInSpeech } from "../../../src/simulator/services/index.ts";
import { House, it } from "../../support/open-server.ts";
import { realtimeCall, type Scene, textsOf, until, WIRE_RATE } from "./realtime-scene.ts";

const GREETING = "Hello there.";
const LONG =
  "The first train leaves at seven, the second train leaves at nine, and the last one of the day leaves at eleven in the evening.";

async function over({ call, openai }: Scene): Promise<void> {
  call.hangUp();
  await call.ended;
  await openai.close();
}

describe("a call of the speech-to-speech bot", () => {
  it("greets, answers two turns, and measures them", async ({ open }) => {
    const scene = await realtimeCall(open, {
      standIn: {
        replies: [GREETING, "It is noon.", "You are welcome."],
        utterances: ["What time is it?", "Thank you."],
      },
    });
    const { openai, events } = scene;
    await scene.event("bot");
    scene.say("What time is it?");
    await scene.event("bot", 2);
    scene.say("Thank you.");
    await scene.event("bot", 3);
    await scene.event("turn", 2);
    expect(textsOf(events)).toEqual([
      `bot: ${GREETING}`,
      "user: What time is it?",
      "bot: It is noon.",
      "user: Thank you.",
      "bot: You are welcome.",
    ]);
    expect(openai.responses.map(({ cause }) => cause)).toEqual(["create", "turn", "turn"]);
    expect(openai.responses[0]?.params.instructions).toContain("Hello! How can I help you?");
    for (const event of events) {
      if (event.type !== "turn") continue;
      const { answerMs, sttMs = 0, llmMs = 0, playoutMs = 0 } = event.figures;
      expect(answerMs).toBeCloseTo(sttMs + llmMs + playoutMs, 3);
      // The silence the service waits for is in it.
      expect(sttMs).toBeGreaterThan(150);
    }
    const [connection] = openai.connections;
    expect(connection?.session).toMatchObject({
      audio: {
        input: { format: { type: "audio/pcm", rate: 24_000 }, turn_detection: { silence_duration_ms: 200 } },
        output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "marin" },
      },
    });
    expect(openai.problems).toEqual([]);
    expect(openai.truncations).toEqual([]);
    await over(scene);
    const { heard } = (await scene.call.ended).recording ?? { heard: new Int16Array() };
    // Without resampling, the caller hears the samples the service sent.
    const spoken = standInSpeech(GREETING, WIRE_RATE).pcm.filter((sample) => sample !== 0);
    // Where this machine was held up there is silence between them.
    expect(heard.filter((sample) => sample !== 0).subarray(0, spoken.length)).toEqual(spoken);
    expect((await scene.call.ended).received.clears).toBe(0);
  });

  it("falls silent in mid-word, and the model remembers what was heard", async ({ open }) => {
    const scene = await realtimeCall(open, {
      standIn: { replies: [LONG, "Yes?"], utterances: ["Wait."] },
    });
    const { openai, ear, events } = scene;
    const startMs = await ear.sound();
    await until(() => (ear.lastSoundMs ?? 0) > startMs + 700);
    scene.say("Wait wait.");
    await scene.event("interruption");
    const silentFromMs = (await ear.silence(150)) as number;
    await scene.event("bot", 2);
    await until(() => openai.truncations.length > 0);
    const [cut] = events.filter((event) => event.type === "bot");
    expect(cut).toMatchObject({ interrupted: true });
    expect(LONG.startsWith((cut as { text: string }).text)).toBe(true);
    expect((cut as { text: string }).text.split(" ").length).toBeGreaterThan(1);
    const [truncation] = openai.truncations;
    expect(truncation).toMatchObject({ itemId: openai.responses[0]?.itemId, refused: false });
    const audioEndMs = truncation?.audioEndMs ?? 0;
    // The ear hears no silence between words: what it has heard last is the last sound before the cut.
    expect(audioEndMs).toBeLessThan(openai.responses[0]?.audioMs ?? 0);
    expect(openai.truncations).toHaveLength(1);
    expect(openai.responses.map(({ text }) => text)).toEqual([LONG, "Yes?"]);
    expect(openai.problems).toEqual([]);
    await over(scene);
    const report = await scene.call.ended;
    const { recording, received } = report;
    expect(received.clears).toBe(1);
    // To the sample: how much of the first answer is in the caller's ear.
    const spoken = standInSpeech(LONG, WIRE_RATE).pcm;
    const heard = recording?.heard ?? new Int16Array();
    const from = heard.findIndex((sample) => sample !== 0) - spoken.findIndex((sample) => sample !== 0);
    let same = 0;
    // Silence that was not spoken: this machine stood still.
    let added = 0;
    for (let at = from; same < spoken.length && at < heard.length; at++) {
      if (heard[at] === spoken[same]) same++;
      else if (heard[at] === 0) added++;
      else break;
    }
    expect(Math.abs(same / 24 - audioEndMs)).toBeLessThanOrEqual(60);
    // Behind the end it is all silence, up to the next answer.
    const gapsMs = Math.min(added / 24, report.sent.lateness.maxMs + 40);
    expect(silentFromMs - startMs).toBeLessThan(audioEndMs + 60 + gapsMs);
  });

  it("ends the call when the goodbye was heard", async ({ open }) => {
    const replies = [GREETING, { text: "Goodbye then.", toolCalls: [{ name: "end_call" }] }];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["Bye."] } });
    await scene.event("bot");
    scene.say("Bye.");
    const { endedBy, recording } = await scene.call.ended;
    expect(endedBy).toBe("rest");
    expect(textsOf(scene.events).at(-1)).toBe("bot: Goodbye then.");
    expect(recording?.heard.length).toBeGreaterThan(0);
    expect(scene.openai.problems).toEqual([]);
    await scene.openai.close();
  });

  it("says the goodbye that the model only wrote into the call of the tool", async ({ open }) => {
    const end = { toolCalls: [{ name: "end_call", arguments: { goodbye: "See you soon." } }] };
    const scene = await realtimeCall(open, {
      standIn: { replies: [GREETING, end, "See you soon."], utterances: ["Bye."] },
    });
    await scene.event("bot");
    scene.say("Bye.");
    expect((await scene.call.ended).endedBy).toBe("rest");
    expect(scene.openai.responses[2]?.params.instructions).toContain("See you soon.");
    expect(textsOf(scene.events).at(-1)).toBe("bot: See you soon.");
    await scene.openai.close();
  });

  it("runs tools and has the model go on with what they return", async ({ open }) => {
    const hours: Tool = {
      name: "opening_hours",
      description: "When the shop is open.",
      parameters: { type: "object", properties: { day: { type: "string" } } },
      run: (args) => ({ opens: "nine", day: (args as { day: string }).day }),
    };
    const ask = { toolCalls: [{ name: "opening_hours", arguments: { day: "Monday" }, id: "call_7" }] };
    const replies = [GREETING, ask, "At nine."];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["When?"] }, bot: { tools: [hours] } });
    await scene.event("bot");
    scene.say("When?");
    await scene.event("bot", 2);
    expect(textsOf(scene.events).at(-1)).toBe("bot: At nine.");
    const output = scene.openai.responses[2]?.items.find(({ type }) => type === "function_call_output");
    expect(output).toMatchObject({ call_id: "call_7", output: '{"opens":"nine","day":"Monday"}' });
    expect(scene.openai.problems).toEqual([]);
    await over(scene);
  });

  it("forgets what the caller has not heard at all", async ({ open }) => {
    const look: Tool = { name: "look", description: "Looks.", parameters: { type: "object" }, run: () => "seen" };
    const replies = [{ text: LONG, toolCalls: [{ name: "look" }] }, "Nobody hears this.", "Yes?"];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["Wait."] }, bot: { tools: [look] } });
    const { openai } = scene;
    await until(() => openai.responses[1]?.status === "completed");
    scene.say("Wait.");
    await scene.event("bot", 2);
    expect(openai.truncations).toMatchObject([{ itemId: openai.responses[0]?.itemId, refused: false }]);
    const items = openai.responses[2]?.items ?? [];
    expect(items.map(({ id }) => id)).toContain(openai.responses[0]?.itemId);
    expect(items.map(({ id }) => id)).not.toContain(openai.responses[1]?.itemId);
    expect(textsOf(scene.events)).not.toContain("bot: Nobody hears this.");
    expect(openai.problems).toEqual([]);
    await over(scene);
  });

  it("keeps the call of a caller who speaks into the goodbye", async ({ open }) => {
    const replies = [LONG, "Bye then."].map((text) => ({ text, toolCalls: [{ name: "end_call" }] }));
    replies.splice(1, 0, { text: "Yes?", toolCalls: [] });
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["One more.", "Bye."] } });
    await until(() => scene.openai.responses[0]?.status === "completed");
    scene.say("One more.");
    await scene.event("bot", 2);
    expect(textsOf(scene.events).at(-1)).toBe("bot: Yes?");
    expect(scene.call.state).toBe("answered");
    scene.say("Bye.");
    expect((await scene.call.ended).endedBy).toBe("rest");
    // It was the second goodbye that has ended it.
    expect(scene.openai.responses).toHaveLength(3);
    await scene.openai.close();
  });

  it("collects digits on the keypad", async ({ open }) => {
    const ask = { text: "Type it.", toolCalls: [{ name: "collect_digits", arguments: { max_digits: 4 } }] };
    const replies = [GREETING, ask, "Thank you."];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["Order."] }, place: { digits: "1234" } });
    await scene.event("bot");
    scene.say("Order.");
    await scene.event("bot", 3);
    const output = scene.openai.responses[2]?.items.find(({ type }) => type === "function_call_output");
    expect(output).toMatchObject({ output: '{"digits":"1234"}' });
    await over(scene);
  });

  it("hears the caller who speaks before there is a session, at a rate of 8 kHz too", async ({ open }) => {
    const scene = await realtimeCall(open, {
      standIn: { replies: ["I am here."], utterances: ["Hello?"] },
      bot: { greeting: "" },
      server: { sampleRate: 8_000 },
      place: { callerAudio: standInSpeech("Hello hello.", WIRE_RATE).pcm },
    });
    await scene.event("bot");
    expect(textsOf(scene.events)).toEqual(["user: Hello?", "bot: I am here."]);
    expect(scene.openai.heard[0]?.durationMs).toBeGreaterThan(350);
    await over(scene);
  });
});

describe("a service that fails", () => {
  it("has the caller told, and the call taken over, when the key is wrong", async ({ open }) => {
    const tone = new OutputAudioRawFrame({ audio: new Int16Array(2_400).fill(5_000), sampleRate: 24_000 });
    let fallbackCalls = 0;
    const fallbackBot: Bot = async (call) => {
      fallbackCalls++;
      await call.send(tone);
      await call.hangUp("taken-over");
    };
    const scene = await realtimeCall(open, { standIn: { apiKey: "another" }, server: { fallbackBot } });
    const trouble = await scene.event("trouble");
    expect(trouble).toMatchObject({ fatal: true, message: "OpenAI refused the session (invalid_api_key)" });
    const { recording } = await scene.call.ended;
    expect(fallbackCalls).toBe(1);
    // The recording of 2 s, and the tone.
    expect(recording?.heard.filter((sample) => Math.abs(sample) > 500).length).toBeGreaterThan(10_000);
    expect(scene.openai.upgradeCount).toBe(1);
    await scene.openai.close();
  });

  it("gives up when no session can be had, and not before it has tried", async ({ open }) => {
    const scene = await realtimeCall(open, {
      standIn: { upgrades: [503, "cut", "hang"] },
      bot: { connectTimeoutMs: 300 },
    });
    const trouble = await scene.event("trouble", 3);
    expect(trouble).toMatchObject({ fatal: true, message: "OpenAI gave no session within 300 ms" });
    await scene.call.ended;
    expect(scene.openai.upgradeCount).toBe(3);
    await scene.openai.close();
  });

  it("is asked again after a refused upgrade", async ({ open }) => {
    const scene = await realtimeCall(open, { standIn: { replies: [GREETING], upgrades: [503, "accept"] } });
    await scene.event("bot");
    expect(textsOf(scene.events)).toEqual([`bot: ${GREETING}`]);
    expect(scene.events[0]).toMatchObject({ type: "trouble", fatal: false });
    await over(scene);
  });

  it("goes on in a new session when the old one is cut in mid-answer", async ({ open }) => {
    const replies = [GREETING, { text: "It is a quarter past twelve.", closeAtMs: 600 }, "past twelve."];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["What time is it?"] } });
    await scene.event("bot");
    scene.say("What time is it?");
    await scene.event("bot", 3);
    const { openai } = scene;
    expect(openai.connections).toHaveLength(2);
    const [, , last] = openai.responses;
    expect(last).toMatchObject({ connection: 1, cause: "create" });
    // Of the answer that was cut: what came of its audio, not all that came of its text.
    const [{ text } = { text: "" }] = (last?.items[2]?.content ?? []) as { text: string }[];
    expect(text).not.toBe("");
    expect("It is a quarter".startsWith(text)).toBe(true);
    expect(scene.events.filter(({ type }) => type === "bot")[1]).toMatchObject({ text, interrupted: true });
    expect(last?.params.instructions).toContain("The line broke");
    expect(last?.items.slice(0, 2)).toMatchObject([
      { role: "assistant", content: [{ type: "output_text", text: GREETING }] },
      { role: "user", content: [{ type: "input_text", text: "What time is it?" }] },
    ]);
    expect(openai.problems).toEqual([]);
    await over(scene);
  });

  it("carries the conversation over when a session has expired", async ({ open }) => {
    const replies = [GREETING, { text: "It is noon.", expireAtMs: 100 }, "noon."];
    const scene = await realtimeCall(open, { standIn: { replies, utterances: ["What time is it?"] } });
    await scene.event("bot");
    scene.say("What time is it?");
    await scene.event("bot", 2);
    // Of the cut answer not one whole word came.
    expect(textsOf(scene.events)).toEqual([`bot: ${GREETING}`, "user: What time is it?", "bot: noon."]);
    expect(scene.openai.connections).toHaveLength(2);
    expect(scene.events.filter(({ type }) => type === "trouble")).toEqual([]);
    await over(scene);
  });

  it("is asked anew when it falls silent", async ({ open }) => {
    const replies = [GREETING, { text: "Never said.", stallAtMs: 0 }, "At nine."];
    const scene = await realtimeCall(open, {
      standIn: { replies, utterances: ["When?"] },
      bot: { answerTimeoutMs: 1_500 },
    });
    await scene.event("bot");
    scene.say("When?");
    expect(await scene.event("trouble")).toMatchObject({ message: "OpenAI did not answer for 1500 ms", fatal: false });
    await scene.event("bot", 2);
    expect(textsOf(scene.events).at(-1)).toBe("bot: At nine.");
    await over(scene);
  });

  it("has the caller hear an apology for an answer that failed, and ends after three", async ({ open }) => {
    const failed = { status: "failed" } as const;
    const scene = await realtimeCall(open, {
      standIn: { replies: [GREETING, failed, failed, failed], utterances: ["One.", "Two.", "Three."] },
    });
    await scene.event("bot");
    for (const [index, text] of ["One.", "Two.", "Three."].entries()) {
      scene.say(text);
      const trouble = await scene.event("trouble", index + 1);
      expect(trouble).toMatchObject({ message: "OpenAI failed to answer (server_error)", fatal: index === 2 });
      if (index < 2) await scene.ear.sound();
      if (index < 2) await scene.ear.silence(400);
    }
    const { endedBy } = await scene.call.ended;
    expect(endedBy).toBe("rest");
    expect(scene.bot.counters).toMatchObject({ troubles: 3, realtime_responses_failed: 3 });
    await scene.openai.close();
  });

  it("is borne with when it says what nobody understands", async ({ open }) => {
    const odd = [
      "not JSON",
      "[]",
      '{"type":"x.y"}',
      '{"type":"response.output_audio.delta","delta":5}',
      '{"type":"error"}',
    ];
    const scene = await realtimeCall(open, { standIn: { replies: [{ text: GREETING, insert: odd }] } });
    await scene.event("bot");
    expect(textsOf(scene.events)).toEqual([`bot: ${GREETING}`]);
    expect(scene.bot.counters).toMatchObject({ realtime_malformed_messages: 3, realtime_errors: 1, troubles: 0 });
    await over(scene);
  });
});

describe("a listener of the speech-to-speech bot", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("mine"))],
  ])("that %s takes nobody down but its own call", async (_, onEvent) => {
    // By hand: the failed call stands in the log, with the stack of this file.
    const house = new House();
    try {
      const { call, openai, opened } = await realtimeCall((options) => house.open(options), {
        standIn: { replies: [GREETING] },
        bot: { onEvent },
      });
      const report = await call.ended;
      expect(report).toMatchObject({ endedBy: "rest", hungUpOverRest: true });
      expect(await opened.log.line("call ended", call.id)).toMatchObject({
        reason: "bot-failed",
        error: { message: "mine" },
      });
      await openai.close();
    } finally {
      await house.close();
    }
  });
});
