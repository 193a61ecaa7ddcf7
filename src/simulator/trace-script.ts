import { restore, type SocketStep, type Trace } from "../wavix/trace/index.ts";
import type { CallScript, ScriptedMessage } from "./script.ts";

/** What the replay of a trace is made with. */
export interface TraceScriptOptions {
  /** Take the place of the recorded call's and its stream's. Others, which are nobody's, stay. */
  callId: string;
  streamId: string;
  /** 2 plays it in half the time. Default 1. */
  speed?: number;
}

/** The steps of the socket that has the most messages from Wavix: a first one may have been given up for a newer. */
export function streamSteps({ steps }: Trace): SocketStep[] {
  const counts = new Map<number, number>();
  const onSockets = steps.filter((step): step is SocketStep => "socket" in step);
  for (const { socket, dir, kind } of onSockets) {
    const count = counts.get(socket) ?? 0;
    counts.set(socket, dir === "in" && (kind === "text" || kind === "binary") ? count + 1 : count);
  }
  const [chosen] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  return onSockets.filter(({ socket }) => socket === chosen);
}

/** What Wavix sent on that socket, up to where the server ended the call: what comes behind only answers that. */
export function incomingSteps(trace: Trace): SocketStep[] {
  const steps = streamSteps(trace);
  const hangUp = trace.steps.find((step) => step.kind === "rest" && step.operation === "hangUp");
  const hungUpMs = hangUp?.kind === "rest" ? hangUp.ms - hangUp.tookMs : Infinity;
  // A server that only answers the end closes, and hangs up to be sure, behind it.
  const endMs = Math.min(hungUpMs, steps.find(({ dir, kind }) => dir === "out" && kind === "close")?.ms ?? Infinity);
  return steps.filter(({ ms, dir, kind }) => dir === "in" && ms < endMs && (kind === "text" || kind === "binary"));
}

/**
 * A script for `placeCall` that sends what Wavix sent in a trace, message by message at its moment, wrong ones too. Where a
 * payload was left out stands a tone of the same length and level.
 *
 * @example
 * const ids = { callId: randomUUID(), streamId: randomUUID() };
 * simulator.placeCall({ webhookUrl, callId: ids.callId, script: scriptOf(parseTrace(bytes), ids) });
 */
export function scriptOf(trace: Trace, { callId, streamId, speed = 1 }: TraceScriptOptions): CallScript {
  const steps = streamSteps(trace);
  const originMs = steps[0]?.ms ?? 0;
  const atMs = ({ ms }: SocketStep) => (ms - originMs) / speed;
  const incoming = incomingSteps(trace);
  const recorded = recordedIds(trace, incoming);
  const renamed = (text: string) =>
    text.replace(/"(stream_id|call_id)"(\s*:\s*)"([^"\\]*)"/g, (all, field, colon, id) => {
      const own = field === "call_id" ? callId : streamId;
      return id === recorded[field as keyof typeof recorded] ? `"${field}"${colon}"${own}"` : all;
    });

  function* messages(): Generator<ScriptedMessage, void> {
    for (const step of incoming) {
      if (step.kind === "text") yield { atMs: atMs(step), data: renamed(restore(step.text, step.cuts)) };
      else if (step.kind === "binary") yield { atMs: atMs(step), data: bytesOf(step) };
    }
  }
  const closes = steps.filter((step) => step.kind === "close");
  const [first] = closes;
  // Where the server closed, it is the server's to close again.
  const close = first === undefined || first.dir === "out" ? {} : { close: { atMs: atMs(first), code: codeOf(first) } };
  return { streamId, messages: { [Symbol.iterator]: messages }, ...close };
}

function bytesOf(step: SocketStep & { kind: "binary" }): Uint8Array {
  return step.base64 === undefined ? Buffer.alloc(step.byteLength) : Buffer.from(step.base64, "base64");
}

/** A close without a code becomes the plainest: ws sends none without. */
function codeOf({ code }: SocketStep & { kind: "close" }): number | "cut" {
  if (code === 1006) return "cut";
  const sendable = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
  return sendable ? code : 1000;
}

/** The ids that most of what Wavix sent has: a stray message may name others. */
function recordedIds({ header }: Trace, steps: readonly SocketStep[]): { call_id?: string; stream_id?: string } {
  const counts = { call_id: new Map<string, number>(), stream_id: new Map<string, number>() };
  for (const step of steps) {
    if (step.kind !== "text") continue;
    for (const [, field, id] of step.text.matchAll(/"(call_id|stream_id)"\s*:\s*"([^"\\]*)"/g)) {
      const ids = counts[field as keyof typeof counts];
      ids.set(id as string, (ids.get(id as string) ?? 0) + 1);
    }
  }
  const most = (ids: Map<string, number>) => [...ids].sort(([, a], [, b]) => b - a)[0]?.[0];
  const ids = { call_id: most(counts.call_id) ?? header.callId, stream_id: most(counts.stream_id) };
  return Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== undefined));
}
