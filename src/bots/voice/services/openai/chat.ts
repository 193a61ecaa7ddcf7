import { setTimeout as sleep } from "node:timers/promises";
import type OpenAI from "openai";
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import { Completion } from "./completion.ts";
import { ChatError, failureOf } from "./failure.ts";

/** The first wait before a request is made again, unless the service names one; then twice that. */
const RETRY_MS = 250;

export interface ChatLimits {
  /** How often a request that failed before its first token is made again. */
  readonly maxRetries: number;
  /** How long a caller may be left without a token: before the first, over all retries, and between two; in ms. */
  readonly firstTokenTimeoutMs: number;
  /** How long an answer may take as a whole, in ms. */
  readonly totalTimeoutMs: number;
}

export interface ChatOptions extends ChatLimits {
  /** Gives the request up, at once. */
  readonly signal: AbortSignal;
  /** Takes the text as it comes; while it waits, no time runs out. */
  onText(text: string): void | Promise<void>;
  onRetry(): void;
}

/**
 * Asks for one answer and streams it.
 *
 * @throws what the package throws, {@link ChatError}, or the reason of `signal`
 */
export async function streamChat(
  client: OpenAI,
  params: ChatCompletionCreateParamsStreaming,
  options: ChatOptions,
): Promise<Completion> {
  const { signal, maxRetries, firstTokenTimeoutMs } = options;
  const firstTokenBy = performance.now() + firstTokenTimeoutMs;
  let failure: unknown;
  for (let attempt = 0; ; attempt++) {
    const completion = new Completion();
    try {
      await streamOnce(client, params, completion, firstTokenBy, options);
      return completion;
    } catch (error) {
      signal.throwIfAborted();
      // That the time ran out in a later try says less than what the first one met with.
      if (error instanceof ChatError && error.code === "NO_FIRST_TOKEN") throw failure ?? error;
      failure = error;
      const { retryable, retryAfterMs } = failureOf(error);
      // What was said cannot be taken back.
      if (!retryable || !completion.isEmpty || attempt >= maxRetries) throw error;
      const waitMs = retryAfterMs ?? RETRY_MS * 2 ** attempt * (1 + Math.random() / 4);
      if (performance.now() + waitMs >= firstTokenBy) throw error;
      options.onRetry();
      await sleep(waitMs, undefined, { signal });
    }
  }
}

async function streamOnce(
  client: OpenAI,
  params: ChatCompletionCreateParamsStreaming,
  completion: Completion,
  firstTokenBy: number,
  { signal, firstTokenTimeoutMs, totalTimeoutMs, onText }: ChatOptions,
): Promise<void> {
  const aborter = new AbortController();
  const abort = () => aborter.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  const giveUp = (error: ChatError, ms: number) => setTimeout(() => aborter.abort(error), ms);
  const tooSlow = new ChatError("TOO_SLOW", `the answer took more than ${totalTimeoutMs} ms`);
  let leftMs = totalTimeoutMs;
  let sinceMs = performance.now();
  let total = giveUp(tooSlow, leftMs);
  let silence = giveUp(
    new ChatError("NO_FIRST_TOKEN", `no answer within ${firstTokenTimeoutMs} ms`),
    Math.max(0, firstTokenBy - performance.now()),
  );
  try {
    const stream: AsyncIterable<unknown> = await client.chat.completions.create(params, { signal: aborter.signal });
    for await (const chunk of stream) {
      if (aborter.signal.aborted) break;
      const text = completion.add(chunk);
      // The chunk that only names the role comes ahead of the model's first thought.
      if (completion.isEmpty) continue;
      clearTimeout(silence);
      const roomAgain = text === "" ? undefined : onText(text);
      if (roomAgain !== undefined) {
        clearTimeout(total);
        leftMs -= performance.now() - sinceMs;
        await roomAgain;
        sinceMs = performance.now();
        total = giveUp(tooSlow, leftMs);
      }
      silence = giveUp(
        new ChatError("STALLED", `the answer stood still for ${firstTokenTimeoutMs} ms`),
        firstTokenTimeoutMs,
      );
    }
    // The package ends a stream that was aborted as if it had come to its end.
    aborter.signal.throwIfAborted();
    completion.end();
  } catch (error) {
    throw aborter.signal.aborted ? aborter.signal.reason : error;
  } finally {
    clearTimeout(silence);
    clearTimeout(total);
    signal.removeEventListener("abort", abort);
  }
}
