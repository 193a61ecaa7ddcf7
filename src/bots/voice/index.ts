/**
 * A voice bot of three services, Deepgram, OpenAI and Cartesia, and what it is made of.
 *
 * @module pipecat-wavix/bots/voice
 */
export { type CollectedDigits, DigitCollector } from "./digit-collector.ts";
export { VoiceBotError } from "./errors.ts";
export type { ConversationEvent } from "./events.ts";
export type { VoiceBotOptions } from "./options.ts";
export * from "./services/cartesia/index.ts";
export * from "./services/deepgram/index.ts";
export * from "./services/openai/index.ts";
export { type ReadVoiceSettings, readVoiceSettings, voiceSettingNames } from "./settings.ts";
export type { VoiceCounters } from "./tally.ts";
export { collectDigitsTool } from "./tools/collect-digits.ts";
export { endCallTool } from "./tools/end-call.ts";
export { type TurnFigures, TurnMeter } from "./turn-meter.ts";
export { voiceBot } from "./voice-bot.ts";
