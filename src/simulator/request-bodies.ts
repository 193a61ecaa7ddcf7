import type { CollectSpec } from "./collection.ts";
import type { StreamSpec } from "./stream.ts";

/** Texts per field, as in Wavix's `errors` map. */
export type FieldErrors = Record<string, string>;

/** A parsed body, or what is wrong with it. */
export type Parsed<T> = { value: T } | { errors: FieldErrors };

type Body = Record<string, unknown>;
interface Field {
  required?: true;
  /** What is wrong with the value, or null. */
  check: (value: unknown) => string | null;
}

const oneOf = (text: string, values: readonly string[]) => (value: unknown) =>
  typeof value === "string" && values.includes(value) ? null : text;
const integer = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most
    ? null
    : `must be an integer from ${least} to ${most}`;
const string = (value: unknown) => (typeof value === "string" ? null : "must be a string");
const boolean = (value: unknown) => (typeof value === "boolean" ? null : "must be true or false");
const object = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? null : "must be an object";

// The three texts are literal in Wavix's OpenAPI of April 2026.
const streamUrl = (value: unknown) =>
  typeof value === "string" && /^wss?:\/\//i.test(value) && URL.canParse(value)
    ? null
    : "Stream URL must be a valid WebSocket URL (ws:// or wss://)";
const streamType = oneOf("Stream type must be 'oneway' or 'twoway'", ["oneway", "twoway"]);
const streamChannel = oneOf("Stream channel must be 'inbound', 'outbound', or 'both'", ["inbound", "outbound", "both"]);

const streamFields: Record<string, Field> = {
  stream_url: { required: true, check: streamUrl },
  stream_type: { required: true, check: streamType },
  stream_channel: { required: true, check: streamChannel },
};
const answerFields: Record<string, Field> = {
  call_recording: { check: boolean },
  call_transcription: { check: boolean },
  stream_url: { check: streamUrl },
  stream_type: { check: streamType },
  stream_channel: { check: streamChannel },
};
const collectFields: Record<string, Field> = {
  max_digits: { check: integer(1, 20) },
  timeout: { check: integer(1, 60) },
  termination_character: { check: string },
  max_attempts: { check: integer(1, 100) },
  prompt: { check: object },
};

/** Reads the bodies of Wavix's call-control operations (OpenAPI: the `…Request` schemas). */
export class RequestBodies {
  readonly #ignoresUnknown: boolean;

  constructor(unknownFields: "refuse" | "ignore") {
    this.#ignoresUnknown = unknownFields === "ignore";
  }

  /** CallAnswerRequest: the stream to start with, or null. */
  answer(body: Body): Parsed<StreamSpec | null> {
    // No field is required by itself; a stream needs all three, as CallStreamCreateRequest has it.
    const streams = Object.keys(streamFields).some((name) => body[name] !== undefined);
    return this.#parse(body, streams ? { ...answerFields, ...streamFields } : answerFields, () =>
      streams ? toSpec(body) : null,
    );
  }

  /** CallStreamCreateRequest. */
  stream(body: Body): Parsed<StreamSpec> {
    return this.#parse(body, streamFields, () => toSpec(body));
  }

  /** CallAudioPlayRequest. */
  play(body: Body): Parsed<null> {
    return this.#parse(body, { audio_file: { required: true, check: string } }, () => null);
  }

  /** CallDtmfCollectRequest. */
  collect(body: Body): Parsed<CollectSpec> {
    return this.#parse(body, collectFields, () => body as CollectSpec);
  }

  /** UpdateCallRequest. */
  tag(body: Body): Parsed<string> {
    return this.#parse(body, { tag: { required: true, check: string } }, () => body.tag as string);
  }

  #parse<T>(body: Body, fields: Record<string, Field>, read: () => T): Parsed<T> {
    const errors: FieldErrors = {};
    for (const [name, { required, check }] of Object.entries(fields)) {
      const value = body[name];
      const error = value === undefined ? (required ? "required" : null) : check(value);
      if (error !== null) errors[name] = error;
    }
    if (!this.#ignoresUnknown) {
      for (const name of Object.keys(body)) if (!Object.hasOwn(fields, name)) errors[name] = "not allowed";
    }
    return Object.keys(errors).length > 0 ? { errors } : { value: read() };
  }
}

function toSpec(body: Body): StreamSpec {
  return {
    url: body.stream_url as string,
    type: body.stream_type as StreamSpec["type"],
    channel: body.stream_channel as StreamSpec["channel"],
  };
}
