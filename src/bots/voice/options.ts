import type { Call } from "../../call/index.ts";
import type { BargeInOptions, Tool } from "../../pipecat/index.ts";
import type { ConversationEvent } from "../conversation/events.ts";
import type { CartesiaOptions } from "./services/cartesia/index.ts";
import type { DeepgramSTTOptions } from "./services/deepgram/index.ts";
import type { OpenAILLMOptions } from "./services/openai/index.ts";

/** What a voice bot is made of. Only the keys of the services have to be given. */
export interface VoiceBotOptions {
  readonly deepgram: DeepgramSTTOptions;
  readonly openai: OpenAILLMOptions;
  readonly cartesia: CartesiaOptions;
  /** The system message: who the bot is, and how it speaks. */
  readonly instructions?: string;
  /** What it says first; empty: nothing, it waits for the caller. */
  readonly greeting?: string;
  /** What the caller is told when an answer failed, and when nothing works any more. */
  readonly apologies?: { readonly again?: string; readonly goodbye?: string };
  /** How much the caller must say for the bot to fall silent. */
  readonly bargeIn?: BargeInOptions;
  /** How long nobody may speak before the call ends, in ms; 0: for ever. Default 300 000, as in Pipecat. */
  readonly idleMs?: number;
  /** Tools of one's own, beside `end_call` and `collect_digits`, or in their place; or what makes them for a call. */
  readonly tools?: readonly Tool[] | ((call: Call) => readonly Tool[]);
  /** Told of all that happens. The transcript is here; it is written nowhere else. */
  readonly onEvent?: (event: ConversationEvent, call: Call) => void;
}

/** The same with the defaults filled in. @internal */
export interface VoiceSettings {
  readonly deepgram: DeepgramSTTOptions;
  readonly openai: OpenAILLMOptions;
  readonly cartesia: CartesiaOptions;
  readonly instructions: string;
  readonly greeting: string;
  readonly bargeIn: BargeInOptions;
  readonly idleMs: number;
  readonly tools: (call: Call) => readonly Tool[];
  readonly onEvent: ((event: ConversationEvent, call: Call) => void) | undefined;
}
