import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  chunkBody,
  completionBody,
  type FinishedToolCall,
  finishedToolCall,
  scriptedRefusal,
  tokensOf,
  type Usage,
} from "./openai-bodies.ts";
import type { ChatRequest } from "./openai-request.ts";
import type { OpenAIReply } from "./openai-script.ts";

interface Answering {
  readonly chat: ChatRequest;
  readonly index: number;
  readonly reply: OpenAIReply;
  readonly response: ServerResponse;
  /** Written as the answer goes out. */
  readonly progress: { tokensSent: number; isCut: boolean };
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** Gives one answer, or what the script wants in its place. Settles when it is out, or when the client has gone. */
export async function answer(answering: Answering): Promise<void> {
  try {
    await (answering.chat.stream ? stream(answering) : whole(answering));
  } catch (error) {
    if (!answering.signal.aborted) throw error;
  }
}

/** What comes before the first token; false when the answer ends here. */
async function begin({ chat, reply, response, signal }: Answering): Promise<boolean> {
  if (reply.stall) {
    await gone(signal);
    return false;
  }
  if ((reply.firstTokenMs ?? 0) > 0) await sleep(reply.firstTokenMs, undefined, { signal });
  if (reply.status === undefined) return true;
  const { status, body } = scriptedRefusal(reply.status, chat.model, reply.errorCode);
  response.writeHead(status, {
    "content-type": "application/json",
    ...(reply.retryAfter === undefined ? {} : { "retry-after": String(reply.retryAfter) }),
  });
  response.end(JSON.stringify(body));
  return false;
}

async function gone(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** The pieces of a reply, and what is the same in all its messages. */
function material({ chat, index, reply }: Answering) {
  const { text = "", toolCalls = [] } = reply;
  const texts = typeof text === "string" ? tokensOf(text) : text;
  const calls = toolCalls.map((call, number) => finishedToolCall(call, `call_${index}_${number}`));
  const promptTokens = chat.messages.reduce((sum, { content }) => sum + tokensOf(String(content ?? "")).length, 0);
  const completionTokens = calls.reduce((sum, { pieces }) => sum + pieces.length, texts.length);
  const usage: Usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const head = { id: `chatcmpl-${index}`, model: chat.model, created: Math.floor(Date.now() / 1000) };
  return { texts, calls, usage, head };
}

async function whole(answering: Answering): Promise<void> {
  if (!(await begin(answering))) return;
  const { texts, calls, usage, head } = material(answering);
  answering.progress.tokensSent = usage.completion_tokens;
  answering.response.writeHead(200, { "content-type": "application/json" });
  answering.response.end(JSON.stringify(completionBody(head, texts.join(""), calls, usage)));
}

/** The deltas of a tool call: the first names it, the others bring its arguments. */
function* callDeltas({ id, name, pieces }: FinishedToolCall, index: number) {
  yield { isToken: false, delta: { index, id, type: "function", function: { name, arguments: "" } } };
  for (const piece of pieces) yield { isToken: true, delta: { index, function: { arguments: piece } } };
}

function* deltasOf(texts: readonly string[], calls: readonly FinishedToolCall[]) {
  const content = texts.length > 0 ? "" : null;
  yield { isToken: false, delta: { role: "assistant", content, refusal: null } };
  for (const text of texts) yield { isToken: true, delta: { content: text } };
  for (const [index, call] of calls.entries()) {
    for (const { isToken, delta } of callDeltas(call, index)) yield { isToken, delta: { tool_calls: [delta] } };
  }
}

async function stream(answering: Answering): Promise<void> {
  if (!(await begin(answering))) return;
  const { chat, reply, response, progress, signal } = answering;
  const { texts, calls, usage, head } = material(answering);
  const send = (body: unknown) => response.write(`data: ${JSON.stringify(body)}\n\n`);
  // Where usage was asked for, every chunk but the last carries a null.
  const noUsage = chat.includeUsage ? { usage: null } : {};
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  for (const { isToken, delta } of deltasOf(texts, calls)) {
    if (isToken) {
      if ((await fault(answering, send)) === "over") return;
      if (progress.tokensSent > 0 && (reply.tokenMs ?? 0) > 0) await sleep(reply.tokenMs, undefined, { signal });
      progress.tokensSent++;
    }
    if (!send(chunkBody(head, delta, noUsage))) await once(response, "drain", { signal });
  }
  if ((await fault(answering, send)) === "over") return;
  const finishReason = calls.length > 0 ? "tool_calls" : "stop";
  send(chunkBody(head, {}, { finishReason, ...noUsage }));
  if (chat.includeUsage) send(chunkBody(head, null, { usage }));
  response.end("data: [DONE]\n\n");
}

/** Does what the script wants in place of the next token. */
async function fault(answering: Answering, send: (body: unknown) => boolean): Promise<"over" | "on"> {
  const { reply, response, progress, signal } = answering;
  const { tokensSent } = progress;
  if (reply.unknownAfterTokens === tokensSent) send({ object: "chat.completion.novelty", novelty: [1, 2, 3] });
  if (reply.stallAfterTokens === tokensSent) {
    await gone(signal);
    return "over";
  }
  if (reply.closeAfterTokens === tokensSent) {
    // What was written is to be seen before the cut.
    await new Promise<void>((resolve) => response.write(": cut\n\n", () => resolve()));
    progress.isCut = true;
    response.destroy();
    return "over";
  }
  const isOver = [reply.endAfterTokens, reply.malformedAfterTokens, reply.errorAfterTokens].includes(tokensSent);
  if (!isOver) return "on";
  progress.isCut = true;
  if (reply.malformedAfterTokens === tokensSent) response.write('data: {"id":"chatcmpl-0","choices":[{"del\n\n');
  if (reply.errorAfterTokens === tokensSent) send(scriptedRefusal(500, answering.chat.model, undefined).body);
  response.end();
  return "over";
}
