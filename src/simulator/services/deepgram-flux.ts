import { randomUUID } from "node:crypto";
import { seconds } from "./deepgram-nova.ts";
import { applyThresholds, type FluxQuery } from "./deepgram-query.ts";
import type { SoundWindow } from "./sound-watch.ts";
import { type SpokenScript, spread, type TimedWord } from "./spoken-script.ts";

/** How the stand-in takes its time, in ms of audio. */
export interface FluxPace {
  readonly msPerWord: number;
  readonly updateEveryMs: number;
  /** The silence after which it is sure that the turn is over; its confidence rises with the silence. */
  readonly certainMs: number;
}

type TurnEvent = "Update" | "StartOfTurn" | "EagerEndOfTurn" | "TurnResumed" | "EndOfTurn";

const SUREST = 0.99;

/**
 * What one `/v2/listen` connection answers: pure, driven by the audio's own time.
 *
 * Message shapes: developers.deepgram.com/reference/speech-to-text/listen-flux; order of events:
 * developers.deepgram.com/docs/flux/state. A turn begins with its first word, so that a cough makes none. Where an eager
 * end was announced and the caller goes on, the next entry of the script joins the turn.
 */
export class FluxStream {
  readonly #query: FluxQuery;
  readonly #pace: FluxPace;
  readonly #script: SpokenScript;
  readonly #sendOut: (message: object) => void;
  readonly #requestId = randomUUID();
  #sequenceId = 0;
  #state: "initial" | "ongoing" | "awaiting" = "initial";
  /** Stretches of sound of the turn; the last may still last. */
  #stretches: { startMs: number; endMs: number }[] = [];
  #lasting = false;
  #turnIndex = 0;
  #windowStartMs = 0;
  #eventMs = 0;
  #atMs = 0;
  #confidence = 0;

  constructor(query: FluxQuery, pace: FluxPace, script: SpokenScript, send: (message: object) => void) {
    this.#query = query;
    this.#pace = pace;
    this.#script = script;
    this.#sendOut = send;
    this.#send({ type: "Connected", request_id: this.#requestId });
  }

  window({ atMs, sounds, onsetMs, silenceMs }: SoundWindow): void {
    this.#atMs = atMs;
    const { eagerEotThreshold, eotThreshold, eotTimeoutMs } = this.#query;
    const hasSound = this.#stretches.length > 0;
    this.#confidence = hasSound ? Math.min(SUREST, silenceMs / this.#pace.certainMs) : 0;
    if (sounds) this.#sound(onsetMs);
    if (this.#state === "initial" && this.#words().length > 0) this.#turn("StartOfTurn", "ongoing");
    const modelEnds = this.#confidence >= eotThreshold;
    if (hasSound && (modelEnds || silenceMs >= eotTimeoutMs)) {
      this.#endTurn(modelEnds ? "model" : "timeout");
    } else if (this.#lasting && eagerEotThreshold !== null && this.#confidence >= eagerEotThreshold) {
      this.#lasting = false;
      this.#startLate();
      if (this.#state === "ongoing") this.#turn("EagerEndOfTurn", "awaiting");
    } else if (atMs - this.#eventMs >= this.#pace.updateEveryMs) {
      this.#turn("Update", this.#state);
    }
  }

  /** A message of the client's. @returns false when the service knows none such: the connection ends */
  command(message: { readonly type?: unknown; readonly thresholds?: unknown }): boolean {
    if (message.type === "ForceEndTurn") {
      if (this.#state !== "initial") this.#endTurn("manual");
      return true;
    }
    if (message.type === "Configure") {
      const applied = applyThresholds(this.#query, message.thresholds);
      const { eagerEotThreshold, eotThreshold, eotTimeoutMs } = this.#query;
      const thresholds = {
        ...(eagerEotThreshold === null ? {} : { eager_eot_threshold: eagerEotThreshold }),
        eot_threshold: eotThreshold,
        eot_timeout_ms: eotTimeoutMs,
      };
      if (applied) this.#send({ type: "ConfigureSuccess", request_id: this.#requestId, thresholds, keyterms: [] });
      else this.#send({ type: "ConfigureFailure", request_id: this.#requestId });
      return true;
    }
    this.fail("UNPARSABLE_CLIENT_MESSAGE", "the message is none of CloseStream, Configure, ForceEndTurn");
    return false;
  }

  fail(code: string, description: string): void {
    this.#send({ type: "Error", code, description });
  }

  /** Answers `CloseStream`. */
  end(): void {
    if (this.#stretches.length > 0) this.#endTurn("model");
  }

  #sound(onsetMs: number): void {
    if (!this.#lasting) {
      this.#lasting = true;
      this.#stretches.push({ startMs: onsetMs, endMs: this.#atMs });
      if (this.#state === "awaiting") this.#turn("TurnResumed", "ongoing");
    }
    this.#stretches.at(-1)!.endMs = this.#atMs;
  }

  #endTurn(trigger: "model" | "timeout" | "manual"): void {
    this.#lasting = false;
    this.#startLate();
    if (this.#state !== "initial") {
      this.#turn("EndOfTurn", "initial", { trigger });
      this.#turnIndex += 1;
      this.#windowStartMs = this.#atMs;
    }
    for (const { startMs, endMs } of this.#stretches) this.#script.advance(endMs - startMs);
    this.#stretches = [];
  }

  /** A stretch too short for its first word to show while it lasted. */
  #startLate(): void {
    if (this.#state === "initial" && this.#words().length > 0) this.#turn("StartOfTurn", "ongoing");
  }

  /** The words of the turn: those of a stretch that lasts as far as its length lets them be known. */
  #words(): TimedWord[] {
    return this.#stretches.flatMap(({ startMs, endMs }, offset) => {
      const words = this.#script.words(endMs - startMs, offset);
      if (!this.#lasting || offset < this.#stretches.length - 1) return spread(words, startMs, endMs);
      const shown = words.slice(0, Math.floor((endMs - startMs) / this.#pace.msPerWord));
      return spread(shown, startMs, startMs + shown.length * this.#pace.msPerWord);
    });
  }

  #turn(event: TurnEvent, state: "initial" | "ongoing" | "awaiting", more: object = {}): void {
    const words = this.#words();
    this.#state = state;
    this.#eventMs = this.#atMs;
    this.#send({
      type: "TurnInfo",
      request_id: this.#requestId,
      event,
      turn_index: this.#turnIndex,
      audio_window_start: seconds(this.#windowStartMs),
      audio_window_end: seconds(this.#atMs),
      transcript: words.map(({ text }) => text).join(" "),
      words: words.map(({ text, startMs, endMs }) => ({
        word: text,
        confidence: 0.98,
        start: seconds(startMs),
        end: seconds(endMs),
      })),
      end_of_turn_confidence: Math.round(this.#confidence * 1000) / 1000,
      ...more,
    });
  }

  #send(message: object): void {
    this.#sendOut({ ...message, sequence_id: this.#sequenceId++ });
  }
}
