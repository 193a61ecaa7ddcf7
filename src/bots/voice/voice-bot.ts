import type { Bot } from "../../call/index.ts";
import { contextAggregators, LLMContext } from "../../pipecat/index.ts";
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
import { Conversation } from "./conversation.ts";
import type { VoiceBotOptions } from "./options.ts";
import { CartesiaTTSService } from "./services/cartesia/index.ts";
import { DeepgramSTTService } from "./services/deepgram/index.ts";
import { modelFor } from "./services/deepgram/models.ts";
import { OpenAILLMService } from "./services/openai/index.ts";

/**
 * A bot that listens (Deepgram), thinks (OpenAI) and speaks (Cartesia); it can be interrupted, and knows what of its answers
 * was heard. Each call has a pipeline of its own; {@link VoiceBotOptions} says what it takes. It needs the packages `@deepgram/sdk` and `openai`.
 *
 * @returns a bot that rejects with a {@link VoiceBotError} when a service is gone for good, after the caller was told so
 * @throws TypeError or RangeError for options that cannot work
 *
 * @example
 * const bot = voiceBot({
 *   deepgram: { apiKey: process.env.DEEPGRAM_API_KEY ?? "" },
 *   openai: { apiKey: process.env.OPENAI_API_KEY ?? "" },
 *   cartesia: { apiKey: process.env.CARTESIA_API_KEY ?? "" },
 *   instructions: "You take orders for a pizzeria. Be brief.",
 * });
 * const server = createServer({ bot });
 */
export function voiceBot(options: VoiceBotOptions): Bot {
  const { tools = [] } = options;
  const settings = {
    // Flux tells the end of a turn from a pause, and says so early. The model of the Python bot, nova-2, does not.
    deepgram: { ...options.deepgram, model: options.deepgram.model ?? modelFor(options.deepgram.language) },
    openai: options.openai,
    cartesia: options.cartesia,
    instructions: options.instructions ?? DEFAULT_INSTRUCTIONS,
    greeting: options.greeting ?? DEFAULT_GREETING,
    bargeIn: options.bargeIn ?? {},
    idleMs: checkIdleMs(options.idleMs ?? DEFAULT_IDLE_MS),
    tools: typeof tools === "function" ? tools : () => tools,
    onEvent: options.onEvent,
  };
  // What is wrong with the options is said now, not to the first caller.
  void new DeepgramSTTService(settings.deepgram);
  void new OpenAILLMService(settings.openai);
  void new CartesiaTTSService(settings.cartesia);
  void contextAggregators(new LLMContext(), { bargeIn: settings.bargeIn });
  if (typeof tools !== "function") checkTools(tools);
  const apologies = new Apologies({ ...DEFAULT_APOLOGIES, ...options.apologies });
  const tally = new Tally();
  const bot: Bot = (call) => new Conversation(call, settings, apologies, tally).run();
  return Object.defineProperties(bot, { counters: { get: () => tally.counters } });
}
