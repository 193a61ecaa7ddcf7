import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { Bot } from "../../../call/index.ts";
import { createServer, type ServerSettings } from "../../../server/index.ts";
import { parseTrace, type Trace, type TraceStep } from "../../../wavix/trace/index.ts";
import { listen } from "../../listening.ts";
import type { WebhookFact } from "./listener.ts";
import type { Observations } from "./observations.ts";
import { type CutPayload, StreamFacts } from "./stream-facts.ts";
import type { Watch } from "./watch.ts";

/** How often it is looked whether there is a call: the server tells of none that no bot has had. */
const LOOK_MS = 50;

/** What was seen of a call that a bot has had. */
export interface WatchedCall {
  readonly seen: Observations;
  readonly timeline: Watch["timeline"];
}

/**
 * Lets a bot have the first call, and looks on by its trace. Less is seen than by the script: nothing is tried.
 *
 * @returns undefined when no call came in time
 */
export async function watchBot(
  settings: ServerSettings,
  bot: Bot,
  waitMs: number,
  onListening: () => void,
  signal?: AbortSignal,
): Promise<WatchedCall | undefined> {
  const traceDir = await mkdtemp(join(tmpdir(), "pipecat-wavix-call-"));
  const server = createServer({
    ...settings,
    ...{ maxCalls: 1, workers: 1, traceDir, traceCalls: "all", traceAudio: false },
    logger: pino({ level: "silent" }),
    bot,
  });
  try {
    await listen(server, settings);
    onListening();
    const latestMs = performance.now() + waitMs;
    const firstTrace = async () => (await readdir(traceDir)).filter((name) => name.endsWith(".jsonl")).sort()[0];
    // One that came in time may go on for as long as it likes. It may also be over before the bot, or a stream, is there.
    const mayCome = async () => (await firstTrace()) === undefined && performance.now() < latestMs;
    while (!signal?.aborted && ((await mayCome()) || server.callCount > 0)) await sleep(LOOK_MS);
    await server.drain(0);
    await server.close();
    const file = await firstTrace();
    return file === undefined ? undefined : watchedCallOf(parseTrace(await readFile(join(traceDir, file))));
  } finally {
    await server.close();
    await rm(traceDir, { recursive: true, force: true });
  }
}

/** What a trace tells of what the documents do not. */
export function watchedCallOf({ steps }: Trace): WatchedCall {
  const webhooks: WebhookFact[] = [];
  const seen: Observations = { webhooks };
  const timeline: { ms: number; what: string }[] = [];
  const media = new StreamFacts();
  const note = (ms: number, what: string) => timeline.length < 1_000 && timeline.push({ ms, what });
  let closedMs: number | null = null;
  let code: number | null = null;
  let closedByUs = false;
  for (const step of steps) {
    if (step.kind === "webhook") {
      webhooks.push(webhookOf(step, webhooks.length));
      note(step.ms, `webhook ${step.event}`);
    } else if (step.kind === "rest") {
      if (step.operation === "answer") seen.answeredAtMs = step.ms;
      note(step.ms, `${step.operation}: ${step.outcome} after ${Math.round(step.tookMs)} ms`);
    } else if (step.kind === "text" && step.dir === "in") {
      const event = media.read(step.text, step.ms, cutOf(step));
      if (event !== undefined) note(step.ms, event);
    } else if (step.kind === "close") {
      closedByUs ||= step.dir === "out";
      if (step.dir === "in" && !closedByUs) [closedMs, code] = [step.ms, step.code];
      note(step.ms, `closed with ${step.code}${step.dir === "out" ? ", by us" : ""}`);
    }
  }
  if (media.events.length > 0) seen.media = media;
  const over = webhooks.find(({ isOver }) => isOver);
  // Where the server was quicker to close, it is not seen whether Wavix would have.
  const wasSeen = closedMs !== null;
  seen.end = { stopMs: wasSeen ? (media.stopAtMs ?? null) : null, closedMs, code, webhookMs: over?.atMs ?? null };
  return { seen, timeline };
}

function webhookOf({ ms, event }: TraceStep & { kind: "webhook" }, index: number): WebhookFact {
  const isOver = /^(completed|busy|cancelled|rejected|failed)$/.test(event);
  // Of a call's own events each comes once; what happens within it may come often.
  const body = event === "on_call_event" ? `${event} ${index}` : event;
  return { atMs: ms, event, ids: "unknown", body, overlapping: false, status: 200, headers: [], isOver };
}

function cutOf({ cuts }: TraceStep & { kind: "text" }): CutPayload | undefined {
  const [cut] = cuts ?? [];
  // Padding is left in the text.
  return (
    cut && { byteLength: Math.floor((cut.length * 3) / 4), silent: cut.levelDb === undefined || cut.levelDb < -60 }
  );
}
