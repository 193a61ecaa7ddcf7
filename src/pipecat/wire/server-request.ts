/** Longest reason for a hang-up, in UTF-16 units. */
const MAX_REASON_LENGTH = 64;

/** Names that are quoted to the bot are cut to this, in UTF-16 units. */
const MAX_NAME_LENGTH = 64;

const VOICES = [
  ...(["Ivy", "Joanna", "Kendra", "Kimberly", "Salli", "Joey", "Justin", "Matthew"] as const),
  ...(["Conchita", "Lucia", "Enrique"] as const),
  ...(["Marlene", "Vicki", "Hans"] as const),
  ...(["Tatyana", "Maxim"] as const),
] as const;
const LANGUAGES = ["ru", "en", "sp", "ge"] as const;

/** A text for the caller, in one of Wavix's voices. */
export interface SpokenPrompt {
  text: string;
  voice: (typeof VOICES)[number];
  language?: (typeof LANGUAGES)[number] | undefined;
}

/** Keys to collect, as Wavix's REST side takes it; its bounds are checked there. */
export interface CollectRequest {
  maxDigits?: number | undefined;
  timeoutSeconds?: number | undefined;
  terminationCharacter?: string | undefined;
  maxAttempts?: number | undefined;
  prompt?: { play?: string | undefined; say?: SpokenPrompt | undefined } | undefined;
}

/** What a bot wants done on its call; `ok: false` when it cannot be understood, and `message` tells the bot why. */
export type ServerRequest =
  | { readonly ok: true; readonly request: "wavix-hang-up"; readonly reason: string | undefined }
  | {
      readonly ok: true;
      readonly request: "wavix-collect";
      readonly collect: CollectRequest;
      /** Collect again whenever a collect is over, until `wavix-collect-stop`. */
      readonly repeat: boolean;
    }
  | { readonly ok: true; readonly request: "wavix-collect-stop" }
  | { readonly ok: true; readonly request: "wavix-play"; readonly audioFile: string }
  | { readonly ok: false; readonly request: string; readonly message: string };

/**
 * Reads what a bot asks for in RTVI's `server-message`. The names are this product's own:
 * ```json
 * {"type":"wavix-hang-up","reason":"goodbye"}
 * {"type":"wavix-collect","max_digits":4,"timeout_seconds":10,"termination_character":"#","max_attempts":1,
 *  "prompt":{"play":"https://…","say":{"text":"Your PIN, please","voice":"Joanna","language":"en"}},"repeat":false}
 * {"type":"wavix-collect-stop"}
 * {"type":"wavix-play","audio_file":"https://…/music.wav"}
 * ```
 * All members but `type` and `audio_file` may be left out or null; those not listed are passed over. Only types are
 * checked here. Never throws.
 *
 * @returns undefined for what is not ours: no object, or a `type` that does not begin with `wavix-`
 * @example
 * const request = parseServerRequest(message.data);
 * if (request?.ok && request.request === "wavix-play") await call.control.play({ audioFile: request.audioFile });
 */
export function parseServerRequest(data: unknown): ServerRequest | undefined {
  if (!isObject(data) || typeof data.type !== "string" || !data.type.startsWith("wavix-")) return undefined;
  const request = data.type.slice(0, MAX_NAME_LENGTH);
  try {
    return parse(data.type, data);
  } catch (error) {
    if (error instanceof WrongMember) return { ok: false, request, message: error.message };
    throw error;
  }
}

function parse(request: string, data: Record<string, unknown>): ServerRequest {
  switch (request) {
    case "wavix-hang-up": {
      const reason = optional(data, "reason", "string");
      if (reason !== undefined && reason.length > MAX_REASON_LENGTH) {
        throw new WrongMember(`reason must have at most ${MAX_REASON_LENGTH} characters, got ${reason.length}`);
      }
      return { ok: true, request, reason };
    }
    case "wavix-collect":
      return { ok: true, request, collect: toCollect(data), repeat: optional(data, "repeat", "boolean") ?? false };
    case "wavix-collect-stop":
      return { ok: true, request };
    case "wavix-play": {
      const audioFile = optional(data, "audio_file", "string");
      if (audioFile === undefined) throw new WrongMember("audio_file is missing");
      return { ok: true, request, audioFile };
    }
    default:
      throw new WrongMember("unknown; there are wavix-hang-up, wavix-collect, wavix-collect-stop and wavix-play");
  }
}

function toCollect(data: Record<string, unknown>): CollectRequest {
  const prompt = optionalObject(data, "prompt");
  return {
    maxDigits: optional(data, "max_digits", "number"),
    timeoutSeconds: optional(data, "timeout_seconds", "number"),
    terminationCharacter: optional(data, "termination_character", "string"),
    maxAttempts: optional(data, "max_attempts", "number"),
    prompt: prompt && { play: optional(prompt, "play", "string", "prompt."), say: toSpoken(prompt) },
  };
}

function toSpoken(prompt: Record<string, unknown>): SpokenPrompt | undefined {
  const say = optionalObject(prompt, "say", "prompt.");
  if (say === undefined) return undefined;
  const text = optional(say, "text", "string", "prompt.say.");
  if (text === undefined) throw new WrongMember("prompt.say.text is missing");
  const voice = oneOf(say, "voice", VOICES);
  if (voice === undefined) throw new WrongMember("prompt.say.voice is missing");
  return { text, voice, language: oneOf(say, "language", LANGUAGES) };
}

/** A member of a request is not what it must be. */
class WrongMember extends Error {}

interface Types {
  string: string;
  number: number;
  boolean: boolean;
}

/** Python's None comes as null: left out. */
function optional<T extends keyof Types>(
  object: Record<string, unknown>,
  name: string,
  type: T,
  path = "",
): Types[T] | undefined {
  const value = object[name] ?? undefined;
  if (value !== undefined && typeof value !== type) {
    throw new WrongMember(`${path}${name} must be a ${type}, got ${typeof value}`);
  }
  return value as Types[T] | undefined;
}

function optionalObject(object: Record<string, unknown>, name: string, path = "") {
  const value = object[name] ?? undefined;
  if (value === undefined || isObject(value)) return value;
  throw new WrongMember(`${path}${name} must be an object, got ${Array.isArray(value) ? "an array" : typeof value}`);
}

function oneOf<T extends string>(say: Record<string, unknown>, name: string, allowed: readonly T[]): T | undefined {
  const value = say[name] ?? undefined;
  if (value === undefined || allowed.includes(value as T)) return value as T | undefined;
  throw new WrongMember(`prompt.say.${name} must be one of ${allowed.join(", ")}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
