import type { StandInVoice } from "./cartesia-voice.ts";
import type { OpenAIScriptedToolCall } from "./openai-script.ts";
import type { HeardStretch, Utterances } from "./spoken-script.ts";

/** What the stand-in answers, and what goes wrong meanwhile. Positions are in ms of the answer's audio. */
export interface RealtimeReply {
  /** What it says. */
  readonly text?: string;
  /** What it calls, behind its text. */
  readonly toolCalls?: readonly OpenAIScriptedToolCall[];
  /** How long nothing comes, in ms; default that of the stand-in. */
  readonly delayMs?: number;
  /** How the response ends; default completed. */
  readonly status?: "completed" | "failed" | "incomplete";
  /** Says no more from here on; the connection stays. */
  readonly stallAtMs?: number;
  /** Closes the connection here: with `closeCode`, or without a word. */
  readonly closeAtMs?: number;
  readonly closeCode?: number;
  /** Says the session has expired here, and closes the connection, as after 60 minutes. */
  readonly expireAtMs?: number;
  /** Messages sent as they are in front of the audio: malformed, unknown, an error event. */
  readonly insert?: readonly string[];
}

/** A response the stand-in was asked for. */
export interface RealtimeRequest {
  /** Counted from 0, over all connections. */
  readonly index: number;
  /** The connection it came on, counted from 0. */
  readonly connection: number;
  /** `create`: the client asked; `turn`: the caller has finished one. */
  readonly cause: "create" | "turn";
  /** `response` of the client's `response.create`. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The conversation so far. */
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

/** Replies in order, the last one from then on; or a function that is asked for each. A string is its text. */
export type RealtimeReplies =
  | readonly (RealtimeReply | string)[]
  | ((request: RealtimeRequest) => RealtimeReply | string);

/** A response as it became. */
export interface RealtimeStandInResponse extends RealtimeRequest {
  readonly id: string;
  readonly itemId: string;
  readonly text: string;
  /** How much audio of it was sent, in ms. */
  readonly audioMs: number;
  readonly status: "in_progress" | "completed" | "cancelled" | "failed" | "incomplete";
}

/** A `conversation.item.truncate`. */
export interface RealtimeTruncation {
  readonly itemId: string;
  readonly audioEndMs: number;
  /** How much audio of the item there was. */
  readonly audioMs: number;
  /** It was answered with an error. */
  readonly refused: boolean;
}

/** A connection as the stand-in saw it. */
export interface RealtimeConnection {
  readonly model: string;
  /** What the client sent, without its audio; the first 2000. */
  readonly received: readonly Readonly<Record<string, unknown>>[];
  /** The session as it was set. */
  readonly session: Readonly<Record<string, unknown>>;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** How much audio came, in ms. */
  readonly audioMs: number;
  /** Code of the end as the stand-in saw it; null while it lasts. */
  readonly closeCode: number | null;
}

export interface RealtimeStandInOptions {
  /** Port on 127.0.0.1; 0, the default: any that is free. */
  readonly port?: number;
  /** The only key it accepts; without it any. */
  readonly apiKey?: string;
  /** The models it has; without them any. */
  readonly models?: readonly string[];
  /** Default: "Hello.". */
  readonly replies?: RealtimeReplies;
  /** What is understood of the stretches of the caller's sound, in turn. */
  readonly utterances?: Utterances;
  /** What becomes of the first, second, … upgrade: accepted, refused with an HTTP status, cut, or never answered. */
  readonly upgrades?: readonly ("accept" | "cut" | "hang" | number)[];
  /** How long an answer takes to begin, in ms; default 50. */
  readonly delayMs?: number;
  /** How long a transcript takes, in ms; default 30. */
  readonly transcriptDelayMs?: number;
  /** How much faster than real time it speaks; default 10. */
  readonly speed?: number;
  /** Root mean square, of 32768, from which audio is sound; default 300. */
  readonly soundThreshold?: number;
  readonly voice?: StandInVoice;
  /** Told of every event in the moment it goes out, and on which connection, counted from 0. */
  readonly onSent?: (event: Readonly<Record<string, unknown>>, connection: number) => void;
}

/** A Realtime API on this machine. */
export interface RealtimeStandIn extends AsyncDisposable {
  /** The base URL a client is given: `ws://127.0.0.1:<port>/v1`. */
  readonly url: string;
  /** Upgrades seen, whatever became of them. */
  readonly upgradeCount: number;
  /** The first 1000. */
  readonly connections: readonly RealtimeConnection[];
  /** The first 1000. */
  readonly responses: readonly RealtimeStandInResponse[];
  /** The first 1000. */
  readonly truncations: readonly RealtimeTruncation[];
  /** Stretches of sound that are over; the first 1000. */
  readonly heard: readonly HeardStretch[];
  /** What clients did that the service does not take, one line each; the first 1000. */
  readonly problems: readonly string[];
  /** Resolves when something for which `matches` holds has been received, or at once when it has been. */
  message(matches: (message: Readonly<Record<string, unknown>>) => boolean): Promise<Readonly<Record<string, unknown>>>;
  close(): Promise<void>;
}
