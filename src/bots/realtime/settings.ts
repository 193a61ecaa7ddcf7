import { z } from "zod";
import {
  defined,
  flag,
  givenOf,
  integer,
  key,
  missingKeys,
  problemsOf,
  seconds,
  text,
  url,
  word,
} from "../../settings/index.ts";
import type { RealtimeBotOptions } from "./options.ts";

/** The environment, variable by variable. */
const environment = z.object({
  OPENAI_API_KEY: key,
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
  const given = givenOf(realtimeSettingNames, env);
  const parsed = environment.partial().safeParse(given);
  const problems = [...missingKeys(["OPENAI_API_KEY"], given), ...problemsOf(parsed.error)];
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  const { data } = parsed;
  return {
    ok: true,
    showsTranscript: data.VOICE_TRANSCRIPT ?? false,
    settings: {
      apiKey: data.OPENAI_API_KEY ?? "",
      ...defined({
        model: data.OPENAI_REALTIME_MODEL,
        voice: data.OPENAI_REALTIME_VOICE,
        baseUrl: data.OPENAI_REALTIME_BASE_URL,
        instructions: data.VOICE_INSTRUCTIONS,
        greeting: data.VOICE_GREETING,
        apologies: data.VOICE_APOLOGY === undefined ? undefined : { again: data.VOICE_APOLOGY },
        idleMs: data.VOICE_IDLE_SECONDS,
        turnDetection: turnDetectionOf(data.OPENAI_REALTIME_TURN_DETECTION, data.OPENAI_REALTIME_SILENCE_MS),
      }),
    },
  };
}

function turnDetectionOf(
  type: "server_vad" | "semantic_vad" | undefined,
  silenceDurationMs: number | undefined,
): RealtimeBotOptions["turnDetection"] {
  if (type === "semantic_vad") return { type };
  if (type === undefined && silenceDurationMs === undefined) return undefined;
  return { type: "server_vad", ...(silenceDurationMs === undefined ? {} : { silenceDurationMs }) };
}
