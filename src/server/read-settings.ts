import { z } from "zod";
import { SAMPLE_RATES } from "../codec/index.ts";
import { flag, givenOf, integer, oneOf, problemsOf, seconds, url } from "../settings/index.ts";
import { networks, workerCount } from "./setting-values.ts";
import { defaultSettings, LOCAL_API_BASE, type ServerSettings, WAVIX_API_BASE } from "./settings.ts";

const webhookSecret = z.string().regex(/^[\w-]{8,128}$/, "must be 8 to 128 letters, digits, - or _");
const tokenSecret = z.string().regex(/^.{16,1024}$/s, "must have 16 to 1024 characters");

/** The environment, variable by variable. README: «Settings» shows the same. */
const environment = z.object({
  HOST: z.string().min(1),
  PORT: integer(0, 65_535),
  PUBLIC_URL: url(["https:", "http:"]),
  // What fits a header: a key that was pasted with its line break fails here and not at the first call.
  WAVIX_API_KEY: z.string().regex(/^[!-~]{8,1024}$/, "must be the key alone, without blanks or line breaks"),
  WAVIX_API_BASE: url(["https:", "http:"]),
  WEBHOOK_SECRET: webhookSecret,
  WEBHOOK_SECRET_PREVIOUS: webhookSecret,
  WEBHOOK_ALLOW: networks,
  VERIFY_CALLS: flag,
  STREAM_TOKEN_SECRET: tokenSecret,
  STREAM_TOKEN_SECRET_PREVIOUS: tokenSecret,
  OPERATOR_TOKEN: z.string().regex(/^[!-~]{16,1024}$/, "must be 16 to 1024 characters without blanks"),
  TRUST_PROXY: networks,
  OPEN_WS: flag,
  STRICT_START: flag,
  WORKERS: workerCount,
  MAX_CALLS: integer(1, 100_000),
  MAX_CALLS_PER_SECOND: integer(0, 100_000),
  MAX_LOOP_DELAY_MS: integer(0, 60_000),
  ADDRESS_REQUESTS_PER_SECOND: integer(0, 100_000),
  MAX_MESSAGES_PER_SECOND: integer(0, 100_000),
  WHEN_FULL: oneOf("ring", "hang-up"),
  ANSWER: oneOf("with-stream", "then-stream"),
  SAMPLE_RATE: z
    .string()
    .transform(Number)
    .refine((rate) => (SAMPLE_RATES as readonly number[]).includes(rate), `must be one of ${SAMPLE_RATES.join(", ")}`),
  PLAYOUT_DELAY_MS: integer(0, 2_000),
  SEND_AHEAD_MS: integer(0, 10_000),
  MAX_CALL_SECONDS: seconds(1, 86_400),
  IDLE_TIMEOUT_SECONDS: seconds(1, 3_600),
  NO_MEDIA_TIMEOUT_SECONDS: seconds(0, 3_600),
  PING_SECONDS: seconds(0, 3_600),
  START_TIMEOUT_SECONDS: seconds(1, 300),
  REQUEST_TIMEOUT_SECONDS: seconds(1, 300),
  DRAIN_SECONDS: seconds(0, 86_400),
  FAILURE_PROMPT: z.string(),
  CDR: z.string(),
  TRACE_DIR: z.string(),
  TRACE_CALLS: oneOf("all", "asked"),
  TRACE_AUDIO: flag,
  LOG_LEVEL: oneOf("fatal", "error", "warn", "info", "debug", "trace", "silent"),
});

/** Names of all variables, for `--help` and the README's table. */
export const settingNames: readonly string[] = Object.keys(environment.shape);

/** Settings, or everything that is wrong with them at once. */
export type ReadSettings = { ok: true; settings: ServerSettings } | { ok: false; problems: string[] };

/**
 * Reads the settings from an environment. Unset and empty variables take their defaults; with a `WAVIX_API_KEY` the
 * server is for real: it then wants a `PUBLIC_URL` and listens on all addresses.
 *
 * @example
 * const read = readSettings({ PORT: "8080" });
 * if (read.ok) read.settings.port; // 8080
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): ReadSettings {
  const given = givenOf(settingNames, env);
  const parsed = environment.partial().safeParse(given);
  const problems = problemsOf(parsed.error);
  const local = given.WAVIX_API_KEY === undefined;
  if (!local && given.PUBLIC_URL === undefined) {
    problems.push("PUBLIC_URL is missing: the https:// address under which Wavix reaches this server");
  }
  for (const name of ["WEBHOOK_SECRET", "STREAM_TOKEN_SECRET"]) {
    if (given[`${name}_PREVIOUS`] !== undefined && given[name] === undefined) {
      problems.push(`${name} is missing: ${name}_PREVIOUS is only good beside a new one`);
    }
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems };

  const { data } = parsed;
  const defaults = defaultSettings;
  const settings: ServerSettings = {
    host: data.HOST ?? (local ? defaults.host : "0.0.0.0"),
    port: data.PORT ?? defaults.port,
    publicUrl: data.PUBLIC_URL,
    wavixApiKey: data.WAVIX_API_KEY,
    wavixApiBase: data.WAVIX_API_BASE ?? (local ? LOCAL_API_BASE : WAVIX_API_BASE),
    webhookSecret: data.WEBHOOK_SECRET,
    webhookSecretPrevious: data.WEBHOOK_SECRET_PREVIOUS,
    webhookAllow: data.WEBHOOK_ALLOW,
    verifyCalls: data.VERIFY_CALLS ?? defaults.verifyCalls,
    streamTokenSecret: data.STREAM_TOKEN_SECRET,
    streamTokenSecretPrevious: data.STREAM_TOKEN_SECRET_PREVIOUS,
    operatorToken: data.OPERATOR_TOKEN,
    trustProxy: data.TRUST_PROXY,
    openWs: data.OPEN_WS ?? defaults.openWs,
    strictStart: data.STRICT_START ?? defaults.strictStart,
    workers: data.WORKERS ?? defaults.workers,
    maxCalls: data.MAX_CALLS ?? defaults.maxCalls,
    maxCallsPerSecond: data.MAX_CALLS_PER_SECOND ?? defaults.maxCallsPerSecond,
    maxLoopDelayMs: data.MAX_LOOP_DELAY_MS ?? defaults.maxLoopDelayMs,
    addressRequestsPerSecond: data.ADDRESS_REQUESTS_PER_SECOND ?? defaults.addressRequestsPerSecond,
    maxMessagesPerSecond: data.MAX_MESSAGES_PER_SECOND ?? defaults.maxMessagesPerSecond,
    whenFull: data.WHEN_FULL ?? defaults.whenFull,
    answer: data.ANSWER ?? defaults.answer,
    sampleRate: data.SAMPLE_RATE ?? defaults.sampleRate,
    playoutDelayMs: data.PLAYOUT_DELAY_MS ?? defaults.playoutDelayMs,
    sendAheadMs: data.SEND_AHEAD_MS ?? defaults.sendAheadMs,
    maxCallMs: data.MAX_CALL_SECONDS ?? defaults.maxCallMs,
    idleTimeoutMs: data.IDLE_TIMEOUT_SECONDS ?? defaults.idleTimeoutMs,
    noMediaTimeoutMs: data.NO_MEDIA_TIMEOUT_SECONDS ?? defaults.noMediaTimeoutMs,
    pingMs: data.PING_SECONDS ?? defaults.pingMs,
    startTimeoutMs: data.START_TIMEOUT_SECONDS ?? defaults.startTimeoutMs,
    requestTimeoutMs: data.REQUEST_TIMEOUT_SECONDS ?? defaults.requestTimeoutMs,
    drainMs: data.DRAIN_SECONDS ?? defaults.drainMs,
    failurePrompt: data.FAILURE_PROMPT,
    cdr: data.CDR,
    traceDir: data.TRACE_DIR,
    traceCalls: data.TRACE_CALLS ?? defaults.traceCalls,
    traceAudio: data.TRACE_AUDIO ?? defaults.traceAudio,
    logLevel: data.LOG_LEVEL ?? defaults.logLevel,
  };
  return { ok: true, settings };
}
