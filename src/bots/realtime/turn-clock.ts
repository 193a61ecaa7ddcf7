import type { TurnFigures } from "../conversation/turn-figures.ts";

/** What a turn is measured by: its moments on the clock of `performance.now()`. */
interface Turn {
  readonly speechEnded: number;
  readonly turnOver: number;
  firstAudio?: { speech: object; atMs: number };
}

/**
 * Measures the turns of a conversation. One model hears, thinks and speaks, so that its shares are no more than these:
 *
 * ```
 *   last word ── stt: turn detection ──▶ turn over ── llm ──▶ first audio ── playout ──▶ heard
 * ```
 */
export class TurnClock {
  #turn: Turn | undefined;

  /** The caller's turn is over; its last word came at this moment. */
  turnOver(speechEnded: number): void {
    const turnOver = performance.now();
    this.#turn = { speechEnded: Math.min(speechEnded, turnOver), turnOver };
  }

  /** Audio of an answer came; the first counts. */
  audio(speech: object): void {
    if (this.#turn !== undefined) this.#turn.firstAudio ??= { speech, atMs: performance.now() };
  }

  /** The caller speaks again before there was an answer. */
  interrupted(): void {
    if (this.#turn?.firstAudio === undefined) this.#turn = undefined;
  }

  /** Something was heard for the first time; the figures of the turn when it is the answer to it. */
  heard(speech: object, atMs: number): TurnFigures | undefined {
    const turn = this.#turn;
    if (turn?.firstAudio?.speech !== speech) return undefined;
    this.#turn = undefined;
    const { speechEnded, turnOver, firstAudio } = turn;
    const heardAtMs = Math.max(atMs, firstAudio.atMs);
    return {
      answerMs: heardAtMs - speechEnded,
      sttMs: turnOver - speechEnded,
      llmMs: firstAudio.atMs - turnOver,
      playoutMs: heardAtMs - firstAudio.atMs,
    };
  }
}
