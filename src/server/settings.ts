import { z } from "zod";
import { SAMPLE_RATES } from "../codec/index.ts";

/** What a server needs to know. Times are in ms. Made by {@link readSettings}, or by hand on {@link defaultSettings}. */
export interface ServerSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where Wavix reaches this server, `https://…`; undefined in local mode: the address it listens on. */
  readonly publicUrl: string | undefined;
  /** Undefined in local mode. */
  readonly wavixApiKey: string | undefined;
  readonly wavixApiBase: string;
  /** Last part of the webhook's path; undefined for none. */
  readonly webhookSecret: string | undefined;
  /** Signs the stream tokens; undefined for a random one, which ends with the process. */
  readonly streamTokenSecret: string | undefined;
  /** Lets sockets without a token in, on plain `/ws`. */
  readonly openWs: boolean;
  /** Ends a call whose `start` names another one. */
  readonly strictStart: boolean;
  readonly maxCalls: number;
  /** What happens to a call for which there is no room: it rings on, or is hung up. */
  readonly whenFull: "ring" | "hang-up";
  /** Answer and stream in one request, or one after the other. */
  readonly answer: "with-stream" | "then-stream";
  /** Rate of the frames that bots get, in Hz. */
  readonly sampleRate: number;
  readonly playoutDelayMs: number;
  readonly sendAheadMs: number;
  readonly maxCallMs: number;
  readonly idleTimeoutMs: number;
  /** How long the socket may take to come after the answer, and its first message after that. */
  readonly startTimeoutMs: number;
  /** How long calls may go on once the server has been told to stop. */
  readonly drainMs: number;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}

const WAVIX_API_BASE = "https://api.wavix.com";
/** Where `call`, `load` and the demo open the stand-in for Wavix. */
const LOCAL_API_BASE = "http://127.0.0.1:7870";

/** Local mode: this machine only, no key, the simulator in Wavix's place. */
export const defaultSettings: ServerSettings = {
  host: "127.0.0.1",
  port: 7860,
  publicUrl: undefined,
  wavixApiKey: undefined,
  wavixApiBase: LOCAL_API_BASE,
  webhookSecret: undefined,
  streamTokenSecret: undefined,
  openWs: false,
  strictStart: false,
  maxCalls: 500,
  whenFull: "ring",
  answer: "with-stream",
  sampleRate: 16_000,
  playoutDelayMs: 60,
  sendAheadMs: 200,
  maxCallMs: 4 * 3_600_000,
  idleTimeoutMs: 60_000,
  startTimeoutMs: 10_000,
  drainMs: 10_000,
  logLevel: "info",
};

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
const seconds = (min: number, max: number) => integer(min, max).transform((value) => value * 1_000);
const flag = z
  .string()
  .regex(/^(0|1|true|false)$/, "must be 1 or 0")
  .transform((value) => value === "1" || value === "true");
const url = (protocols: string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    })
    .transform((value) => new URL(value))
    .refine(({ search, hash, username, password }) => search + hash + username + password === "", {
      message: "must be a URL without user name, query and fragment",
    })
    // Paths are put behind it.
    .transform(({ href }) => href.replace(/\/+$/, ""));
const oneOf = <T extends string>(...values: [T, ...T[]]) =>
  z.enum(values, { message: `must be one of ${values.join(", ")}` });

/** The environment, variable by variable. README: «Settings» shows the same. */
const environment = z.object({
  HOST: z.string().min(1),
  PORT: integer(0, 65_535),
  PUBLIC_URL: url(["https:", "http:"]),
  // What fits a header: a key that was pasted with its line break fails here and not at the first call.
  WAVIX_API_KEY: z.string().regex(/^[!-~]{8,1024}$/, "must be the key alone, without blanks or line breaks"),
  WAVIX_API_BASE: url(["https:", "http:"]),
  WEBHOOK_SECRET: z.string().regex(/^[\w-]{8,128}$/, "must be 8 to 128 letters, digits, - or _"),
  STREAM_TOKEN_SECRET: z.string().regex(/^.{16,1024}$/s, "must have 16 to 1024 characters"),
  OPEN_WS: flag,
  STRICT_START: flag,
  MAX_CALLS: integer(1, 100_000),
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
  START_TIMEOUT_SECONDS: seconds(1, 300),
  DRAIN_SECONDS: seconds(0, 86_400),
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
  const given = Object.fromEntries(
    settingNames.map((name) => [name, env[name]?.trim()]).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = environment.partial().safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`);
  const local = given.WAVIX_API_KEY === undefined;
  if (!local && given.PUBLIC_URL === undefined) {
    problems.push("PUBLIC_URL is missing: the https:// address under which Wavix reaches this server");
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
    streamTokenSecret: data.STREAM_TOKEN_SECRET,
    openWs: data.OPEN_WS ?? defaults.openWs,
    strictStart: data.STRICT_START ?? defaults.strictStart,
    maxCalls: data.MAX_CALLS ?? defaults.maxCalls,
    whenFull: data.WHEN_FULL ?? defaults.whenFull,
    answer: data.ANSWER ?? defaults.answer,
    sampleRate: data.SAMPLE_RATE ?? defaults.sampleRate,
    playoutDelayMs: data.PLAYOUT_DELAY_MS ?? defaults.playoutDelayMs,
    sendAheadMs: data.SEND_AHEAD_MS ?? defaults.sendAheadMs,
    maxCallMs: data.MAX_CALL_SECONDS ?? defaults.maxCallMs,
    idleTimeoutMs: data.IDLE_TIMEOUT_SECONDS ?? defaults.idleTimeoutMs,
    startTimeoutMs: data.START_TIMEOUT_SECONDS ?? defaults.startTimeoutMs,
    drainMs: data.DRAIN_SECONDS ?? defaults.drainMs,
    logLevel: data.LOG_LEVEL ?? defaults.logLevel,
  };
  return { ok: true, settings };
}
