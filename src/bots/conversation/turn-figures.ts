/**
 * How long a caller waited for an answer, from the end of the last word to the first sound of the answer at the caller,
 * and on whom; all in ms. A share is absent when its begin or end is not known.
 *
 * ```
 *  last word ── stt ──▶ turn over ── llm ──▶ first sentence ── tts ──▶ first audio ── playout ──▶ heard
 * ```
 */
export interface TurnFigures {
  readonly answerMs: number;
  readonly sttMs?: number;
  readonly llmMs?: number;
  /** Of the model's share, what went by until its first word. */
  readonly llmFirstTokenMs?: number;
  readonly ttsMs?: number;
  readonly playoutMs?: number;
}
