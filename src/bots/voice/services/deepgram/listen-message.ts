/** A word of a message; times in ms of the connection's audio, null where the service gives none. */
export interface ListenWord {
  readonly text: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
}

/** A message of `/v1/listen` or `/v2/listen`, as far as it matters here. */
export type ListenMessage =
  | {
      readonly kind: "results";
      readonly transcript: string;
      readonly words: readonly ListenWord[];
      readonly isFinal: boolean;
      readonly speechFinal: boolean;
      /** Where the audio ends that it covers; null when that is not said. */
      readonly endMs: number | null;
      readonly language: string | null;
    }
  | { readonly kind: "utterance-end"; readonly lastWordEndMs: number }
  | {
      readonly kind: "turn";
      readonly event: FluxEvent;
      readonly transcript: string;
      readonly words: readonly ListenWord[];
      readonly endMs: number;
      readonly language: string | null;
    }
  | { readonly kind: "error"; readonly code: string }
  /** Known and of no use here, or newer than this. */
  | { readonly kind: "other" };

export type FluxEvent = "Update" | "StartOfTurn" | "EagerEndOfTurn" | "TurnResumed" | "EndOfTurn";
const FLUX_EVENTS: readonly unknown[] = ["Update", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"];

/**
 * Reads what the service sent, parsed JSON. Shapes: developers.deepgram.com/reference/speech-to-text, `listen-streaming` and
 * `listen-flux`.
 *
 * @returns null when it is malformed
 * @example
 * parseListenMessage({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 2.395 }); // { kind: "utterance-end", lastWordEndMs: 2395 }
 */
export function parseListenMessage(value: unknown): ListenMessage | null {
  if (!isObject(value) || typeof value.type !== "string") return null;
  if (value.type === "Results") return parseResults(value);
  if (value.type === "TurnInfo") return parseTurn(value);
  if (value.type === "UtteranceEnd") {
    const lastWordEndMs = milliseconds(value.last_word_end);
    return lastWordEndMs === null ? null : { kind: "utterance-end", lastWordEndMs };
  }
  if (value.type === "Error") return { kind: "error", code: typeof value.code === "string" ? value.code : "UNKNOWN" };
  return { kind: "other" };
}

function parseResults(value: Fields): ListenMessage | null {
  const alternatives = isObject(value.channel) ? value.channel.alternatives : undefined;
  const best: unknown = Array.isArray(alternatives) ? alternatives[0] : undefined;
  if (!isObject(best) || typeof best.transcript !== "string") return null;
  const startMs = milliseconds(value.start);
  const durationMs = milliseconds(value.duration);
  return {
    kind: "results",
    transcript: best.transcript.trim(),
    words: parseWords(best.words),
    isFinal: value.is_final === true,
    speechFinal: value.speech_final === true,
    endMs: startMs === null || durationMs === null ? null : startMs + durationMs,
    language: firstText(best.languages),
  };
}

function parseTurn(value: Fields): ListenMessage | null {
  const endMs = milliseconds(value.audio_window_end);
  if (typeof value.event !== "string" || typeof value.transcript !== "string" || endMs === null) return null;
  if (!FLUX_EVENTS.includes(value.event)) return { kind: "other" };
  return {
    kind: "turn",
    event: value.event as FluxEvent,
    transcript: value.transcript.trim(),
    words: parseWords(value.words),
    endMs,
    language: firstText(value.languages),
  };
}

function parseWords(words: unknown): ListenWord[] {
  if (!Array.isArray(words)) return [];
  return words.filter(isObject).map((word) => ({
    text: typeof word.word === "string" ? word.word : "",
    startMs: milliseconds(word.start),
    endMs: milliseconds(word.end),
  }));
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function milliseconds(seconds: unknown): number | null {
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds * 1000 : null;
}

function firstText(values: unknown): string | null {
  const first: unknown = Array.isArray(values) ? values[0] : undefined;
  return typeof first === "string" ? first : null;
}
