import type { Bot } from "../../../call/index.ts";
import { type ServerSettings, webhookUrlOf } from "../../../server/index.ts";
import { findingsOf } from "./findings.ts";
import { CallListener } from "./listener.ts";
import type { CallReportParts } from "./report.ts";
import { RestProbe } from "./rest-probe.ts";
import { CallScript, SCRIPT_TIMES, type ScriptTimes } from "./script.ts";
import { watchBot } from "./watch-bot.ts";

/** How the first call is waited for. */
export interface WatchCallOptions {
  readonly settings: ServerSettings;
  readonly waitMs: number;
  /** Who has the call; undefined: the script, which sees more. */
  readonly bot: Bot | undefined;
  readonly times?: ScriptTimes;
  /** Ends the waiting; a call that is there is hung up, and written down as far as it came. */
  readonly signal?: AbortSignal;
  /** It can be dialled now. */
  onListening(): void;
  /** The call is there. */
  onCall(): void;
}

/**
 * Waits for the first call and writes down what happens on it.
 *
 * @returns undefined when none came in time
 * @throws Error when the port cannot be had
 */
export async function watchFirstCall(options: WatchCallOptions): Promise<CallReportParts | undefined> {
  const { settings, bot, waitMs, onListening, signal } = options;
  if (bot === undefined) return watchByScript(options);
  const watched = await watchBot(settings, bot, waitMs, onListening, signal);
  if (watched === undefined) return undefined;
  const { seen, timeline } = watched;
  const cutShort = seen.media === undefined ? "the call had no stream" : undefined;
  return { startedAt: new Date(), points: findingsOf(seen), rest: [], timeline, cutShort };
}

async function watchByScript(options: WatchCallOptions): Promise<CallReportParts | undefined> {
  const { settings, waitMs, times = SCRIPT_TIMES, onListening, onCall, signal } = options;
  const { host, port, webhookSecret, wavixApiBase, wavixApiKey } = settings;
  const webhookPath = new URL(webhookUrlOf("http://here", webhookSecret)).pathname;
  const listener = new CallListener({ host, port, webhookPath, holdMs: times.ringMs / 4 });
  const listens = await listener.open();
  try {
    onListening();
    if (!(await listener.firstCall(waitMs, signal))) return undefined;
    onCall();
    const startedAt = new Date();
    const rest = new RestProbe(wavixApiBase, wavixApiKey, listener.watch);
    const base = (settings.publicUrl ?? `http://127.0.0.1:${listens}`).replace(/^http/, "ws");
    const seen = await new CallScript(listener, rest, base, times).run(signal);
    const { timeline } = listener.watch;
    return { startedAt, points: findingsOf(seen), rest: rest.facts, timeline, cutShort: seen.cutShort };
  } finally {
    await listener.close();
  }
}
