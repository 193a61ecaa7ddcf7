import type { Call } from "../../call/index.ts";
import type { Tool } from "../../pipecat/index.ts";
import type { ConversationEvent } from "../conversation/events.ts";

/** When OpenAI takes a turn of the caller for begun and for over. What is left out is the service's own default. */
export type RealtimeTurnDetection =
  /** By silence. */
  | {
      readonly type: "server_vad";
      /** How loud speech must be, 0 to 1; default 0.5. Higher where it is noisy. */
      readonly threshold?: number;
      /** Audio in front of the speech that is heard too, in ms; default 300. */
      readonly prefixPaddingMs?: number;
      /** Silence that ends a turn, in ms; default 500. */
      readonly silenceDurationMs?: number;
      /** The bot speaks up when the caller has said nothing for so long, in ms; default: never. */
      readonly idleTimeoutMs?: number;
    }
  /** By what was said: it waits for the end of a sentence. */
  | { readonly type: "semantic_vad"; readonly eagerness?: "low" | "medium" | "high" | "auto" };

/** What a speech-to-speech bot is made of. Only the key has to be given. */
export interface RealtimeBotOptions {
  readonly apiKey: string;
  /** Default {@link DEFAULT_REALTIME_MODEL}. */
  readonly model?: string;
  /** One of OpenAI's voices; default `marin`. */
  readonly voice?: string;
  /** Default `wss://api.openai.com/v1`. */
  readonly baseUrl?: string;
  /** Who the bot is, and how it speaks. */
  readonly instructions?: string;
  /** What it says first; empty: nothing, it waits for the caller. */
  readonly greeting?: string;
  /** What the caller is told when a turn was lost. When nothing works any more a recording is played. */
  readonly apologies?: { readonly again?: string };
  /** Default: `server_vad` as OpenAI has it. */
  readonly turnDetection?: RealtimeTurnDetection;
  /** Model that writes down what the caller says, for `onEvent` and for a new session; null: none. */
  readonly transcriptionModel?: string | null;
  /** Language of the caller for the transcript, ISO 639-1; default: found out. */
  readonly language?: string;
  /** Tools of one's own, beside `end_call` and `collect_digits`; or what makes them for a call. */
  readonly tools?: readonly Tool[] | ((call: Call) => readonly Tool[]);
  /** How long nobody may speak before the call ends, in ms; 0: for ever. Default 300 000. */
  readonly idleMs?: number;
  /** How long an answer may say nothing before it is taken for lost, in ms; default 10 000. */
  readonly answerTimeoutMs?: number;
  /** How long a session may take to be there, in ms; default 5 000. */
  readonly connectTimeoutMs?: number;
  /** Told of all that happens. The transcript is here; it is written nowhere else. */
  readonly onEvent?: (event: ConversationEvent, call: Call) => void;
}

/** The same with the defaults filled in. @internal */
export interface RealtimeSettings {
  readonly apiKey: string;
  readonly model: string;
  readonly voice: string;
  readonly baseUrl: string;
  readonly instructions: string;
  readonly greeting: string;
  readonly again: string;
  readonly turnDetection: RealtimeTurnDetection;
  readonly transcriptionModel: string | null;
  readonly language: string | undefined;
  readonly tools: (call: Call) => readonly Tool[];
  readonly idleMs: number;
  readonly answerTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly onEvent: ((event: ConversationEvent, call: Call) => void) | undefined;
}

/**
 * The newest of /v1/realtime: it hears letters and digits better, and copes better with noise and with being interrupted,
 * than gpt-realtime, which it replaces. https://developers.openai.com/api/docs/models/gpt-realtime-2.1
 */
export const DEFAULT_REALTIME_MODEL = "gpt-realtime-2.1";
/** OpenAI recommends marin and cedar. */
export const DEFAULT_REALTIME_VOICE = "marin";
export const DEFAULT_REALTIME_BASE_URL = "wss://api.openai.com/v1";
export const DEFAULT_TRANSCRIPTION_MODEL = "gpt-4o-mini-transcribe";
