import type { WebSocket } from "ws";
import type { StandInVoice } from "./cartesia-voice.ts";
import {
  fieldsOf,
  problem,
  type RealtimeFields,
  type RealtimeProblem,
  readRealtimeMessage,
} from "./realtime-requests.ts";
import { SpokenResponse } from "./realtime-response.ts";
import type {
  RealtimeConnection,
  RealtimeReply,
  RealtimeRequest,
  RealtimeStandInResponse,
  RealtimeTruncation,
} from "./realtime-script.ts";
import { SoundWatch, type SoundWindow } from "./sound-watch.ts";
import type { SpokenScript } from "./spoken-script.ts";

/** What the connections of a stand-in share. */
export interface RealtimeHouse {
  readonly script: SpokenScript;
  readonly delayMs: number;
  readonly transcriptDelayMs: number;
  readonly speed: number;
  readonly soundThreshold: number;
  readonly voice: StandInVoice;
  /** The next response's number and what it is to be. */
  next(request: Omit<RealtimeRequest, "index">): { request: RealtimeRequest; reply: RealtimeReply };
  newId(prefix: string): string;
  problem(text: string): void;
  sent(event: RealtimeFields, connection: number): void;
  received(message: RealtimeFields): void;
  responded(response: RealtimeStandInResponse): void;
  truncated(truncation: RealtimeTruncation): void;
}

const MAX_RECEIVED = 2_000;
const MAX_ITEMS = 10_000;
const SESSION_MS = 3_600_000;
/** Of `semantic_vad`: no model here tells when a sentence is over. */
const SEMANTIC_SILENCE_MS = 500;

/** One session: what it was told, what it hears, what it says. */
export class RealtimeSession implements RealtimeConnection {
  readonly model: string;
  readonly received: RealtimeFields[] = [];
  session: RealtimeFields;
  closeCode: number | null = null;
  readonly #number: number;
  readonly #socket: WebSocket;
  readonly #house: RealtimeHouse;
  readonly #watch: SoundWatch;
  readonly #items: RealtimeFields[] = [];
  /** How much audio there is of each item of the assistant. */
  readonly #spoken = new Map<string, SpokenResponse>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #response: SpokenResponse | undefined;
  /** The item that the caller's speech will be, while the caller speaks. */
  #speech: { itemId: string; onsetMs: number } | undefined;

  constructor(number: number, socket: WebSocket, model: string, house: RealtimeHouse) {
    this.#number = number;
    this.#socket = socket;
    this.model = model;
    this.#house = house;
    this.#watch = new SoundWatch(24_000, house.soundThreshold, (window) => this.#window(window));
    this.session = {
      type: "realtime",
      object: "realtime.session",
      id: house.newId("sess"),
      model,
      output_modalities: ["audio"],
      instructions: "",
      tools: [],
      tool_choice: "auto",
      expires_at: Math.round((Date.now() + SESSION_MS) / 1_000),
      audio: {
        input: {
          format: { type: "audio/pcm", rate: 24_000 },
          transcription: null,
          noise_reduction: null,
          turn_detection: { type: "server_vad", threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
        },
        output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "alloy", speed: 1 },
      },
    };
    socket.on("error", () => {}); // `close` follows
    socket.on("close", (code) => {
      this.closeCode = code;
      this.#response?.stop();
      for (const timer of this.#timers) clearTimeout(timer);
    });
    socket.on("message", (data) => this.#message(String(data)));
    this.#send({ type: "session.created", session: this.session });
  }

  get items(): readonly RealtimeFields[] {
    return this.#items;
  }

  get audioMs(): number {
    return this.#watch.heardMs;
  }

  #message(text: string): void {
    const message = readRealtimeMessage(text);
    if ("problem" in message) {
      this.#refuse(message.problem as RealtimeProblem, message.eventId);
      return;
    }
    if (message.type === "input_audio_buffer.append") {
      this.#watch.push(Buffer.from(String(message.audio), "base64"));
      return;
    }
    if (this.received.length < MAX_RECEIVED) this.received.push(message);
    const wrong = this.#take(message);
    if (wrong !== null) this.#refuse(wrong, message.event_id ?? null);
    this.#house.received(message);
  }

  #take(message: RealtimeFields): RealtimeProblem | null {
    switch (message.type) {
      case "session.update":
        this.session = merged(this.session, fieldsOf(message.session));
        this.#send({ type: "session.updated", session: this.session });
        return null;
      case "conversation.item.create":
        return this.#createItem(fieldsOf(message.item));
      case "conversation.item.delete":
        return this.#deleteItem(String(message.item_id));
      case "conversation.item.truncate":
        return this.#truncate(String(message.item_id), Number(message.audio_end_ms));
      case "response.create":
        return this.#create("create", fieldsOf(message.response));
      case "response.cancel":
        if (this.#response === undefined) {
          const code = "response_cancel_not_active";
          return problem("Cancellation failed: no active response found", null, code);
        }
        this.#response.cancel("client_cancelled");
        return null;
      case "input_audio_buffer.clear":
        this.#send({ type: "input_audio_buffer.cleared" });
        return null;
      default:
        return problem(`The stand-in has no ${String(message.type)}.`, "type");
    }
  }

  // ── The conversation ──────────────────────────────────────────────────────────────────────────────────────────────

  #createItem(item: RealtimeFields): RealtimeProblem | null {
    if (item.type === "function_call_output") {
      const isCalled = this.#items.some(({ type, call_id }) => type === "function_call" && call_id === item.call_id);
      if (!isCalled) return problem(`No tool call found with call_id '${String(item.call_id)}'.`, "item.call_id");
    }
    this.#addItem({ id: this.#house.newId("item"), object: "realtime.item", status: "completed", ...item });
    this.#send({ type: "conversation.item.done", item: this.#items.at(-1) });
    return null;
  }

  #addItem(item: RealtimeFields): void {
    const previous_item_id = this.#items.at(-1)?.id ?? null;
    if (this.#items.length < MAX_ITEMS) this.#items.push(item);
    this.#send({ type: "conversation.item.added", previous_item_id, item: { ...item } });
  }

  #deleteItem(itemId: string): RealtimeProblem | null {
    const index = this.#items.findIndex(({ id }) => id === itemId);
    if (index < 0) {
      const text = `Error deleting item: the item with id '${itemId}' does not exist.`;
      return problem(text, null, "item_delete_invalid_item_id");
    }
    this.#items.splice(index, 1);
    this.#send({ type: "conversation.item.deleted", item_id: itemId });
    return null;
  }

  #truncate(itemId: string, audioEndMs: number): RealtimeProblem | null {
    const response = this.#spoken.get(itemId);
    const item = this.#items.find(({ id }) => id === itemId);
    const audioMs = response?.audioMs ?? 0;
    let wrong: RealtimeProblem | null = null;
    if (item === undefined) {
      const text = `Error truncating item: the item with id '${itemId}' does not exist.`;
      wrong = problem(text, null, "item_truncate_invalid_item_id");
    } else if (response === undefined || audioMs === 0) {
      wrong = problem("Only model output audio messages can be truncated", null, "unsupported_content_type");
    } else if (audioEndMs > audioMs) {
      wrong = problem(`Audio content of ${audioMs}ms is already shorter than ${audioEndMs}ms`);
    }
    this.#house.truncated({ itemId, audioEndMs, audioMs, refused: wrong !== null });
    if (wrong !== null || item === undefined) return wrong;
    // Its text goes too: nothing is in the context that the caller has not heard.
    item.content = [{ type: "output_audio", audio_end_ms: audioEndMs }];
    this.#send({ type: "conversation.item.truncated", item_id: itemId, content_index: 0, audio_end_ms: audioEndMs });
    return null;
  }

  // ── Turns of the caller ───────────────────────────────────────────────────────────────────────────────────────────

  #window({ atMs, sounds, onsetMs, silenceMs }: SoundWindow): void {
    const detection = fieldsOf(fieldsOf(fieldsOf(this.session.audio).input).turn_detection);
    if (detection.type === undefined) return;
    const { silence_duration_ms = 500, prefix_padding_ms = 300 } = detection;
    if (this.#speech === undefined) {
      if (!sounds) return;
      const itemId = this.#house.newId("item");
      this.#speech = { itemId, onsetMs };
      const audio_start_ms = Math.max(0, Math.round(onsetMs - Number(prefix_padding_ms)));
      this.#send({ type: "input_audio_buffer.speech_started", audio_start_ms, item_id: itemId });
      if (detection.interrupt_response !== false) this.#response?.cancel("turn_detected");
      return;
    }
    const silence = detection.type === "semantic_vad" ? SEMANTIC_SILENCE_MS : Number(silence_duration_ms);
    if (silenceMs < silence) return;
    const { itemId, onsetMs: from } = this.#speech;
    this.#speech = undefined;
    this.#turnOver(itemId, Math.round(atMs), atMs - silenceMs - from, detection.create_response !== false);
  }

  #turnOver(itemId: string, audio_end_ms: number, durationMs: number, createResponse: boolean): void {
    this.#send({ type: "input_audio_buffer.speech_stopped", audio_end_ms, item_id: itemId });
    const previous_item_id = this.#items.at(-1)?.id ?? null;
    this.#send({ type: "input_audio_buffer.committed", item_id: itemId, previous_item_id });
    const content = { type: "input_audio", transcript: null };
    const item: RealtimeFields = { id: itemId, type: "message", role: "user", status: "completed", content: [content] };
    this.#addItem(item);
    const transcript = this.#house.script.words(durationMs).join(" ");
    this.#house.script.advance(durationMs);
    const { transcription } = fieldsOf(fieldsOf(this.session.audio).input);
    if (transcription !== null) {
      this.#later(this.#house.transcriptDelayMs, () => {
        const type = "conversation.item.input_audio_transcription.completed";
        const usage = { type: "duration", seconds: durationMs / 1_000 };
        this.#send({ type, item_id: itemId, content_index: 0, transcript, usage });
      });
    }
    if (createResponse) this.#create("turn", {});
  }

  #create(cause: "create" | "turn", params: RealtimeFields): RealtimeProblem | null {
    if (this.#response !== undefined) {
      const text = `Conversation already has an active response in progress: ${this.#response.id}. Wait until the response is finished before creating a new one.`;
      return problem(text, null, "conversation_already_has_active_response");
    }
    const items = this.#items.map((item) => ({ ...item }));
    const { request, reply } = this.#house.next({ connection: this.#number, cause, params, items });
    const { speed, delayMs, voice } = this.#house;
    const response = new SpokenResponse(request, reply, {
      speed,
      delayMs,
      voice,
      newId: (prefix) => this.#house.newId(prefix),
      send: (event) => this.#send(event),
      sendRaw: (text) => this.#socket.send(text),
      addItem: (item) => this.#addItem(item),
      expire: () => this.#expire(),
      close: (code) => (code === undefined ? this.#socket.terminate() : this.#socket.close(code)),
      over: () => {
        this.#response = undefined;
      },
    });
    this.#response = response;
    this.#spoken.set(response.itemId, response);
    this.#house.responded(response);
    return null;
  }

  /** As it is when a session is 60 minutes old. */
  #expire(): void {
    const text = "Your session hit the maximum duration of 60 minutes.";
    this.#send({ type: "error", error: { ...problem(text, null, "session_expired"), event_id: null } });
    this.#socket.close(1001, text);
  }

  #refuse(error: RealtimeProblem, eventId: unknown): void {
    this.#house.problem(`${error.code ?? error.type}: ${error.message}`);
    this.#send({ type: "error", error: { ...error, event_id: eventId } });
  }

  #send(event: RealtimeFields): void {
    this.#house.sent(event, this.#number);
    this.#socket.send(JSON.stringify({ event_id: this.#house.newId("event"), ...event }));
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

/** Only the fields that are there are set; objects field by field, but for those that are one choice. */
function merged(old: RealtimeFields, update: RealtimeFields): RealtimeFields {
  const fields: RealtimeFields = { ...old };
  for (const [name, value] of Object.entries(update)) {
    const isParts = ["audio", "input", "output"].includes(name);
    fields[name] = isParts ? merged(fieldsOf(old[name]), fieldsOf(value)) : value;
  }
  return fields;
}
