import { isCallOver, WavixApiError, type WavixRestClient } from "../wavix/control/index.ts";
import type { NewCall } from "./call-host.ts";
import type { HostSettings } from "./settings.ts";

/** Why a call did not get its stream. */
export interface AnswerFailure {
  readonly reason: "unverified" | "answer-failed" | "stream-failed";
  readonly error?: unknown;
  /** Whether the call may have been answered all the same, so that it is to be hung up. */
  readonly mayBeUp: boolean;
}

/**
 * Answers a call and has its stream started; where so configured Wavix is asked before whether there is such a call.
 * Gives up when `signal` is aborted: what it returns then means nothing.
 */
export async function answerCall(
  { callId, streamUrl }: NewCall,
  { rest, settings }: { readonly rest: WavixRestClient; readonly settings: HostSettings },
  signal: AbortSignal,
): Promise<AnswerFailure | undefined> {
  const stream = { streamUrl, streamType: "twoway" } as const;
  if (settings.verifyCalls) {
    const failure = await verify(callId, rest, signal);
    if (failure !== undefined || signal.aborted) return failure;
  }
  try {
    await rest.answer(callId, settings.answer === "with-stream" ? stream : {}, { signal });
  } catch (error) {
    const refused = error instanceof WavixApiError && REFUSED.has(error.code);
    return { reason: "answer-failed", error, mayBeUp: !refused };
  }
  if (settings.answer === "with-stream" || signal.aborted) return undefined;
  try {
    await rest.startStream(callId, stream, { signal });
  } catch (error) {
    return { reason: "stream-failed", error, mayBeUp: true };
  }
  return undefined;
}

/** A call that cannot be verified is left alone: it may be somebody else's. */
async function verify(callId: string, rest: WavixRestClient, signal: AbortSignal): Promise<AnswerFailure | undefined> {
  const unverified = { reason: "unverified", mayBeUp: false } as const;
  try {
    const call = await rest.getCall(callId, { signal });
    const good = call.callId === callId && call.direction !== "outbound" && !isCallOver(call);
    return good ? undefined : unverified;
  } catch (error) {
    return { ...unverified, error };
  }
}

/**
 * Wavix said no, so the call was not answered and there is nothing to hang up. Not so `validation`: what it complains of
 * may be the stream of a call that it has answered, or that the call is answered already.
 */
const REFUSED: ReadonlySet<string> = new Set(["not-found", "unauthorized", "forbidden", "rate-limited"]);
