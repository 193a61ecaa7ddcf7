import { type CartesiaSettings, SAMPLE_RATE } from "./options.ts";

/**
 * The messages of Cartesia's text-to-speech WebSocket, version 2026-03-01.
 * Source: docs.cartesia.ai, API reference «TTS WebSocket», «Contexts», «Buffering» and «API errors».
 */
export type CartesiaAnswer =
  | { readonly type: "chunk"; readonly contextId: string; readonly audio: Uint8Array }
  | { readonly type: "timestamps"; readonly contextId: string; readonly words: readonly TimedWord[] }
  | { readonly type: "flush_done" | "done"; readonly contextId: string }
  | { readonly type: "error"; readonly contextId: string | undefined; readonly text: string }
  | { readonly type: "unknown" };

/** A word of a context; its end counts from the beginning of the context's audio. */
export interface TimedWord {
  readonly word: string;
  readonly endMs: number;
}

/** More text for a context; an empty one that is not continued finishes it. */
export function generationRequest(
  settings: CartesiaSettings,
  contextId: string,
  transcript: string,
  isContinued: boolean,
): Record<string, unknown> {
  const { model, voiceId, language, generation } = settings;
  return {
    model_id: model,
    transcript,
    voice: { mode: "id", id: voiceId },
    language,
    context_id: contextId,
    output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: SAMPLE_RATE },
    add_timestamps: true,
    // The words as they were sent, not as they are read out.
    use_normalized_timestamps: false,
    // Sentences come whole: Cartesia must not wait for more.
    max_buffer_delay_ms: 0,
    continue: isContinued,
    ...(generation === undefined ? {} : { generation_config: generation }),
  };
}

export function cancelRequest(contextId: string): Record<string, unknown> {
  return { context_id: contextId, cancel: true };
}

/** Reads an answer. Never throws. @returns undefined when it cannot be read */
export function readAnswer(text: string): CartesiaAnswer | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  const { type, context_id: id, data, word_timestamps: timed } = message as Record<string, unknown>;
  const contextId = typeof id === "string" ? id : undefined;
  if (type === "error") return { type, contextId, text: errorText(message as Record<string, unknown>) };
  if (typeof type !== "string") return undefined;
  if (type !== "chunk" && type !== "timestamps" && type !== "flush_done" && type !== "done") return { type: "unknown" };
  if (contextId === undefined) return undefined;
  if (type === "chunk") {
    const audio = typeof data === "string" ? bytesOf(data) : undefined;
    return audio && { type, contextId, audio };
  }
  if (type === "timestamps") {
    const words = wordsOf(timed);
    return words && { type, contextId, words };
  }
  return { type, contextId };
}

function bytesOf(base64: string): Uint8Array | undefined {
  // Node's decoder skips what is no base64. A skipped character would shift every sample behind it; the length tells, in
  // 1 µs for 50 ms of audio, decoding included, where a regular expression made it 6.
  const characters = base64.length - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
  const bytes = Buffer.from(base64, "base64");
  return characters % 4 !== 1 && bytes.length === Math.floor((characters * 3) / 4) ? bytes : undefined;
}

function wordsOf(timed: unknown): TimedWord[] | undefined {
  if (typeof timed !== "object" || timed === null) return undefined;
  const { words, end } = timed as { words?: unknown; end?: unknown };
  if (!Array.isArray(words) || !Array.isArray(end) || words.length !== end.length) return undefined;
  const whole = words.every((word, index) => typeof word === "string" && Number.isFinite(end[index]));
  return whole ? words.map((word: string, index) => ({ word, endMs: 1000 * (end[index] as number) })) : undefined;
}

/** One line, of what names the error alone: a message may quote what was to be said. */
function errorText({ title, error_code, status_code }: Record<string, unknown>): string {
  const what = typeof title === "string" ? title.replace(/\s+/g, " ").slice(0, 100) : "error";
  const codes = [status_code, error_code].filter((code) => typeof code === "number" || typeof code === "string");
  return codes.length > 0 ? `${what} (${codes.join(", ").slice(0, 100)})` : what;
}
