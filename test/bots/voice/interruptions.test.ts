import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { voiceCalls } from "../../support/voice-call.ts";

// No word of one is in another: a word of an answer that was cut off must not be found in the next.
const GREETING = "Hello dear caller, this is the little shop by the harbour, how may somebody help you today?";
const FIRST = "Monday we open at nine. Tuesday nobody works here. Wednesday brings fresh fish.";
const SECOND = "Thursday has long evenings. Friday ends with music. Sunday, closed.";
const LAST = "Understood.";

describe("interruptions", { timeout: 20_000 }, () => {
  const talk = voiceCalls();

  it.concurrent.for<[string, Parameters<typeof talk>[0]]>([
    ["of services that are quick", {}],
    ["while the model still writes", { openai: { tokenMs: 60 } }],
    ["while the voice still speaks", { cartesia: { speed: 1.4 } }],
    [
      "of a voice that loses its connection",
      { cartesia: { contexts: (text) => (text.startsWith("Monday") ? { closeAfterMs: 600 } : undefined) } },
    ],
  ])("%s: of the greeting, and of two answers in a row", async ([, options]) => {
    const { say, happened, hangUp, openai, hears, bot } = await talk({
      utterances: ["Stop it now.", "No please stop.", "And stop again.", "Thanks."],
      replies: [FIRST, SECOND, LAST],
      ...options,
      bot: { greeting: GREETING },
    });
    for (const [turn, text] of ["Stop it now.", "No please stop.", "And stop again."].entries()) {
      await hears();
      await sleep(900);
      say(text);
      await happened("bot", turn + 1);
      await happened("user", turn + 1);
    }
    await happened("bot", 4);
    const { of, whole } = await hangUp();
    const said = openai.requests.at(-1)?.messages.slice(1) ?? [];
    expect(said.map(({ role }) => role)).toEqual(["assistant", "user", "assistant", "user", "assistant", "user"]);
    let fromMs = 0;
    for (const [at, text] of [GREETING, FIRST, SECOND].entries()) {
      const heard = of(text, fromMs);
      const told = String(said[2 * at]?.content);
      expect(heard.isWhole).toBe(false);
      expect(text.startsWith(told)).toBe(true);
      expect(Math.abs(told.split(" ").length - heard.words.length)).toBeLessThanOrEqual(1);
      fromMs = heard.endMs ?? fromMs;
    }
    whole(LAST, fromMs);
    expect(bot.counters).toMatchObject({ interruptions: 3, turns: 3, troubles: 0 });
  });
});
