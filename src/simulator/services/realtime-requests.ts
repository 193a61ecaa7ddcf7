/** What the service answers a message with that it does not take: `error` of an `error` event. */
export interface RealtimeProblem {
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  readonly param: string | null;
}

export type RealtimeFields = Record<string, unknown>;

/** `type`s of client events, as published. */
const TYPES = [
  "session.update",
  "input_audio_buffer.append",
  "input_audio_buffer.commit",
  "input_audio_buffer.clear",
  "conversation.item.create",
  "conversation.item.retrieve",
  "conversation.item.truncate",
  "conversation.item.delete",
  "response.create",
  "response.cancel",
];
const SESSION_FIELDS =
  /^(type|audio|include|instructions|max_output_tokens|model|output_modalities|parallel_tool_calls|prompt|reasoning|tool_choice|tools|tracing|truncation)$/;
const INPUT_FIELDS = /^(format|noise_reduction|transcription|turn_detection)$/;
const RESPONSE_FIELDS =
  /^(audio|conversation|input|instructions|max_output_tokens|metadata|output_modalities|parallel_tool_calls|prompt|reasoning|tool_choice|tools)$/;
const VOICES = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"];
/** Of one `input_audio_buffer.append`, as published. */
const MAX_APPEND_BYTES = 15 * 1024 * 1024;

export const fieldsOf = (value: unknown): RealtimeFields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as RealtimeFields) : {};

export function problem(
  message: string,
  param: string | null = null,
  code: string | null = "invalid_value",
): RealtimeProblem {
  return { type: "invalid_request_error", code, message, param };
}

/** A message as the service reads it; or what is wrong with it. What depends on the session is not looked at here. */
export function readRealtimeMessage(text: string): RealtimeFields | { problem: RealtimeProblem; eventId: unknown } {
  let message: RealtimeFields;
  try {
    message = fieldsOf(JSON.parse(text));
  } catch {
    return { problem: problem("We could not parse the JSON body of your event.", null, "invalid_json"), eventId: null };
  }
  const { type, event_id: eventId = null } = message;
  const wrong = TYPES.includes(String(type))
    ? check(message)
    : problem(`Invalid value: '${String(type)}'. Supported values are: ${TYPES.join(", ")}.`, "type");
  return wrong === null ? message : { problem: wrong, eventId };
}

function check(message: RealtimeFields): RealtimeProblem | null {
  switch (message.type) {
    case "session.update":
      return checkSession(fieldsOf(message.session));
    case "input_audio_buffer.append":
      return checkAudio(message.audio);
    case "conversation.item.create":
      return checkItem(fieldsOf(message.item));
    case "conversation.item.truncate":
      if (message.content_index !== 0) return problem("Only content_index 0 can be truncated.", "content_index");
      if (Number.isInteger(message.audio_end_ms) && Number(message.audio_end_ms) >= 0) return null;
      return problem(
        "Invalid type for 'audio_end_ms': expected a non-negative integer.",
        "audio_end_ms",
        "invalid_type",
      );
    case "response.create":
      return unknownField(fieldsOf(message.response), RESPONSE_FIELDS, "response");
    default:
      return null;
  }
}

function checkSession(session: RealtimeFields): RealtimeProblem | null {
  if (session.type !== "realtime") {
    return problem("Missing required parameter: 'session.type'.", "session.type", "missing_required_parameter");
  }
  const { input, output } = fieldsOf(session.audio);
  const wrong =
    unknownField(session, SESSION_FIELDS, "session") ??
    unknownField(fieldsOf(input), INPUT_FIELDS, "session.audio.input");
  if (wrong !== null) return wrong;
  for (const [side, { format }] of Object.entries({ input: fieldsOf(input), output: fieldsOf(output) })) {
    if (format === undefined) continue;
    const { type, rate } = fieldsOf(format);
    if (type === "audio/pcm" && rate !== 24_000)
      return problem("Only 24000 is supported.", `session.audio.${side}.format.rate`);
    if (!["audio/pcm", "audio/pcmu", "audio/pcma"].includes(String(type))) {
      return problem("Unknown audio format.", `session.audio.${side}.format.type`);
    }
  }
  const { voice } = fieldsOf(output);
  if (typeof voice === "string" && !VOICES.includes(voice)) {
    return problem(
      `Invalid value: '${voice}'. Supported values are: ${VOICES.join(", ")}.`,
      "session.audio.output.voice",
    );
  }
  const { turn_detection } = fieldsOf(input);
  if (turn_detection === undefined || turn_detection === null) return null;
  const { type } = fieldsOf(turn_detection);
  if (type === "server_vad" || type === "semantic_vad") return null;
  return problem("Unknown turn detection.", "session.audio.input.turn_detection.type");
}

function checkAudio(audio: unknown): RealtimeProblem | null {
  if (typeof audio !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(audio) || audio.length % 4 !== 0) {
    return problem("Invalid 'audio'. Expected base64-encoded audio bytes.", "audio");
  }
  const byteLength = (audio.length / 4) * 3;
  return byteLength > MAX_APPEND_BYTES
    ? problem("Invalid 'audio': at most 15 MiB.", "audio", "string_above_max_length")
    : null;
}

const CONTENT: Readonly<Record<string, readonly string[]>> = {
  user: ["input_text", "input_audio", "input_image"],
  system: ["input_text"],
  // It cannot be given audio of the assistant.
  assistant: ["output_text"],
};

function checkItem(item: RealtimeFields): RealtimeProblem | null {
  if (item.type === "function_call_output") {
    const isWhole = typeof item.call_id === "string" && typeof item.output === "string";
    return isWhole ? null : problem("Missing required parameter.", "item.output", "missing_required_parameter");
  }
  if (item.type === "function_call") return null;
  if (item.type !== "message") return problem(`Invalid value: '${String(item.type)}'.`, "item.type");
  const allowed = CONTENT[String(item.role)];
  if (allowed === undefined) return problem(`Invalid value: '${String(item.role)}'.`, "item.role");
  for (const [index, part] of (Array.isArray(item.content) ? item.content : []).entries()) {
    const { type } = fieldsOf(part);
    if (!allowed.includes(String(type))) {
      const supported = `Supported values are: ${allowed.join(", ")}.`;
      return problem(`Invalid value: '${String(type)}'. ${supported}`, `item.content[${index}].type`);
    }
  }
  return null;
}

function unknownField(fields: RealtimeFields, known: RegExp, path: string): RealtimeProblem | null {
  const name = Object.keys(fields).find((field) => !known.test(field));
  return name === undefined
    ? null
    : problem(`Unknown parameter: '${path}.${name}'.`, `${path}.${name}`, "unknown_parameter");
}
