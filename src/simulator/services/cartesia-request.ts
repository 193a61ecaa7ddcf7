/** A request of a client on the socket, checked as Cartesia checks it (API version 2026-03-01). */
export type CartesiaRequest =
  | { readonly kind: "cancel"; readonly contextId: string }
  | {
      readonly kind: "generate";
      readonly contextId: string;
      readonly transcript: string;
      readonly isContinued: boolean;
      readonly isFlush: boolean;
      readonly maxBufferDelayMs: number;
      readonly addTimestamps: boolean;
      readonly sampleRate: number;
      /** What has to stay the same for all requests of a context. */
      readonly settings: string;
    }
  | {
      readonly kind: "wrong";
      readonly contextId: string | undefined;
      readonly title: string;
      readonly message: string;
    };

const SAMPLE_RATES = [8000, 16000, 22050, 24000, 44100, 48000];

/** Reads a message of a client. Never throws. */
export function readCartesiaRequest(text: string): CartesiaRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return wrong(undefined, "Invalid request", "the message is not JSON");
  }
  if (!isRecord(message)) return wrong(undefined, "Invalid request", "the message is not an object");
  const { context_id: contextId, transcript, output_format: format, voice } = message;
  if (typeof contextId !== "string" || contextId === "") {
    return wrong(undefined, "Invalid context ID", "context_id must be a string");
  }
  if (message.cancel !== undefined) {
    return message.cancel === true
      ? { kind: "cancel", contextId }
      : wrong(contextId, "Invalid request", "cancel must be true");
  }
  if (typeof message.model_id !== "string" || !message.model_id.startsWith("sonic")) {
    return wrong(contextId, "Invalid model", "model_id must be a valid model ID");
  }
  if (typeof transcript !== "string") return wrong(contextId, "Invalid transcript", "transcript must be a string");
  if (!isRecord(voice) || voice.mode !== "id" || typeof voice.id !== "string") {
    return wrong(contextId, "Invalid voice", 'voice must be { "mode": "id", "id": … }');
  }
  if (!isRecord(format) || format.container !== "raw") {
    return wrong(contextId, "Invalid output format", "the container of a WebSocket is raw");
  }
  if (format.encoding !== "pcm_s16le") {
    return wrong(contextId, "Invalid output format", "of the encodings, this stand-in speaks pcm_s16le alone");
  }
  if (typeof format.sample_rate !== "number" || !SAMPLE_RATES.includes(format.sample_rate)) {
    return wrong(contextId, "Invalid output format", `sample_rate must be one of ${SAMPLE_RATES.join(", ")}`);
  }
  const delayMs = message.max_buffer_delay_ms ?? 3_000;
  if (typeof delayMs !== "number" || !(delayMs >= 0 && delayMs <= 5_000)) {
    return wrong(contextId, "Invalid buffer delay", "max_buffer_delay_ms must be between 0 and 5000");
  }
  const isContinued = message.continue === true;
  if (transcript.trim() === "" && isContinued && message.flush !== true) {
    return wrong(contextId, "Invalid transcript", "an empty transcript ends a context, or flushes it");
  }
  const { transcript: _, continue: __, flush: ___, ...settings } = message;
  return {
    kind: "generate",
    contextId,
    transcript,
    isContinued,
    isFlush: message.flush === true,
    maxBufferDelayMs: delayMs,
    addTimestamps: message.add_timestamps === true,
    sampleRate: format.sample_rate,
    settings: JSON.stringify(settings),
  };
}

function wrong(contextId: string | undefined, title: string, message: string): CartesiaRequest {
  return { kind: "wrong", contextId, title, message };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
