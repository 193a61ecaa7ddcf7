import { z } from "zod";
import { flag, integer, seconds, url } from "../../settings/index.ts";
import type { RealtimeBotOptions } from "./options.ts";

const word = z.string().regex(/^\S{1,200}$/, "must be one word");
const text = z.string().max(20_000, "must have 20000 characters at most");

/** The environment, variable by variable. */
const environment = z.object({
  /** A key is never quoted; that it holds a space says that it is something else. */
  OPENAI_API_KEY: z.string().regex(/^\S+$/, "must be a key: no spaces"),
  OPENAI_REALTIME_MODEL: word,
  OPENAI_REALTIME_VOICE: word,
  OPENAI_REALTIME_BASE_URL: url(["https:", "wss:", "http:", "ws:"]),
  OPENAI_REALTIME_TURN_DETECTION: z.enum(["server_vad", "semantic_vad"], "must be server_vad or semantic_vad"),
  OPENAI_REALTIME_SILENCE_MS: integer(100, 10_000),
  VOICE_INSTRUCTIONS: text,
  VOICE_GREETING: text,
  VOICE_APOLOGY: text,
  VOICE_IDLE_SECONDS: seconds(0, 86_400),
  VOICE_TRANSCRIPT: flag,
});

type Name = keyof typeof environment.shape;

/** Names of all variables, for the table of the settings. */
export const realtimeSettingNames = Object.keys(environment.shape) as readonly Name[];

/** Settings, or everything that is wrong with them at once. */
export type ReadRealtimeSettings =
  | {
      ok: true;
      settings: RealtimeBotOptions;
      /** Whoever starts the bot is to show what is said: nothing does so by itself. */
      showsTranscript: boolean;
    }
  | { ok: false; problems: string[] };

/**
 * Reads from an environment how a speech-to-speech bot is to be. Unset and empty variables take their defaults; the key has
 * none.
 *
 * @example
 * const read = readRealtimeSettings(process.env);
 * if (read.ok) createServer({ bot: realtimeBot(read.settings), sampleRate: 24000 });
 */
export function readRealtimeSettings(env: Readonly<Record<string, string | undefined>>): ReadRealtimeSettings {
  const given = Object.fromEntries(
    realtimeSettingNames
      .map((name) => [name, env[name]?.trim()])
      .filter(([, value]) => value !== undefined && value !== ""),
  ) as Partial<Record<Name, string>>;
  const parsed = environment.partial().safeParse(given);
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`);
  if (given.OPENAI_API_KEY === undefined) {
    problems.unshift("OPENAI_API_KEY is missing: set it in .env (see .env.example)");
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  const { data } = parsed;
  const options: Record<string, unknown> = {
    apiKey: data.OPENAI_API_KEY,
    model: data.OPENAI_REALTIME_MODEL,
    voice: data.OPENAI_REALTIME_VOICE,
    baseUrl: data.OPENAI_REALTIME_BASE_URL,
    instructions: data.VOICE_INSTRUCTIONS,
    greeting: data.VOICE_GREETING,
    apologies: data.VOICE_APOLOGY === undefined ? undefined : { again: data.VOICE_APOLOGY },
    idleMs: data.VOICE_IDLE_SECONDS,
    turnDetection: turnDetectionOf(data.OPENAI_REALTIME_TURN_DETECTION, data.OPENAI_REALTIME_SILENCE_MS),
  };
  // Without what is undefined: that would hide a default behind it.
  const settings = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const showsTranscript = data.VOICE_TRANSCRIPT ?? false;
  return { ok: true, showsTranscript, settings: settings as unknown as RealtimeBotOptions };
}

function turnDetectionOf(
  type: "server_vad" | "semantic_vad" | undefined,
  silenceDurationMs: number | undefined,
): RealtimeBotOptions["turnDetection"] {
  if (type === "semantic_vad") return { type };
  if (type === undefined && silenceDurationMs === undefined) return undefined;
  return { type: "server_vad", ...(silenceDurationMs === undefined ? {} : { silenceDurationMs }) };
}
