import type { ListenMessage } from "./listen-message.ts";
import { type ArrivedAt, join, spanOf, type TurnEvent, type Turns } from "./turns.ts";

/**
 * Turns out of nova's results: begins with the first words, ends at `speech_final`, else at UtteranceEnd, which comes later
 * and where noise hides the pause (developers.deepgram.com/docs/understanding-end-of-speech-detection).
 *
 * Results without words make no turn. After the end of a turn its UtteranceEnd still comes, and counts for nothing.
 */
export class NovaTurns implements Turns {
  readonly #arrivedAt: ArrivedAt;
  #open = false;
  #final = "";
  #interim = "";
  #finalSpeechMs: number | null = null;
  #speechMs: number | null = null;
  #language: string | null = null;
  /** First word of the turn on this connection. */
  #startMs: number | null = null;
  #endMs = 0;
  #endedAtMs: number | null = null;
  /** Words up to here belong to a turn that was given up. */
  #spentMs = -1;
  settledMs = 0;

  constructor(arrivedAt: ArrivedAt) {
    this.#arrivedAt = arrivedAt;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  handle(message: ListenMessage): TurnEvent[] {
    if (message.kind === "results") return this.#results(message);
    if (message.kind !== "utterance-end" || !this.#open) return [];
    // Words that are not final yet: the caller goes on. A gap before the turn's first word: that of the turn before.
    const isStale = this.#startMs !== null && message.lastWordEndMs <= this.#startMs;
    return this.#interim !== "" || isStale ? [] : this.#stop();
  }

  end(): TurnEvent[] {
    if (!this.#open) return [];
    this.#spentMs = this.#endMs;
    this.settledMs = Math.max(this.settledMs, this.#endMs);
    const rest = this.#interim;
    return rest === "" ? this.#stop() : [this.#piece(rest, true), ...this.#stop()];
  }

  lost(): TurnEvent[] {
    // What was not final is sent again, and comes again.
    this.#interim = "";
    this.#speechMs = this.#finalSpeechMs;
    return [];
  }

  restarted(): void {
    this.settledMs = 0;
    this.#spentMs = -1;
    this.#startMs = null;
    this.#endMs = 0;
  }

  #results(message: Extract<ListenMessage, { kind: "results" }>): TurnEvent[] {
    const span = spanOf(message.words);
    const isSpent = span !== null && span.endMs <= this.#spentMs;
    const text = isSpent ? "" : message.transcript;
    const events: TurnEvent[] = [];
    if (text !== "") {
      if (!this.#open) events.push({ type: "started" });
      this.#open = true;
      this.#language = message.language ?? this.#language;
      if (span !== null) {
        this.#startMs ??= span.startMs;
        this.#endMs = span.endMs;
        this.#endedAtMs = this.#arrivedAt(span.endMs);
        this.#speechMs = (this.#finalSpeechMs ?? 0) + span.endMs - span.startMs;
      }
    }
    if (message.isFinal) {
      if (message.endMs !== null) this.settledMs = Math.max(this.settledMs, message.endMs);
      this.#interim = "";
      if (text === "") this.#speechMs = this.#finalSpeechMs;
      else events.push(this.#piece(text, message.speechFinal));
      this.#finalSpeechMs = this.#speechMs;
      if (message.speechFinal && this.#open) events.push(...this.#stop());
    } else if (text !== "" && text !== this.#interim) {
      this.#interim = text;
      const whole = join(this.#final, text);
      events.push({ type: "interim", text: whole, speechMs: this.#speechMs, language: this.#language });
    }
    return events;
  }

  #piece(text: string, finalized: boolean): TurnEvent {
    this.#final = join(this.#final, text);
    return { type: "final", text, finalized, speechMs: this.#speechMs, language: this.#language };
  }

  #stop(): TurnEvent[] {
    const speechEndedAtMs = this.#endedAtMs;
    this.#open = false;
    this.#final = "";
    this.#interim = "";
    this.#speechMs = null;
    this.#finalSpeechMs = null;
    this.#startMs = null;
    this.#endedAtMs = null;
    return [{ type: "stopped", speechEndedAtMs }];
  }
}
