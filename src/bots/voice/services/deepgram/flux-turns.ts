import type { ListenMessage, ListenWord } from "./listen-message.ts";
import { type ArrivedAt, join, spanOf, type TurnEvent, type Turns } from "./turns.ts";

/** Audio before a turn that is sent again with it: its first word may have begun before the service was sure of it. */
const LEAD_IN_MS = 1000;

/** Turns as Flux tells of them: developers.deepgram.com/docs/flux/state. Begins with the first words; a cough makes none. */
export class FluxTurns implements Turns {
  readonly #arrivedAt: ArrivedAt;
  #open = false;
  #eager = false;
  /** What of the turn was said on connections that are lost, and is not sent again. */
  #before = "";
  /** The transcript as far as it was given out in a turn that was given up. */
  #spent = "";
  #transcript = "";
  #words: readonly ListenWord[] = [];
  #windowEndMs = 0;
  #firstMs = 0;
  #changedMs = 0;
  #endedAtMs: number | null = null;
  #language: string | null = null;
  settledMs = 0;

  constructor(arrivedAt: ArrivedAt) {
    this.#arrivedAt = arrivedAt;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  handle(message: ListenMessage): TurnEvent[] {
    if (message.kind !== "turn") return [];
    const { event, transcript } = message;
    const events: TurnEvent[] = [];
    this.#windowEndMs = message.endMs;
    if (event === "TurnResumed" && this.#eager) {
      this.#eager = false;
      events.push({ type: "resumed" });
    }
    if (transcript !== "" && transcript !== this.#transcript) {
      if (this.#unspent(transcript) !== "") events.push(...this.#heard(message));
      this.#transcript = transcript;
      this.#words = message.words;
    } else if (this.#open && transcript === this.#transcript) this.#retime(message.words);
    if (event === "EagerEndOfTurn" && this.#open && !this.#eager) {
      this.#eager = true;
      events.push({ type: "eager", text: this.#text() });
    }
    if (event === "EndOfTurn") {
      events.push(...this.#finish());
      this.#spent = "";
      this.settledMs = message.endMs;
    } else if (transcript === "") {
      this.settledMs = Math.max(this.settledMs, message.endMs - LEAD_IN_MS);
    }
    return events;
  }

  end(): TurnEvent[] {
    if (!this.#open) return [];
    const spent = this.#transcript;
    this.settledMs = Math.max(this.settledMs, this.#windowEndMs);
    const events = this.#finish();
    this.#spent = spent;
    return events;
  }

  lost(): TurnEvent[] {
    if (!this.#eager) return [];
    this.#eager = false;
    return [{ type: "resumed" }];
  }

  restarted(replayFromMs: number): void {
    const kept = this.#timedWords()
      .filter(({ endMs }) => endMs <= replayFromMs)
      .map(({ text }) => text);
    if (this.#open) this.#before = join(this.#before, this.#unspent(join(...kept)));
    this.#spent = "";
    this.#transcript = "";
    this.#words = [];
    this.settledMs = 0;
    this.#windowEndMs = 0;
    this.#firstMs = 0;
    this.#changedMs = 0;
  }

  #heard({ transcript, words, endMs, language }: Extract<ListenMessage, { kind: "turn" }>): TurnEvent[] {
    const events: TurnEvent[] = this.#open ? [] : [{ type: "started" }];
    if (!this.#open || this.#transcript === "") this.#firstMs = endMs;
    this.#open = true;
    this.#language = language ?? this.#language;
    this.#transcript = transcript;
    this.#words = words;
    this.#changedMs = endMs;
    // Older versions of the service give no times: the last word is then not later than when it first showed.
    this.#endedAtMs = this.#arrivedAt(spanOf(words)?.endMs ?? endMs);
    events.push({ type: "interim", text: this.#text(), speechMs: this.#speechMs(), language: this.#language });
    return events;
  }

  /** The same words are told of again while the last of them goes on: they may have become longer. */
  #retime(words: readonly ListenWord[]): void {
    const span = spanOf(words);
    if (span === null) return;
    this.#words = words;
    this.#endedAtMs = this.#arrivedAt(span.endMs);
  }

  #finish(): TurnEvent[] {
    if (!this.#open) return [];
    const text = this.#text();
    const speechEndedAtMs = this.#endedAtMs;
    const speechMs = this.#speechMs();
    this.#open = false;
    this.#eager = false;
    this.#before = "";
    this.#transcript = "";
    this.#words = [];
    return [
      { type: "final", text, finalized: true, speechMs, language: this.#language },
      { type: "stopped", speechEndedAtMs },
    ];
  }

  #text(): string {
    return join(this.#before, this.#unspent(this.#transcript));
  }

  #unspent(transcript: string): string {
    return transcript.startsWith(this.#spent) ? transcript.slice(this.#spent.length).trim() : transcript;
  }

  /** Without times of words it is as much as the transcript has grown over; of the first of it nothing is known. */
  #speechMs(): number | null {
    const span = spanOf(this.#words);
    if (span !== null) return span.endMs - span.startMs;
    return this.#changedMs > this.#firstMs ? this.#changedMs - this.#firstMs : null;
  }

  /** Without times the words are taken to be spread over the turn. */
  #timedWords(): { text: string; endMs: number }[] {
    const bare = this.#transcript.split(" ").map((text) => ({ text, endMs: null }));
    const words = this.#words.length === 0 ? bare : this.#words;
    const shareMs = (this.#windowEndMs - this.settledMs) / words.length;
    return words.map(({ text, endMs }, i) => ({ text, endMs: endMs ?? this.settledMs + (i + 1) * shareMs }));
  }
}
