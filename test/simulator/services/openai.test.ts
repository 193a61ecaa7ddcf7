import OpenAI, { APIError } from "openai";
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import { describe, expect, it } from "vitest";
import { createOpenAIStandIn, type OpenAIStandIn } from "../../../src/simulator/services/index.ts";

const model = "gpt-4o";
const hello = { role: "user", content: "Hello" } as const;
const weather = { type: "function", function: { name: "weather", parameters: { type: "object" } } } as const;

const clientOf = (openai: OpenAIStandIn, apiKey = "sk-any") =>
  new OpenAI({ apiKey, baseURL: openai.url, maxRetries: 0, logLevel: "off" });

async function streamed(
  client: OpenAI,
  params: Partial<ChatCompletionCreateParamsStreaming> = {},
): Promise<ChatCompletionChunk[]> {
  const chunks: ChatCompletionChunk[] = [];
  const stream = await client.chat.completions.create({ model, messages: [hello], stream: true, ...params });
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const post = (openai: OpenAIStandIn, body: unknown, authorization = "Bearer sk-any") =>
  fetch(`${openai.url}/chat/completions`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("the OpenAI stand-in", () => {
  it("streams a role, the text token by token, a finish reason, the usage and [DONE]", async () => {
    await using openai = await createOpenAIStandIn({ replies: ["Good morning to you."] });
    const response = await post(openai, {
      model,
      messages: [hello],
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = (await response.text()).trimEnd().split("\n\n");
    expect(events.pop()).toBe("data: [DONE]");
    const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)));
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: "assistant", content: "", refusal: null },
      { content: "Good" },
      { content: " morning" },
      { content: " to" },
      { content: " you" },
      { content: "." },
      {},
      undefined,
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason).slice(0, -1)).toEqual([
      ...Array(6).fill(null),
      "stop",
    ]);
    expect(chunks.at(-1).usage).toEqual({ prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(openai.problems).toEqual([]);
  });

  it("streams tool calls in pieces, and gives them whole without a stream", async () => {
    const toolCalls = [
      { name: "weather", arguments: { city: "Oslo" } },
      { name: "weather", argumentPieces: ['{"ci', 'ty":"Rome"}'] },
    ];
    await using openai = await createOpenAIStandIn({ replies: [{ text: "Wait.", toolCalls }] });
    const client = clientOf(openai);
    const deltas = (await streamed(client, { tools: [weather] })).flatMap(
      ({ choices }) => choices[0]?.delta.tool_calls ?? [],
    );
    expect(deltas[0]).toEqual({
      index: 0,
      id: "call_0_0",
      type: "function",
      function: { name: "weather", arguments: "" },
    });
    const argumentsOf = (at: number) =>
      deltas.filter(({ index }) => index === at).map((delta) => delta.function?.arguments);
    expect(argumentsOf(0).length).toBeGreaterThan(3);
    expect(argumentsOf(0).join("")).toBe('{"city":"Oslo"}');
    expect(argumentsOf(1)).toEqual(["", '{"ci', 'ty":"Rome"}']);

    const whole = await client.chat.completions.create({ model, messages: [hello], tools: [weather] });
    expect(whole.choices[0]).toMatchObject({ finish_reason: "tool_calls", message: { content: "Wait." } });
    expect(whole.choices[0]?.message.tool_calls?.[1]).toEqual({
      id: "call_1_1",
      type: "function",
      function: { name: "weather", arguments: '{"city":"Rome"}' },
    });
  });

  it("lists its models, and refuses others as OpenAI does", async () => {
    await using openai = await createOpenAIStandIn({ models: ["gpt-4o"] });
    const client = clientOf(openai);
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["gpt-4o"]);
    expect((await client.models.retrieve("gpt-4o")).object).toBe("model");
    await expect(client.models.retrieve("gpt-3")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    await expect(streamed(client, { model: "gpt-3" })).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    expect(openai.modelRequestCount).toBe(3);
    expect(openai.requests).toEqual([]);
  });

  it("refuses a wrong key and a missing one", async () => {
    await using openai = await createOpenAIStandIn({ apiKey: "sk-right" });
    const wrong: unknown = await streamed(clientOf(openai, "sk-wrong")).catch((error) => error);
    expect(wrong).toBeInstanceOf(APIError);
    expect(wrong).toMatchObject({ status: 401, code: "invalid_api_key", type: "invalid_request_error" });
    expect((await post(openai, {}, "")).status).toBe(401);
    expect((await streamed(clientOf(openai, "sk-right"))).length).toBeGreaterThan(2);
    expect(openai.problems).toHaveLength(2);
  });

  it.each([
    ["no JSON", "{", 400, /could not parse/],
    ["no object", "[]", 400, /must be an object/],
    ["no model", { messages: [hello] }, 400, /model parameter/],
    ["no messages", { model, messages: [] }, 400, /'messages'/],
    ["an unknown role", { model, messages: [{ role: "bot", content: "" }] }, 400, /Invalid value: 'bot'/],
    ["no content", { model, messages: [{ role: "user", content: null }] }, 400, /'content'/],
    ["an empty list of tools", { model, messages: [hello], tools: [] }, 400, /empty array/],
    [
      "a tool without a function",
      { model, messages: [hello], tools: [{ type: "function" }] },
      400,
      /tools\[0\].function/,
    ],
    [
      "a tool with a wrong name",
      { model, messages: [hello], tools: [{ type: "function", function: { name: "a b" } }] },
      400,
      /does not match pattern/,
    ],
    [
      "a schema of no object",
      {
        model,
        messages: [hello],
        tools: [{ type: "function", function: { name: "a", parameters: { type: "null" } } }],
      },
      400,
      /type: "object"/,
    ],
    ["stream options without a stream", { model, messages: [hello], stream_options: {} }, 400, /stream_options/],
    [
      "an answer without a call",
      { model, messages: [{ role: "tool", tool_call_id: "a", content: "" }] },
      400,
      /preceeding/,
    ],
    [
      "a call without an answer",
      { model, messages: [{ role: "assistant", content: null, tool_calls: [{ id: "a" }, { id: "b" }] }, hello] },
      400,
      /did not have response messages: a, b$/,
    ],
    ["an effort of a model that has none", { model, messages: [hello], reasoning_effort: "none" }, 400, /Unrecognized/],
    [
      "functions for a model that reasons",
      { model: "gpt-6-luna", messages: [hello], tools: [weather] },
      400,
      /set reasoning_effort to 'none'/,
    ],
  ])("refuses %s", async (_, body, status, message) => {
    await using openai = await createOpenAIStandIn();
    const response = await post(openai, body);
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([status, expect.stringMatching(message)]);
    expect(openai.problems).toHaveLength(1);
    expect(openai.requests).toEqual([]);
  });

  it("takes a call with its answers, and functions for a model that does not reason", async () => {
    await using openai = await createOpenAIStandIn();
    const answered = [
      hello,
      { role: "assistant", content: null, tool_calls: [{ id: "a" }, { id: "b" }] },
      { role: "tool", tool_call_id: "b", content: "2" },
      { role: "tool", tool_call_id: "a", content: "1" },
    ];
    const body = { model: "gpt-6-luna", messages: answered, tools: [weather], reasoning_effort: "none" };
    expect((await post(openai, body)).status).toBe(200);
    expect(openai.problems).toEqual([]);
    expect(openai.requests[0]?.messages).toEqual(answered);
  });

  it("goes through its replies, and asks a function for each", async () => {
    await using listed = await createOpenAIStandIn({ replies: ["one", "two"] });
    const texts = [];
    for (let i = 0; i < 3; i++) {
      const { choices } = await clientOf(listed).chat.completions.create({ model, messages: [hello] });
      texts.push(choices[0]?.message.content);
    }
    expect(texts).toEqual(["one", "two", "two"]);
    await using asked = await createOpenAIStandIn({ replies: ({ index, model }) => `${model} ${index}` });
    const { choices } = await clientOf(asked).chat.completions.create({ model, messages: [hello] });
    expect(choices[0]?.message.content).toBe("gpt-4o 0");
  });

  it("refuses, cuts, breaks off and stands still when the script says so", async () => {
    const text = "one two three";
    await using openai = await createOpenAIStandIn({
      replies: [
        { status: 429, retryAfter: 2 },
        { status: 500 },
        { text, closeAfterTokens: 2 },
        { text, malformedAfterTokens: 2 },
        { text, errorAfterTokens: 2 },
        { text, endAfterTokens: 2 },
        { text, unknownAfterTokens: 3 },
      ],
    });
    const client = clientOf(openai);
    const limited: unknown = await streamed(client).catch((error) => error);
    expect(limited).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect((limited as APIError).headers?.get("retry-after")).toBe("2");
    await expect(streamed(client)).rejects.toMatchObject({ status: 500, type: "server_error" });
    await expect(streamed(client)).rejects.toThrow(/terminated/);
    await expect(streamed(client)).rejects.toThrow(SyntaxError);
    await expect(streamed(client)).rejects.toMatchObject({ type: "server_error" });
    const broken = await streamed(client);
    expect(broken.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null]);
    expect((await streamed(client)).map(({ object }) => object)).toContain("chat.completion.novelty");
    expect(await Promise.all(openai.requests.map(({ ended }) => ended))).toEqual([
      ...["answered", "answered", "cut", "cut", "cut", "cut", "answered"],
    ]);
    expect(openai.requests.map(({ tokensSent }) => tokensSent)).toEqual([0, 0, 2, 2, 2, 2, 3]);
  });

  it.each([{ stall: true }, { text: "one two three", stallAfterTokens: 1 }])("sees who gives up %o", async (reply) => {
    await using openai = await createOpenAIStandIn({ replies: [reply] });
    const aborter = new AbortController();
    const given = fetch(`${openai.url}/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk-any" },
      body: JSON.stringify({ model, messages: [hello], stream: true }),
      signal: aborter.signal,
    }).then((response) => response.text());
    const request = await openai.request(0);
    aborter.abort();
    await expect(given).rejects.toThrow(/abort/);
    expect(await request.ended).toBe("aborted");
    expect(request.aborted).toBe(true);
  });

  it("numbers the connections", async () => {
    await using openai = await createOpenAIStandIn();
    await Promise.all([streamed(clientOf(openai)), streamed(clientOf(openai))]);
    expect(openai.requests.map(({ connection }) => connection).sort()).toEqual([0, 1]);
    expect(openai.connectionCount).toBe(2);
  });

  it("says which port it cannot have", async () => {
    await using openai = await createOpenAIStandIn();
    const port = Number(new URL(openai.url).port);
    await expect(createOpenAIStandIn({ port })).rejects.toMatchObject({ code: "API_LISTEN_FAILED" });
  });
});
