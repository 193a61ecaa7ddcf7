/** What the service says, as far as the bot makes use of it. */
export type ServerEvent =
  | { readonly type: "session-created" | "session-updated" | "speech-started" }
  | { readonly type: "speech-stopped"; readonly audioEndMs: number }
  | { readonly type: "committed"; readonly itemId: string }
  | { readonly type: "transcribed"; readonly itemId: string; readonly text: string }
  | {
      readonly type: "response-created";
      readonly responseId: string;
      /** What it was asked for with; empty when nobody did. */
      readonly ask: string;
    }
  | { readonly type: "message-added"; readonly responseId: string; readonly itemId: string }
  | { readonly type: "audio"; readonly responseId: string; readonly itemId: string; readonly audio: Uint8Array }
  | { readonly type: "audio-done"; readonly responseId: string; readonly itemId: string }
  | { readonly type: "transcript"; readonly responseId: string; readonly itemId: string; readonly text: string }
  | {
      readonly type: "function-call";
      readonly responseId: string;
      readonly callId: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: "response-done";
      readonly responseId: string;
      readonly status: string;
      /** Why it failed, in the service's word. */
      readonly code: string;
    }
  | { readonly type: "error"; readonly code: string; readonly param: string; readonly eventId: string }
  /** Of no use here. */
  | { readonly type: "other" };

/** Of one answer's transcript, of a name, of a code. */
const MAX_TEXT = 100_000;
const MAX_WORD = 200;

type Fields = Readonly<Record<string, unknown>>;

/** A message of the service; null for what is none. Never throws. */
export function readServerEvent(data: string): ServerEvent | null {
  let event: Fields;
  try {
    event = fieldsOf(JSON.parse(data));
  } catch {
    return null;
  }
  if (typeof event.type !== "string") return null;
  const responseId = word(event.response_id);
  const itemId = word(event.item_id);
  switch (event.type) {
    case "session.created":
      return { type: "session-created" };
    case "session.updated":
      return { type: "session-updated" };
    case "input_audio_buffer.speech_started":
      return { type: "speech-started" };
    case "input_audio_buffer.speech_stopped":
      return { type: "speech-stopped", audioEndMs: Number(event.audio_end_ms) };
    case "input_audio_buffer.committed":
      return itemId === "" ? null : { type: "committed", itemId };
    case "conversation.item.input_audio_transcription.completed":
      return { type: "transcribed", itemId, text: text(event.transcript).trim() };
    case "response.created":
      return responseEvent("response-created", event);
    case "response.output_item.added":
      if (fieldsOf(event.item).type !== "message") return { type: "other" };
      return { type: "message-added", responseId, itemId: word(fieldsOf(event.item).id) };
    case "response.output_audio.delta":
      if (typeof event.delta !== "string") return null;
      return { type: "audio", responseId, itemId, audio: Buffer.from(event.delta, "base64") };
    case "response.output_audio.done":
      return { type: "audio-done", responseId, itemId };
    case "response.output_audio_transcript.delta":
      return { type: "transcript", responseId, itemId, text: text(event.delta) };
    case "response.output_item.done":
      return functionCall(responseId, fieldsOf(event.item));
    case "response.done":
      return responseEvent("response-done", event);
    case "error": {
      const { code, type, param, event_id } = fieldsOf(event.error);
      return { type: "error", code: word(code) || word(type), param: word(param), eventId: word(event_id) };
    }
    default:
      return { type: "other" };
  }
}

function responseEvent(type: "response-created" | "response-done", event: Fields): ServerEvent | null {
  const response = fieldsOf(event.response);
  const responseId = word(response.id);
  if (responseId === "") return null;
  if (type === "response-created") return { type, responseId, ask: word(fieldsOf(response.metadata).ask) };
  const details = fieldsOf(response.status_details);
  const { code, type: kind } = fieldsOf(details.error);
  return { type, responseId, status: word(response.status), code: word(code) || word(kind) || word(details.reason) };
}

function functionCall(responseId: string, item: Fields): ServerEvent | null {
  if (item.type !== "function_call") return { type: "other" };
  const callId = word(item.call_id);
  if (callId === "") return null;
  return { type: "function-call", responseId, callId, name: word(item.name), arguments: text(item.arguments) };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function word(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_WORD) : "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}
