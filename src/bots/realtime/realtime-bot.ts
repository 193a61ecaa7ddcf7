import type { Bot } from "../../call/index.ts";
import { Apologies } from "../conversation/apologies.ts";
import {
  checkIdleMs,
  DEFAULT_APOLOGIES,
  DEFAULT_GREETING,
  DEFAULT_IDLE_MS,
  DEFAULT_INSTRUCTIONS,
} from "../conversation/defaults.ts";
import { Tally } from "../conversation/tally.ts";
import { checkTools } from "../conversation/tools/index.ts";
import { RealtimeConversation } from "./conversation.ts";
import {
  DEFAULT_REALTIME_BASE_URL,
  DEFAULT_REALTIME_MODEL,
  DEFAULT_REALTIME_VOICE,
  DEFAULT_TRANSCRIPTION_MODEL,
  type RealtimeBotOptions,
  type RealtimeSettings,
} from "./options.ts";

/**
 * A bot that is one speech-to-speech model: OpenAI hears the caller and speaks, over one WebSocket per call. It can be
 * interrupted, and is told what of its speech was heard. The audio is 24 kHz both ways, which is Wavix's own: with
 * `sampleRate: 24000` for the server nothing is resampled; the caller's audio at another rate is.
 *
 * @returns a bot that rejects with a {@link VoiceBotError} when the service is gone for good, after the caller was told so
 * @throws TypeError or RangeError for options that cannot work
 *
 * @example
 * const bot = realtimeBot({ apiKey: process.env.OPENAI_API_KEY ?? "", instructions: "You take orders for a pizzeria." });
 * const server = createServer({ bot, sampleRate: 24000 });
 */
export function realtimeBot(options: RealtimeBotOptions): Bot {
  const settings = settingsOf(options);
  const { tools = [] } = options;
  if (typeof tools !== "function") checkTools(tools);
  const apologies = new Apologies({ again: settings.again, goodbye: DEFAULT_APOLOGIES.goodbye });
  const tally = new Tally();
  const bot: Bot = (call) => new RealtimeConversation(call, settings, apologies, tally).run();
  return Object.defineProperties(bot, { counters: { get: () => tally.counters } });
}

function settingsOf(options: RealtimeBotOptions): RealtimeSettings {
  const { tools = [] } = options;
  const settings = {
    apiKey: options.apiKey,
    model: options.model ?? DEFAULT_REALTIME_MODEL,
    voice: options.voice ?? DEFAULT_REALTIME_VOICE,
    baseUrl: options.baseUrl ?? DEFAULT_REALTIME_BASE_URL,
    instructions: options.instructions ?? DEFAULT_INSTRUCTIONS,
    greeting: options.greeting ?? DEFAULT_GREETING,
    again: options.apologies?.again ?? DEFAULT_APOLOGIES.again,
    turnDetection: options.turnDetection ?? ({ type: "server_vad" } as const),
    transcriptionModel:
      options.transcriptionModel === undefined ? DEFAULT_TRANSCRIPTION_MODEL : options.transcriptionModel,
    language: options.language,
    tools: typeof tools === "function" ? tools : () => tools,
    idleMs: checkIdleMs(options.idleMs ?? DEFAULT_IDLE_MS),
    answerTimeoutMs: options.answerTimeoutMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    onEvent: options.onEvent,
  };
  for (const name of ["apiKey", "model", "voice"] as const) {
    if (typeof settings[name] === "string" && /^\S+$/.test(settings[name])) continue;
    throw new TypeError(`${name} must be a word without spaces`);
  }
  if (!/^(wss?|https?):\/\//.test(settings.baseUrl) || !URL.canParse(settings.baseUrl)) {
    throw new TypeError("baseUrl must be a URL that begins with wss:// or https://");
  }
  for (const name of ["answerTimeoutMs", "connectTimeoutMs"] as const) {
    if (settings[name] >= 1 && settings[name] <= 600_000) continue;
    throw new RangeError(`${name} must be from 1 to 600000, got ${settings[name]}`);
  }
  checkTurnDetection(settings.turnDetection);
  return settings;
}

function checkTurnDetection(detection: RealtimeSettings["turnDetection"]): void {
  if (detection.type === "semantic_vad") return;
  if (detection.type !== "server_vad") {
    throw new TypeError('turnDetection.type must be "server_vad" or "semantic_vad"');
  }
  const bounds = { threshold: 1, prefixPaddingMs: 10_000, silenceDurationMs: 10_000, idleTimeoutMs: 600_000 } as const;
  for (const [name, most] of Object.entries(bounds) as [keyof typeof bounds, number][]) {
    const value = detection[name];
    if (value === undefined || (value >= 0 && value <= most)) continue;
    throw new RangeError(`turnDetection.${name} must be from 0 to ${most}, got ${value}`);
  }
}
