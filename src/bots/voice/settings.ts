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
import type { VoiceBotOptions } from "./options.ts";
import { languageProblem, modelFor } from "./services/deepgram/models.ts";

const base = url(["https:", "wss:", "http:", "ws:"]);

/** The environment, variable by variable. */
const environment = z.object({
  OPENAI_API_KEY: key,
  DEEPGRAM_API_KEY: key,
  CARTESIA_API_KEY: key,
  OPENAI_MODEL: word,
  OPENAI_BASE_URL: base,
  DEEPGRAM_MODEL: word,
  DEEPGRAM_LANGUAGE: word,
  DEEPGRAM_BASE_URL: base,
  CARTESIA_VOICE_ID: word,
  CARTESIA_MODEL: word,
  CARTESIA_LANGUAGE: word,
  CARTESIA_BASE_URL: base,
  VOICE_INSTRUCTIONS: text,
  VOICE_GREETING: text,
  VOICE_APOLOGY: text,
  VOICE_FAREWELL: text,
  VOICE_MIN_WORDS: integer(0, 20),
  VOICE_MIN_SPEECH_MS: integer(0, 5_000),
  VOICE_IDLE_SECONDS: seconds(0, 86_400),
  VOICE_TRANSCRIPT: flag,
});

type Name = keyof typeof environment.shape;

/** Names of all variables, for `--help` and the table of the settings. */
export const voiceSettingNames = Object.keys(environment.shape) as readonly Name[];

const KEYS = ["OPENAI_API_KEY", "DEEPGRAM_API_KEY", "CARTESIA_API_KEY"] as const;

/** Settings, or everything that is wrong with them at once. */
export type ReadVoiceSettings =
  | {
      ok: true;
      settings: VoiceBotOptions;
      /** Whoever starts the bot is to show what is said: nothing does so by itself. */
      showsTranscript: boolean;
    }
  | { ok: false; problems: string[] };

/**
 * Reads from an environment how a voice bot is to be. Unset and empty variables take their defaults; the keys have none,
 * and those that are missing are all named at once.
 *
 * @example
 * const read = readVoiceSettings(process.env);
 * if (read.ok) createServer({ bot: voiceBot(read.settings) });
 */
export function readVoiceSettings(env: Readonly<Record<string, string | undefined>>): ReadVoiceSettings {
  const given = givenOf(voiceSettingNames, env);
  const parsed = environment.partial().safeParse(given);
  const problems = [...missingKeys(KEYS, given), ...problemsOf(parsed.error)];
  const { DEEPGRAM_MODEL: model, DEEPGRAM_LANGUAGE: language } = given;
  const problem = language && languageProblem(model ?? modelFor(language), language);
  if (problem) problems.push(`DEEPGRAM_LANGUAGE: ${problem}`);
  if (!parsed.success || problems.length > 0) return { ok: false, problems };

  const { data } = parsed;
  return {
    ok: true,
    showsTranscript: data.VOICE_TRANSCRIPT ?? false,
    settings: {
      deepgram: {
        apiKey: data.DEEPGRAM_API_KEY ?? "",
        ...defined({ model: data.DEEPGRAM_MODEL, language: data.DEEPGRAM_LANGUAGE, baseUrl: data.DEEPGRAM_BASE_URL }),
      },
      openai: {
        apiKey: data.OPENAI_API_KEY ?? "",
        ...defined({ model: data.OPENAI_MODEL, baseUrl: data.OPENAI_BASE_URL }),
      },
      cartesia: {
        apiKey: data.CARTESIA_API_KEY ?? "",
        ...defined({
          model: data.CARTESIA_MODEL,
          voiceId: data.CARTESIA_VOICE_ID,
          language: data.CARTESIA_LANGUAGE,
          baseUrl: data.CARTESIA_BASE_URL,
        }),
      },
      ...defined({
        instructions: data.VOICE_INSTRUCTIONS,
        greeting: data.VOICE_GREETING,
        idleMs: data.VOICE_IDLE_SECONDS,
      }),
      apologies: defined({ again: data.VOICE_APOLOGY, goodbye: data.VOICE_FAREWELL }),
      bargeIn: defined({ minWords: data.VOICE_MIN_WORDS, minSpeechMs: data.VOICE_MIN_SPEECH_MS }),
    },
  };
}
