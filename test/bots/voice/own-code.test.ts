import { describe, expect, it, vi } from "vitest";
import { voiceBot } from "../../../src/bots/voice/index.ts";
import { createWavixTransport } from "../../../src/call/index.ts";
import { FakeSocket } from "../../support/fake-socket.ts";
import { voiceCalls } from "../../support/voice-call.ts";

describe("a tool of one's own", { timeout: 15_000 }, () => {
  const talk = voiceCalls();

  it("takes the place of the bot's that has its name", async () => {
    const end = vi.fn(() => ({ status: "not yet" }));
    const parameters = { type: "object" };
    const { say, happened, openai } = await talk({
      utterances: ["Bye."],
      replies: [{ toolCalls: [{ name: "end_call" }] }, "Before you go: we have a new pizza."],
      bot: { greeting: "", tools: [{ name: "end_call", description: "Tries to end it.", parameters, run: end }] },
    });
    say("Bye.");
    await happened("bot");
    expect(end).toHaveBeenCalledTimes(1);
    expect(openai.requests[0]?.tools).toMatchObject([
      { function: { name: "collect_digits" } },
      { function: { name: "end_call", description: "Tries to end it." } },
    ]);
  });
});

describe("a listener of one's own", () => {
  it.each([
    ["rejects", () => Promise.reject(new Error("no such table"))],
    [
      "throws",
      () => {
        throw new Error("no such table");
      },
    ],
  ])("that %s takes nobody down but its own call", async (_, onEvent) => {
    const rejected = vi.fn();
    process.on("unhandledRejection", rejected);
    try {
      const nowhere = { apiKey: "none", baseUrl: "http://127.0.0.1:9" };
      const deepgram = { ...nowhere, reconnectDelayMs: 1 };
      const socket = new FakeSocket();
      const transport = createWavixTransport({ socket });
      const over = transport.run(voiceBot({ deepgram, openai: nowhere, cartesia: nowhere, onEvent }));
      socket.start();
      expect(await over).toMatchObject({ endedBy: "bot", reason: "bot-failed" });
      expect(rejected).not.toHaveBeenCalled();
    } finally {
      process.off("unhandledRejection", rejected);
    }
  });
});
