import { describe, expect, it } from "vitest";
import {
  createCartesiaStandIn,
  createDeepgramStandIn,
  createOpenAIStandIn,
} from "../../src/simulator/services/index.ts";
import { command, localUrl, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

const PIZZERIA = new URL("../../examples/voice-bot/pizzeria.mjs", import.meta.url).pathname;

describe("the voice bot with functions of its own", () => {
  it("has the model call them, and goes on with what they return", { timeout: 60_000 }, async () => {
    await using deepgram = await createDeepgramStandIn({ utterances: () => "a margherita please" });
    await using openai = await createOpenAIStandIn({
      replies: [
        { toolCalls: [{ name: "price_of", arguments: { pizza: "Margherita" } }] },
        { toolCalls: [{ name: "place_order", arguments: { pizzas: ["margherita"] } }] },
        { text: "Ready in twenty minutes, goodbye!", toolCalls: [{ name: "end_call" }] },
      ],
    });
    await using cartesia = await createCartesiaStandIn();
    const apiPort = await freePort();
    const server = await start(["--bot", PIZZERIA], {
      WAVIX_API_BASE: `http://127.0.0.1:${apiPort}`,
      ...{ OPENAI_API_KEY: "o", DEEPGRAM_API_KEY: "d", CARTESIA_API_KEY: "c" },
      ...{ OPENAI_BASE_URL: openai.url, DEEPGRAM_BASE_URL: deepgram.url, CARTESIA_BASE_URL: cartesia.url },
    });
    const { code, stdout, stderr } = await command([
      "call",
      ...["--server", localUrl(server.output), "--api-port", `${apiPort}`],
      ...["--speak-after", "3000", "--listen", "20000", "--json"],
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, hungUp: true, endedBy: "rest" });
    const [first, second, third] = openai.requests;
    const names = first?.tools.map((tool) => (tool.function as { name: string }).name);
    expect(names).toEqual(expect.arrayContaining(["price_of", "place_order", "end_call", "collect_digits"]));
    expect(second?.messages.at(-1)).toMatchObject({ role: "tool", content: "9" });
    expect(third?.messages.at(-1)).toMatchObject({ role: "tool", content: '{"readyInMinutes":20}' });
    expect(server.output).toContain('"order":"margherita"');
    for (const { problems } of [deepgram, openai, cartesia]) expect(problems).toEqual([]);
  });
});
