/** Longest message parsed, in UTF-16 units. A longer one is malformed. */
export const MAX_RTVI_LENGTH = 262_144;

/**
 * What a bot says in RTVI, as far as it concerns a phone call (Pipecat 0.0.105 to 1.14.0,
 * processors/frameworks/rtvi/models.py; `bot-interrupted` since 1.4.0).
 */
export type RtviMessage =
  /** The answer to `client-ready`. */
  | {
      readonly kind: "bot-ready";
      /** RTVI's version; since Pipecat 1.4 that of the client, if it is one they still serve. */
      readonly version: string;
      /** Pipecat's, `1.14.0` say; compare it with {@link versionAtLeast}. */
      readonly libraryVersion: string | undefined;
    }
  | { readonly kind: "bot-started-speaking" }
  /** Everything was sent; it may not have been heard yet. */
  | { readonly kind: "bot-stopped-speaking" }
  | { readonly kind: "user-started-speaking" }
  | { readonly kind: "user-stopped-speaking" }
  | { readonly kind: "bot-interrupted" }
  /** `fatal`: the bot has stopped. */
  | { readonly kind: "error"; readonly message: string; readonly fatal: boolean }
  /** The message of this id was refused. */
  | { readonly kind: "error-response"; readonly id: string; readonly message: string }
  /** The application's own; see `parseServerRequest`. */
  | { readonly kind: "server-message"; readonly data: unknown }
  /** The bot's answer to the client message of this id. */
  | { readonly kind: "server-response"; readonly id: string; readonly t: string; readonly d: unknown };

/**
 * Reads the JSON of a MessageFrame. Never throws.
 *
 * @returns `other` for RTVI messages of a type not listed and for JSON objects that are not RTVI's, then without type;
 *   `malformed` for what is no JSON object, longer than 256 KiB, or lacks what its type means nothing without
 * @example
 * const message = parseRtvi(frame.data);
 * if (message.kind === "bot-interrupted") playback.clear();
 */
export function parseRtvi(
  text: string,
): RtviMessage | { readonly kind: "other"; readonly type: string | undefined } | { readonly kind: "malformed" } {
  const message = parseObject(text);
  if (message === undefined) return MALFORMED;
  if (message.label !== "rtvi-ai") return { kind: "other", type: undefined };
  const { type, id } = message;
  if (typeof type !== "string") return MALFORMED;
  const data = isObject(message.data) ? message.data : {};
  switch (type) {
    case "bot-started-speaking":
    case "bot-stopped-speaking":
    case "user-started-speaking":
    case "user-stopped-speaking":
    case "bot-interrupted":
      return { kind: type };
    case "bot-ready": {
      const { version, about } = data;
      if (typeof version !== "string") return MALFORMED;
      const libraryVersion = isObject(about) ? about.library_version : undefined;
      return { kind: type, version, libraryVersion: typeof libraryVersion === "string" ? libraryVersion : undefined };
    }
    case "error": {
      const { error, fatal } = data;
      return typeof error === "string" ? { kind: type, message: error, fatal: fatal === true } : MALFORMED;
    }
    case "error-response": {
      const { error } = data;
      return typeof error === "string" && typeof id === "string" ? { kind: type, id, message: error } : MALFORMED;
    }
    case "server-message":
      return { kind: type, data: message.data };
    case "server-response": {
      const { t, d } = data;
      return typeof t === "string" && typeof id === "string" ? { kind: type, id, t, d } : MALFORMED;
    }
    default:
      return { kind: "other", type };
  }
}

/**
 * Whether a version is a given one or a later one.
 *
 * @param version as `bot-ready` gives it; anything but `major.minor…` is before every version
 * @example
 * versionAtLeast("2.1.0", 1, 4); // true
 */
export function versionAtLeast(version: string | undefined, major: number, minor: number): boolean {
  const found = /^(\d{1,9})\.(\d{1,9})(?![^.+-])/.exec(version ?? "");
  if (found === null) return false;
  const ofMajor = Number(found[1]);
  return ofMajor > major || (ofMajor === major && Number(found[2]) >= minor);
}

const MALFORMED = { kind: "malformed" } as const;

function parseObject(text: string): Record<string, unknown> | undefined {
  if (text.length > MAX_RTVI_LENGTH) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
