/** `twoway`: Wavix sends the caller's audio and plays what it is sent; `oneway`: it only sends. */
export type StreamType = "twoway" | "oneway";

/** Which leg Wavix sends. On `twoway` streams it is always `inbound`, whatever is asked (OpenAPI: CallStreamChannel). */
export type StreamChannel = "inbound" | "outbound" | "both";

/** A media stream to start. */
export interface StreamOptions {
  /** `ws:` or `wss:` URL that Wavix is to connect to. */
  streamUrl: string;
  streamType: StreamType;
  /** Default `inbound`, the caller's voice. */
  streamChannel?: StreamChannel | undefined;
}

/** How to answer a call: with a stream, which then starts in the same request, or without. */
export type AnswerOptions = (StreamOptions | { streamUrl?: undefined; streamType?: undefined }) & {
  /** Default `false`, Wavix's own. */
  callRecording?: boolean | undefined;
  /** Transcribe the call after it ends. Default `false`, Wavix's own. */
  callTranscription?: boolean | undefined;
};

/** A voice of Wavix's text-to-speech (OpenAPI: TTSVoiceID). */
export type PromptVoice =
  | ("Ivy" | "Joanna" | "Kendra" | "Kimberly" | "Salli" | "Joey" | "Justin" | "Matthew")
  | ("Conchita" | "Lucia" | "Enrique")
  | ("Marlene" | "Vicki" | "Hans")
  | ("Tatyana" | "Maxim");

/** Keypad digits to gather. The digits come by webhook, see `CallEvent.payload`. */
export interface CollectOptions {
  /** 1 to 20. */
  maxDigits?: number | undefined;
  /** 1 to 60 seconds, whole. */
  timeoutSeconds?: number | undefined;
  /** The key that ends the input, such as `#`. */
  terminationCharacter?: string | undefined;
  maxAttempts?: number | undefined;
  /** What the caller hears first: an audio file, a spoken text, or both. */
  prompt?:
    | {
        play?: string | undefined;
        say?: { text: string; voice: PromptVoice; language?: "ru" | "en" | "sp" | "ge" | undefined } | undefined;
      }
    | undefined;
}

/** A file to play into a call. */
export interface PlayOptions {
  /** `http:` or `https:` URL of an audio file; Wavix's examples are `.wav`. */
  audioFile: string;
}

/** OpenAPI CallStreamCreateRequest: all three fields are required. @internal */
export function streamBody({ streamUrl, streamType, streamChannel = "inbound" }: StreamOptions) {
  requireUrl("streamUrl", streamUrl, ["ws:", "wss:"]);
  requireOneOf("streamType", streamType, ["twoway", "oneway"]);
  requireOneOf("streamChannel", streamChannel, ["inbound", "outbound", "both"]);
  return { stream_url: streamUrl, stream_type: streamType, stream_channel: streamChannel };
}

/** OpenAPI CallAnswerRequest: no field is required. @internal */
export function answerBody(options: AnswerOptions) {
  if (options.streamUrl === undefined && options.streamType !== undefined) {
    throw new TypeError("streamUrl is needed when streamType is given");
  }
  return {
    ...(options.streamUrl === undefined ? {} : streamBody(options)),
    call_recording: options.callRecording,
    call_transcription: options.callTranscription,
  };
}

/** OpenAPI CallDtmfCollectRequest: no field is required. @internal */
export function collectBody(options: CollectOptions) {
  requireWhole("maxDigits", options.maxDigits, 20);
  requireWhole("timeoutSeconds", options.timeoutSeconds, 60);
  requireWhole("maxAttempts", options.maxAttempts, Number.MAX_SAFE_INTEGER);
  if (options.terminationCharacter !== undefined && !/^[0-9A-D*#]$/.test(options.terminationCharacter)) {
    throw new TypeError("terminationCharacter must be one key: 0-9, A-D, * or #");
  }
  if (options.prompt?.play !== undefined) requireUrl("prompt.play", options.prompt.play, ["http:", "https:"]);
  return {
    max_digits: options.maxDigits,
    timeout: options.timeoutSeconds,
    termination_character: options.terminationCharacter,
    max_attempts: options.maxAttempts,
    prompt: options.prompt && { play: options.prompt.play, say: options.prompt.say },
  };
}

/** OpenAPI CallAudioPlayRequest. @internal */
export function playBody({ audioFile }: PlayOptions) {
  requireUrl("audioFile", audioFile, ["http:", "https:"]);
  return { audio_file: audioFile };
}

/** A URL carries tokens: it is not quoted. */
function requireUrl(name: string, value: string, protocols: string[]): void {
  if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
    throw new TypeError(`${name} must be an absolute URL that begins with ${protocols.join(" or ")}//`);
  }
}

function requireOneOf(name: string, value: string, allowed: string[]): void {
  if (!allowed.includes(value)) throw new TypeError(`${name} must be one of ${allowed.join(", ")}, got ${value}`);
}

function requireWhole(name: string, value: number | undefined, max: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= max)) {
    throw new RangeError(`${name} must be a whole number from 1 to ${max}, got ${value}`);
  }
}
