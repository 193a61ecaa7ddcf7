/**
 * A voice bot of three services, Deepgram, OpenAI and Cartesia, and what it is made of.
 *
 * @module pipecat-wavix/bots/voice
 */
export { VoiceBotError } from "../conversation/errors.ts";
export type { ConversationEvent } from "../conversation/events.ts";
export type { VoiceCounters } from "../conversation/tally.ts";
export { collectDigitsTool } from "../conversation/tools/collect-digits.ts";
export { endCallTool } from "../conversation/tools/end-call.ts";
export type { TurnFigures } from "../conversation/turn-figures.ts";
export type { VoiceBotOptions } from "./options.ts";
export * from "./services/cartesia/index.ts";
export * from "./services/deepgram/index.ts";
export * from "./services/openai/index.ts";
export { type ReadVoiceSettings, readVoiceSettings, voiceSettingNames } from "./settings.ts";
export { TurnMeter } from "./turn-meter.ts";
export { voiceBot } from "./voice-bot.ts";
