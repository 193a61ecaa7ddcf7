import type { Call, UtteranceEnd } from "../../call/index.ts";
import type { KeypadEntry } from "../../pipecat/index.ts";
import type { BridgeCounters } from "./counters.ts";
import type { Keypad } from "./keypad.ts";
import type { Speech } from "./speech.ts";

/** One call and its bot, as a protocol deals with them. */
export interface Line {
  readonly call: Call;
  /** What the bot says. */
  readonly speech: Speech;
  /** What the caller types. */
  readonly keypad: Keypad;
  readonly counters: BridgeCounters;
  /** To the bot: a string as a text message, bytes as a binary one. */
  send(data: string | Uint8Array): void;
}

/** A language that bots speak: what happens on a call becomes messages, and messages become what happens to it. */
export interface Protocol {
  /** Rate at which the bot hears the caller, in Hz. */
  readonly inputSampleRate: number;
  /** The socket is open; comes first. */
  opened(): void;
  /** What the caller said: PCM16, mono, at `inputSampleRate`; the array is used again afterwards. */
  audio(samples: Int16Array): void;
  /** The caller has pressed a key. */
  key(button: KeypadEntry): void;
  /** A mark came back that this protocol had sent to Wavix. */
  mark(name: string): void;
  /** The playback of an utterance is over: heard to its end, or cut off. */
  heard(end: UtteranceEnd): void;
  /** What the bot has asked of Wavix failed. */
  failed(request: string, error: unknown): void;
  /** A message of the bot. Must not throw, whatever it holds. */
  received(data: Buffer, isBinary: boolean): void;
  /** The call is over; the socket is closed next. */
  callOver(): void;
}

/** Makes what speaks a protocol on one line. */
export type ProtocolFactory = (line: Line) => Protocol;
