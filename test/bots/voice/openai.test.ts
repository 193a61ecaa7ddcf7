import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type OpenAI from "openai";
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import { describe, expect, it, vi } from "vitest";
import { streamChat } from "../../../src/bots/voice/services/openai/chat.ts";
import { Client } from "../../../src/bots/voice/services/openai/client.ts";
import {
  defaultOpenAIModel,
  defaultReasoningEffort,
  OpenAILLMService,
} from "../../../src/bots/voice/services/openai/index.ts";
import {
  EndFrame,
  InterruptionFrame,
  LLMFullResponseEndFrame,
  LLMFullResponseStartFrame,
  LLMTextFrame,
  UserStartedSpeakingFrame,
} from "../../../src/pipecat/index.ts";
import { llmScene, shapeOf } from "./llm-scene.ts";

const answer = ["LLMFullResponseStartFrame", "LLMTextFrame", "LLMFullResponseEndFrame"];
const userMessage = { role: "user", content: "What time is it?" } as const;

/** A decision that is taken later. */
function decision() {
  let decide!: (isWanted: boolean) => void;
  let fail!: (error: Error) => void;
  const confirmed = new Promise<boolean>((resolve, reject) => {
    decide = resolve;
    fail = reject;
  });
  return { decide, fail, speculation: { userMessage, confirmed } };
}

describe("an answer", () => {
  it("streams between a start and an end, and says how long the first word took", async () => {
    await using scene = await llmScene(["It is ten past three."]);
    scene.context.add({ role: "system", content: "Be brief." });
    scene.ask("What time is it?");
    await scene.answers(1);
    expect(scene.frames[0]).toBeInstanceOf(LLMFullResponseStartFrame);
    expect(scene.frames.at(-1)).toBeInstanceOf(LLMFullResponseEndFrame);
    expect(scene.frames.filter((frame) => frame instanceof LLMTextFrame).map(({ text }) => text)).toEqual([
      ...["It", " is", " ten", " past", " three", "."],
    ]);
    expect(scene.metrics.flatMap(({ data }) => data)).toEqual([
      { processor: "OpenAILLMService", name: "ttfbMs", value: expect.any(Number) },
    ]);
    expect(scene.openai.requests[0]?.body).toEqual({
      model: defaultOpenAIModel,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What time is it?" },
      ],
      stream: true,
      stream_options: { include_usage: true },
      reasoning_effort: "none",
    });
    expect(scene.llm.counters).toMatchObject({ requests: 1, answers: 1, prompt_tokens: 8, completion_tokens: 6 });
    expect([scene.errors, scene.openai.problems]).toEqual([[], []]);
  });

  it("goes over one connection, turn after turn, from the start of the call", async () => {
    await using scene = await llmScene(["One.", "Two.", "Three."]);
    await vi.waitFor(() => expect(scene.llm.counters.warm_ups).toBe(1));
    for (let turn = 1; turn <= 3; turn++) {
      scene.ask("Go on.");
      await scene.answers(turn);
    }
    expect(scene.text()).toBe("One.Two.Three.");
    expect(scene.openai.requests.map(({ connection }) => connection)).toEqual([0, 0, 0]);
    expect([scene.openai.connectionCount, scene.openai.modelRequestCount]).toEqual([1, 1]);
  });

  it("shares the connections with other calls, and opens a new one ahead when the other side closed them", async () => {
    await using scene = await llmScene(["Hello."]);
    await vi.waitFor(() => expect(scene.llm.counters.warm_ups).toBe(1));
    const second = new OpenAILLMService({ apiKey: "sk-other", baseUrl: scene.openai.url });
    const run = { signal: new AbortController().signal, pushFrame: () => {} };
    await second.processFrame(new UserStartedSpeakingFrame(), "downstream", run);
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.openai.modelRequestCount).toBe(1);

    scene.openai.closeIdleConnections();
    // The end of the connection is an event on this side too.
    await vi.waitFor(() => {
      scene.queue(new UserStartedSpeakingFrame());
      expect(scene.llm.counters.warm_ups).toBe(2);
    });
    scene.ask("Hello");
    await scene.answers(1);
    expect(scene.openai.connectionCount).toBe(2);
  });

  it("takes an answer without a word for a failure: the caller would wait for it", async () => {
    await using scene = await llmScene([{ text: "" }, { text: " \n" }, "Here I am."]);
    for (let failures = 1; failures <= 2; failures++) {
      scene.ask("Hello?");
      await scene.until(() => scene.errors.length === failures);
    }
    scene.ask("Hello?");
    await scene.answers(3);
    expect(scene.errors.map(({ error, fatal }) => [error, fatal])).toEqual(
      Array(2).fill(["OpenAILLMService: the answer has no words", false]),
    );
    expect(scene.llm.counters.failed).toBe(2);
  });

  it("takes a status that is none for a failure of its own answer, and of nothing else", async () => {
    const uncaught = vi.fn();
    process.on("uncaughtException", uncaught);
    const server = createNetServer((socket) => {
      socket.on("error", () => {}).on("data", () => socket.end("HTTP/1.1 999 Denied\r\ncontent-length: 0\r\n\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      await using scene = await llmScene([], { llm: { baseUrl, maxRetries: 0, firstTokenTimeoutMs: 2_000 } });
      scene.ask("Hello");
      await scene.until(() => scene.errors.length === 1);
      expect(scene.errors[0]).toMatchObject({ error: expect.stringContaining("OpenAI"), fatal: false });
      expect(uncaught).not.toHaveBeenCalled();
    } finally {
      process.off("uncaughtException", uncaught);
      server.close();
    }
  });

  it("lets no time run out while the voice has no room for more", async () => {
    const chunk = (content: string, finish_reason: string | null) => ({
      choices: [{ index: 0, delta: { content }, finish_reason }],
    });
    async function* chunks() {
      yield chunk("Once upon", null);
      yield chunk(" a time.", "stop");
    }
    const client = { chat: { completions: { create: async () => chunks() } } } as unknown as OpenAI;
    const completion = await streamChat(client, {} as ChatCompletionCreateParamsStreaming, {
      signal: new AbortController().signal,
      maxRetries: 0,
      firstTokenTimeoutMs: 50,
      totalTimeoutMs: 50,
      onText: () => sleep(100),
      onRetry: () => {},
    });
    expect(completion.text).toBe("Once upon a time.");
  });

  it("says what failed, when the time runs out in a later try", async () => {
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const create = vi
      .fn((_: unknown, { signal }: { signal: AbortSignal }) => sleep(60_000, undefined, { signal }))
      .mockRejectedValueOnce(refused);
    const answering = streamChat(
      { chat: { completions: { create } } } as unknown as OpenAI,
      {} as ChatCompletionCreateParamsStreaming,
      {
        signal: new AbortController().signal,
        maxRetries: 2,
        firstTokenTimeoutMs: 500,
        totalTimeoutMs: 5_000,
        onText: () => {},
        onRetry: () => {},
      },
    );
    await expect(answering).rejects.toBe(refused);
    expect(create).toHaveBeenCalledTimes(2);
  });

  it("gives up a warm-up that does not end, and makes the next", async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked++;
      response.writeHead(200, { "content-type": "application/json" });
      if (asked === 1) response.write("{");
      else response.end("{}");
      request.resume();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new Client("sk-test", `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, 200);
    const { signal } = new AbortController();
    await expect(client.warmUp("gpt", signal)).rejects.toThrow();
    expect(await client.warmUp("gpt", signal)).toBe(true);
    server.close();
    server.closeAllConnections();
  });

  it("says nothing of a warm-up that fails", async () => {
    await using scene = await llmScene(["Hello."], { standIn: { models: [] } });
    await vi.waitFor(() => expect(scene.llm.counters.warm_up_failures).toBe(1));
    expect(scene.errors).toEqual([]);
  });

  it("survives a connection that the other side closes as it is used again", async () => {
    let requestCount = 0;
    const chunk = { choices: [{ index: 0, delta: { content: "Hello." }, finish_reason: "stop" }] };
    const server = createServer((incoming, response) => {
      requestCount++;
      // The second request on a connection finds it gone.
      const { socket } = incoming as unknown as { socket: { used?: boolean; resetAndDestroy(): void } };
      if (socket.used) return socket.resetAndDestroy();
      socket.used = true;
      incoming.resume().on("end", () => response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    await using scene = await llmScene([], { llm: { baseUrl, maxRetries: 0 } });
    await vi.waitFor(() => expect(scene.llm.counters.warm_ups + scene.llm.counters.warm_up_failures).toBe(1));
    scene.ask("Hello");
    await scene.answers(1);
    expect([scene.text(), scene.errors]).toEqual(["Hello.", []]);
    expect(requestCount).toBe(3);
    server.close();
    server.closeAllConnections();
  });

  it("holds an EndFrame back until it is complete", async () => {
    await using scene = await llmScene(["Goodbye then."]);
    scene.ask("Bye");
    scene.queue(new EndFrame());
    await scene.until(() => scene.frames.some((frame) => frame instanceof EndFrame));
    expect(shapeOf(scene.frames)).toEqual([...answer, "EndFrame"]);
  });

  it("sends what it is told to send", async () => {
    const llm = { model: "gpt-4o", temperature: 0.3, maxCompletionTokens: 50 };
    await using scene = await llmScene(["Yes."], { llm });
    scene.ask("Well?");
    await scene.answers(1);
    expect(scene.openai.requests[0]?.body).toMatchObject({
      model: "gpt-4o",
      temperature: 0.3,
      max_completion_tokens: 50,
    });
    expect(scene.openai.requests[0]?.body).not.toHaveProperty("reasoning_effort");
    expect(scene.openai.problems).toEqual([]);
  });

  it("passes over events of a kind it does not know", async () => {
    await using scene = await llmScene([{ text: "one two", unknownAfterTokens: 1 }]);
    scene.ask("Count");
    await scene.answers(1);
    expect([scene.text(), scene.llm.counters.unknown_events]).toEqual(["one two", 1]);
  });

  it("is the same however the stream is cut", async () => {
    const cut = fc.array(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 12 });
    await using scene = await llmScene(({ messages }) => ({ text: JSON.parse(String(messages.at(-1)?.content)) }));
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(cut, async (text) => {
        scene.frames.length = 0;
        // Each turn stands alone: the context would put what a caller says in a row into one message.
        scene.context.add({ role: "assistant", content: "…" });
        scene.ask(JSON.stringify(text));
        await scene.answers(1);
        answered++;
        expect(scene.text()).toBe(text.join(""));
      }),
      { numRuns: 40 },
    );
    expect(scene.openai.requests).toHaveLength(answered);
  });
});

describe("an interruption", () => {
  it("gives the request up at once, and nothing of it comes later", async () => {
    await using scene = await llmScene([{ text: "one two three four", stallAfterTokens: 2 }, "Yes?"]);
    scene.ask("Count");
    await scene.until(() => scene.text() === "one two");
    const before = scene.frames.length;
    scene.interrupt();
    expect(await scene.openai.requests[0]?.ended).toBe("aborted");
    scene.ask("Stop");
    await scene.answers(1);
    expect(shapeOf(scene.frames.slice(before))).toEqual(["InterruptionFrame", ...answer]);
    expect(scene.text()).toBe("one twoYes?");
    expect(scene.llm.counters).toMatchObject({ aborted: 1, failed: 0, answers: 1 });
    expect(scene.errors).toEqual([]);
  });

  it.each([
    ["while nothing has come", { stall: true }],
    ["while it waits to try again", { status: 429, retryAfter: 5 }],
  ])("is no error %s", async (_, reply) => {
    await using scene = await llmScene([reply, "Yes?"]);
    scene.ask("Hello");
    await (await scene.openai.request(0)).messages;
    if ("status" in reply) await vi.waitFor(() => expect(scene.llm.counters.retries).toBe(1));
    scene.interrupt();
    scene.ask("Hello?");
    await scene.answers(1);
    expect(scene.text()).toBe("Yes?");
    expect([scene.errors, scene.openai.requests.length]).toEqual([[], 2]);
  });

  it("has a connection opened for the next turn", async () => {
    await using scene = await llmScene([{ stall: true }]);
    await vi.waitFor(() => expect(scene.llm.counters.warm_ups).toBe(1));
    scene.ask("Hello");
    await scene.openai.request(0);
    scene.interrupt();
    await vi.waitFor(() => expect(scene.llm.counters.warm_ups).toBe(2));
    expect(scene.openai.connectionCount).toBe(2);
  });

  it("may come at any moment of an answer", async () => {
    const words = "one two three four five six";
    await using scene = await llmScene(Array.from({ length: 8 }, (_, n) => ({ text: words, stallAfterTokens: n })));
    for (let n = 0; n < 7; n++) {
      scene.frames.length = 0;
      scene.ask("Count");
      await scene.until(() => scene.frames.filter((frame) => frame instanceof LLMTextFrame).length === n);
      await scene.openai.request(n);
      scene.interrupt();
      expect(await scene.openai.requests[n]?.ended).toBe("aborted");
      expect(scene.frames.at(-1)).toBeInstanceOf(InterruptionFrame);
    }
    expect(scene.llm.counters.aborted).toBe(7);
  });

  it("may come often without a trace", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    await using scene = await llmScene([{ stall: true }]);
    for (let n = 0; n < 15; n++) {
      await vi.waitFor(() => expect(scene.llm.counters.warm_ups).toBe(n + 1));
      scene.ask("Hello");
      await scene.openai.request(n);
      scene.interrupt();
    }
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
    expect(scene.llm.counters).toMatchObject({ requests: 15, failed: 0 });
  });

  it("is the end of the call as well", async () => {
    await using scene = await llmScene([{ stall: true }]);
    scene.ask("Hello");
    const request = await scene.openai.request(0);
    scene.cancel();
    expect(await request.ended).toBe("aborted");
    expect(scene.errors).toEqual([]);
  });
});

describe("a failure", () => {
  it.each([
    ["a wrong key", { status: 401 }, true, /refused the key \(401, invalid_api_key\): check OPENAI_API_KEY/, 1],
    ["an unknown model", { status: 404 }, true, /no such model for this key \(404, model_not_found\)/, 1],
    ["a wrong request", { status: 400 }, false, /refused the request \(400, invalid_request_error\)/, 1],
    ["an empty account", { status: 429, errorCode: "insufficient_quota" }, false, /quota is used up/, 1],
    ["too many requests, for ever", { status: 429, retryAfter: 0 }, false, /rate limit is reached \(429, rate_/, 3],
    ["a failing server", { status: 503 }, false, /OpenAI failed \(503, server_error\)/, 3],
    ["a cut before the first token", { text: "one", closeAfterTokens: 0 }, false, /connection to OpenAI failed/, 3],
    ["a cut in mid-stream", { text: "one two", closeAfterTokens: 1 }, false, /connection to OpenAI failed/, 1],
    ["an answer that breaks off", { text: "one two", endAfterTokens: 1 }, false, /the answer broke off/, 1],
    ["a malformed event", { text: "one two", malformedAfterTokens: 1 }, false, /the answer is malformed/, 1],
    [
      "an error in mid-stream",
      { text: "one two", errorAfterTokens: 1 },
      false,
      /failed while it answered \(server_/,
      1,
    ],
    ["silence", { stall: true }, false, /no answer within 1500 ms/, 1],
    ["silence behind the role", { text: "one", stallAfterTokens: 0 }, false, /no answer within 1500 ms/, 1],
    ["silence in mid-stream", { text: "one two", stallAfterTokens: 1 }, false, /stood still for 1500 ms/, 1],
  ])("of %s is an error of the turn", async (_, reply, fatal, error, requestCount) => {
    const spoken = vi.spyOn(console, "error");
    await using scene = await llmScene([reply], { llm: { firstTokenTimeoutMs: 1_500 } });
    scene.ask("Hello, my number is 555 0199");
    await scene.until(() => scene.errors.length === 1);
    expect(scene.errors[0]).toMatchObject({ fatal, error: expect.stringMatching(error) });
    expect(scene.errors[0]?.error).not.toMatch(/\n|sk-|555/);
    expect(scene.openai.requests).toHaveLength(requestCount);
    // What was said is finished with, so that it is spoken.
    expect(scene.frames.at(-1)).toBeInstanceOf(LLMFullResponseEndFrame);
    expect(scene.llm.counters).toMatchObject({ failed: 1, retries: requestCount - 1 });
    // The package would print the event it cannot read.
    expect(spoken).not.toHaveBeenCalled();
    spoken.mockRestore();
  });

  it("is tried again after the time the service asks for", async () => {
    await using scene = await llmScene([{ status: 429, retryAfter: 0.05 }, { status: 500, retryAfter: 0 }, "Good."]);
    const startedAt = performance.now();
    scene.ask("Hello");
    await scene.answers(1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50);
    expect([scene.text(), scene.errors, scene.llm.counters.retries]).toEqual(["Good.", [], 2]);
    expect(shapeOf(scene.frames)).toEqual(answer);
  });

  it("is not waited for when the service asks for more time than the caller has", async () => {
    await using scene = await llmScene([{ status: 429, retryAfter: 60 }]);
    scene.ask("Hello");
    await scene.until(() => scene.errors.length === 1);
    expect(scene.openai.requests).toHaveLength(1);
  });

  it("is an answer that takes too long as a whole", async () => {
    await using scene = await llmScene([{ text: "a ".repeat(500), tokenMs: 20 }], { llm: { totalTimeoutMs: 200 } });
    scene.ask("Hello");
    await scene.until(() => scene.errors.length === 1);
    expect(scene.errors[0]?.error).toMatch(/took more than 200 ms/);
    expect(await scene.openai.requests[0]?.ended).toBe("aborted");
  });

  it("is nobody there", async () => {
    await using scene = await llmScene([], { llm: { baseUrl: "http://127.0.0.1:9/v1", maxRetries: 1 } });
    scene.ask("Hello");
    await scene.until(() => scene.errors.length === 1);
    expect(scene.errors[0]?.error).toMatch(/the connection to OpenAI failed \(ECONNREFUSED\)/);
  });

  it("does not keep the next turn from its answer", async () => {
    await using scene = await llmScene([{ status: 400 }, "Here."]);
    scene.ask("Hello");
    await scene.until(() => scene.errors.length === 1);
    scene.ask("Hello?");
    await scene.answers(2);
    expect(scene.text()).toBe("Here.");
  });
});

describe("a speculative answer", () => {
  it("is asked for at once, held back, and given when it is wanted", async () => {
    const { decide, speculation } = decision();
    await using scene = await llmScene(["It is ten past three."]);
    scene.ask(undefined, speculation);
    const request = await scene.openai.request(0);
    expect(await request.ended).toBe("answered");
    expect(request.messages).toEqual([userMessage]);
    expect(scene.frames).toEqual([]);
    scene.context.add(userMessage);
    decide(true);
    await scene.answers(1);
    expect(scene.text()).toBe("It is ten past three.");
    expect(shapeOf(scene.frames)).toEqual(answer);
    expect(scene.llm.counters.speculations_confirmed).toBe(1);
  });

  it("goes on streaming when it is wanted while it comes", async () => {
    const { decide, speculation } = decision();
    await using scene = await llmScene([{ text: "one two three four five", tokenMs: 10 }]);
    scene.ask(undefined, speculation);
    const request = await scene.openai.request(0);
    await vi.waitFor(() => expect(request.tokensSent).toBeGreaterThan(1));
    decide(true);
    await scene.answers(1);
    expect(scene.text()).toBe("one two three four five");
    expect(shapeOf(scene.frames)).toEqual(answer);
  });

  it.each(["decide", "fail"] as const)("is given up when it is not wanted (%s)", async (how) => {
    const { decide, fail, speculation } = decision();
    await using scene = await llmScene([{ text: "one two", stallAfterTokens: 1 }, "Yes."]);
    scene.ask(undefined, speculation);
    const request = await scene.openai.request(0);
    if (how === "decide") decide(false);
    else fail(new Error("no"));
    expect(await request.ended).toBe("aborted");
    scene.ask("And another thing");
    await scene.answers(1);
    expect([scene.text(), shapeOf(scene.frames), scene.errors]).toEqual(["Yes.", answer, []]);
    expect(scene.llm.counters.speculations_dropped).toBe(1);
  });

  it("is forgotten when an interruption comes before the decision", async () => {
    const { decide, speculation } = decision();
    await using scene = await llmScene(["Never said."]);
    scene.ask(undefined, speculation);
    await (await scene.openai.request(0)).ended;
    scene.interrupt();
    decide(true);
    await vi.waitFor(() => expect(scene.llm.counters.speculations_dropped).toBe(1));
    expect(shapeOf(scene.frames)).toEqual(["InterruptionFrame"]);
  });

  it("that failed is an error when it was wanted, and none when it was not", async () => {
    const [wanted, unwanted] = [decision(), decision()];
    await using scene = await llmScene([{ status: 400 }]);
    scene.ask(undefined, unwanted.speculation);
    await (await scene.openai.request(0)).ended;
    unwanted.decide(false);
    scene.ask(undefined, wanted.speculation);
    await (await scene.openai.request(1)).ended;
    expect(scene.errors).toEqual([]);
    wanted.decide(true);
    await scene.until(() => scene.errors.length === 1);
    expect(scene.llm.counters.failed).toBe(1);
  });

  it("that nobody decides about is dropped in time", async () => {
    await using scene = await llmScene(["Hello."], { llm: { totalTimeoutMs: 300 } });
    scene.ask(undefined, decision().speculation);
    scene.queue(new EndFrame());
    await scene.until(() => scene.frames.length > 0);
    expect(shapeOf(scene.frames)).toEqual(["EndFrame"]);
  });
});

describe("the options", () => {
  it.each([
    [{ apiKey: "" }, /apiKey/],
    [{ baseUrl: "api.openai.com" }, /baseUrl must be an http or https URL, got "api/],
    [{ model: "" }, /model/],
    [{ maxRetries: -1 }, /maxRetries must be a number from 0 to 10, got -1/],
    [{ firstTokenTimeoutMs: 0 }, /firstTokenTimeoutMs/],
    [{ totalTimeoutMs: Number.NaN }, /totalTimeoutMs/],
    [{ temperature: 3 }, /temperature/],
    [{ maxCompletionTokens: 0 }, /maxCompletionTokens/],
  ])("are checked: %o", (wrong, message) => {
    expect(() => new OpenAILLMService({ apiKey: "sk-test", ...wrong })).toThrow(message);
  });

  it("ask for no reasoning where that is understood", () => {
    const known = ["gpt-6-luna", "gpt-6.1-sol", "gpt-5.6-luna", "gpt-5.1", "gpt-10-x"];
    expect(known.map(defaultReasoningEffort)).toEqual(known.map(() => "none"));
    const others = ["gpt-4o", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "o3", "gpt-5.2-chat-latest", "llama-4"];
    expect(others.map(defaultReasoningEffort)).toEqual(others.map(() => undefined));
  });
});
