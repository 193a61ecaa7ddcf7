import { z } from "zod";
import { REPORT_LIMITS } from "../../call/index.ts";
import { type CallEvent, isCallId } from "../../wavix/control/index.ts";
import { DURATION_BUCKETS_MS } from "../bot-durations.ts";
import { BOT_EVENT_NAME, MAX_BOT_EVENTS } from "../bot-events.ts";
import type { NewCall } from "../call-host.ts";
import type { CallRecord } from "../call-record.ts";
import type { CallFigures } from "../figures.ts";
import type { CallSnapshot } from "../live-call.ts";
import type { HostSettings } from "../settings.ts";

// What primary and worker say to each other. Only the set-up of a call goes this way, never a packet. A bot may send
// messages of its own from a worker, so that both sides look at what comes.

/** A value of this package's own making: what is relied on is checked, the rest is taken as it is. */
const like = <T>(shape: z.ZodType) => z.custom<T>((value) => shape.safeParse(value).success);

/** By name, up to a number of names: they become labels. */
const few = <T>(max: number, name: z.ZodType<string, string>, of: z.ZodType<T>) =>
  z.record(name, of).refine((all) => Object.keys(all).length <= max);

const count = z.number().nonnegative();
const key = z.string().min(1).max(200);
const token = z.object({ tokenId: z.string().max(64), expiresAtMs: z.number() });
const call = like<NewCall>(z.looseObject({ callId: z.string().refine(isCallId), streamUrl: z.string() }));
const event = like<CallEvent>(
  z.looseObject({ callId: z.string().refine(isCallId), kind: z.string(), eventType: z.string() }),
);
const record = like<CallRecord>(
  z.looseObject({
    startedAt: z.string(),
    endedAt: z.string(),
    endedBy: z.enum(["bot", "caller", "server"]),
    reason: z.string(),
    durationMs: count,
  }),
);
const snapshots = like<CallSnapshot[]>(z.array(z.looseObject({ state: z.string(), startedAt: z.string() })));
const figures: z.ZodType<CallFigures> = z.object({
  packetsIn: count,
  packetsOut: count,
  interruptions: count,
  starvations: count,
  traceLinesLost: count,
  callsUntraced: count,
  dropped: z.record(z.string(), count),
  botEvents: few(MAX_BOT_EVENTS, z.string().regex(BOT_EVENT_NAME), count),
  botDurations: few(
    REPORT_LIMITS.names,
    z.string().regex(REPORT_LIMITS.name),
    few(
      REPORT_LIMITS.figures,
      z.string().regex(REPORT_LIMITS.figure).endsWith("Ms"),
      z.object({ counts: z.array(count).length(DURATION_BUCKETS_MS.length + 1), sumMs: count }),
    ),
  ),
  lateness: z.object({ counts: z.array(count).max(100), sumMs: count }),
});
/** The part of an upgrade request that a handshake needs. */
const handshake = z.object({
  method: z.string(),
  headers: z.record(z.string(), z.string()),
  /** What came behind the request, base64. */
  head: z.string(),
});
const health = z.object({
  sustainedDelayMs: count,
  /** Of the event loop's delay, in ms. */
  quantilesMs: z.object({ p50: count, p90: count, p99: count }),
  rssBytes: count,
  cpuSeconds: count,
  figures,
});
const setup = z.object({
  /** 1 to the number of workers; a worker that takes the place of a dead one has its number. */
  worker: z.number().int(),
  settings: like<HostSettings>(z.looseObject({ sampleRate: z.number(), startTimeoutMs: z.number() })),
  rest: z.object({ apiKey: z.string().optional(), baseUrl: z.string() }),
  logLevel: z.string(),
  beatMs: z.number().positive(),
  /** For the program that the worker runs. */
  init: z.unknown(),
});

const toWorker = z.discriminatedUnion("type", [
  z.object({ type: z.literal("setup"), setup }),
  z.object({ type: z.literal("begin"), call }),
  z.object({ type: z.literal("event"), event }),
  /** Comes with the TCP socket; without a token it is an open one. */
  z.object({ type: z.literal("socket"), key, token: token.optional(), handshake }),
  z.object({ type: z.literal("end-all"), reason: z.string() }),
  z.object({
    type: z.literal("ask"),
    id: z.number(),
    what: z.enum(["snapshots", "figures", "trace", "hang-up"]),
    callId: z.string(),
    /** Of a hang-up. */
    reason: z.string(),
  }),
  /** There are no calls any more, and there will be none. */
  z.object({ type: z.literal("exit") }),
]);

/** Codes of a `ServerError` that a worker may fail to start with. */
export const startFailure = z.enum(["BAD_BOT", "BAD_PROMPT", "BAD_TRACE_DIR", "NO_WORKER"]);

const fromWorker = z.discriminatedUnion("type", [
  /** It listens. */
  z.object({ type: z.literal("hello") }),
  /** Its bots are loaded. */
  z.object({ type: z.literal("ready") }),
  /** It cannot start. */
  z.object({ type: z.literal("failed"), code: startFailure, message: z.string() }),
  z.object({ type: z.literal("beat"), health }),
  z.object({ type: z.literal("token-used"), key, token }),
  /** Without a record it never began: no WebSocket came of an open socket. */
  z.object({ type: z.literal("ended"), key, record: record.optional() }),
  z.object({
    type: z.literal("answer"),
    id: z.number(),
    snapshots: snapshots.optional(),
    figures: figures.optional(),
    hungUp: z.boolean().optional(),
    trace: z.object({ known: z.boolean(), file: z.string().optional() }).optional(),
  }),
]);

export type ToWorker = z.infer<typeof toWorker>;
export type FromWorker = z.infer<typeof fromWorker>;
export type Handshake = z.infer<typeof handshake>;
export type Health = z.infer<typeof health>;
export type Setup = z.infer<typeof setup>;

/** What the primary says; undefined for anything else. */
export function parseToWorker(message: unknown): ToWorker | undefined {
  return toWorker.safeParse(message).data;
}

/** What a worker says; undefined for anything else. */
export function parseFromWorker(message: unknown): FromWorker | undefined {
  return fromWorker.safeParse(message).data;
}
