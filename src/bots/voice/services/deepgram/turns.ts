import { concatenateText } from "../../../../pipecat/index.ts";
import type { ListenMessage, ListenWord } from "./listen-message.ts";

/** What becomes of a turn of the caller. From `started` to `stopped`, each once. */
export type TurnEvent =
  | { readonly type: "started" }
  /** The whole turn so far; may still change. */
  | {
      readonly type: "interim";
      readonly text: string;
      readonly speechMs: number | null;
      readonly language: string | null;
    }
  /** A piece that does not change any more. */
  | {
      readonly type: "final";
      readonly text: string;
      readonly finalized: boolean;
      readonly speechMs: number | null;
      readonly language: string | null;
    }
  | { readonly type: "eager"; readonly text: string }
  | { readonly type: "resumed" }
  /** When the audio with the end of the last word had arrived, as `arrivedAt` has it. */
  | { readonly type: "stopped"; readonly speechEndedAtMs: number | null };

/** When the audio at a position of the connection had arrived; null when that is forgotten. */
export type ArrivedAt = (positionMs: number) => number | null;

/** Makes turns of the messages of one kind of model; pure. */
export interface Turns {
  readonly isOpen: boolean;
  /** Up to here, in ms of the connection, the audio has been understood for good: it need not be sent again. */
  readonly settledMs: number;
  handle(message: ListenMessage): TurnEvent[];
  /** Nothing more is heard of the open turn: it ends with what there is. */
  end(): TurnEvent[];
  /** The connection is lost. */
  lost(): TurnEvent[];
  /** A new one begins where the last was at `replayFromMs`; its own positions begin at 0. */
  restarted(replayFromMs: number): void;
}

/** A turn that is longer loses its beginning. */
const MAX_TURN_LENGTH = 20_000;

export function join(...texts: string[]): string {
  return concatenateText(texts).slice(-MAX_TURN_LENGTH);
}

/** From the first word to the last, in ms of the connection; null without times. */
export function spanOf(words: readonly ListenWord[]): { startMs: number; endMs: number } | null {
  const startMs = words.find((word) => word.startMs !== null)?.startMs ?? null;
  const endMs = words.findLast((word) => word.endMs !== null)?.endMs ?? null;
  return startMs === null || endMs === null || endMs < startMs ? null : { startMs, endMs };
}
