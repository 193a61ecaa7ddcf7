/**
 * A voice bot of one speech-to-speech model: OpenAI's Realtime API.
 *
 * @module pipecat-wavix/bots/realtime
 */
export { VoiceBotError } from "../conversation/errors.ts";
export type { ConversationEvent } from "../conversation/events.ts";
export type { RealtimeCounters } from "./counters.ts";
export {
  DEFAULT_REALTIME_MODEL,
  DEFAULT_REALTIME_VOICE,
  type RealtimeBotOptions,
  type RealtimeTurnDetection,
} from "./options.ts";
export { realtimeBot } from "./realtime-bot.ts";
export { type ReadRealtimeSettings, readRealtimeSettings, realtimeSettingNames } from "./settings.ts";
