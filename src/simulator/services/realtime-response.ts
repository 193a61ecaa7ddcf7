import { type StandInVoice, standInSpeech } from "./cartesia-voice.ts";
import type { RealtimeReply, RealtimeRequest, RealtimeStandInResponse } from "./realtime-script.ts";

/** What a response needs of the connection it is given on. */
export interface ResponseOutlet {
  readonly speed: number;
  readonly delayMs: number;
  readonly voice: StandInVoice;
  newId(prefix: string): string;
  send(event: Record<string, unknown>): void;
  sendRaw(text: string): void;
  /** Adds an item to the conversation, which is then the response's to fill. */
  addItem(item: Record<string, unknown>): void;
  expire(): void;
  close(code: number | undefined): void;
  over(response: SpokenResponse): void;
}

const SAMPLE_RATE = 24_000;
const SAMPLES_PER_MS = SAMPLE_RATE / 1_000;
/** A delta carries so much audio. */
const DELTA_MS = 100;

type Status = RealtimeStandInResponse["status"];

/** A response while it is given: its events in their published order, its audio faster than real time. */
export class SpokenResponse implements RealtimeStandInResponse {
  readonly id: string;
  readonly itemId: string;
  readonly text: string;
  readonly index: number;
  readonly connection: number;
  readonly cause: "create" | "turn";
  readonly params: Readonly<Record<string, unknown>>;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  audioMs = 0;
  status: Status = "in_progress";
  readonly #reply: RealtimeReply;
  readonly #outlet: ResponseOutlet;
  readonly #output: Record<string, unknown>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(request: RealtimeRequest, reply: RealtimeReply, outlet: ResponseOutlet) {
    ({
      index: this.index,
      connection: this.connection,
      cause: this.cause,
      params: this.params,
      items: this.items,
    } = request);
    this.#reply = reply;
    this.#outlet = outlet;
    this.text = reply.text ?? "";
    this.id = outlet.newId("resp");
    this.itemId = outlet.newId("item");
    outlet.send({ type: "response.created", response: this.#resource() });
    this.#after(reply.delayMs ?? outlet.delayMs, () => this.#begin());
  }

  cancel(reason: "turn_detected" | "client_cancelled"): void {
    clearTimeout(this.#timer);
    const item = this.#output[0];
    if (item?.status === "in_progress") item.status = "incomplete";
    this.#done("cancelled", { type: "cancelled", reason });
  }

  /** The connection is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    if (this.status === "in_progress") this.status = "cancelled";
  }

  #begin(): void {
    for (const text of this.#reply.insert ?? []) this.#outlet.sendRaw(text);
    if (this.text === "") {
      this.#finish();
      return;
    }
    const content: Record<string, unknown>[] = [];
    this.#added({ id: this.itemId, type: "message", role: "assistant", status: "in_progress", content });
    const part = { type: "audio", transcript: "" };
    this.#outlet.send({ type: "response.content_part.added", ...this.#place(0), content_index: 0, part });
    content.push({ type: "output_audio", transcript: this.text });
    const { pcm } = standInSpeech(this.text, SAMPLE_RATE, this.#outlet.voice);
    this.#speak(pcm, this.text.match(/\S+\s*/g) ?? []);
  }

  /** One delta of the transcript and one of the audio at a time; the transcript is ahead, as the service's is. */
  #speak(pcm: Int16Array, words: string[]): void {
    const { closeAtMs, closeCode, stallAtMs, expireAtMs } = this.#reply;
    const isAt = (ms: number | undefined) => ms !== undefined && this.audioMs >= ms;
    if (isAt(closeAtMs)) this.#outlet.close(closeCode);
    else if (isAt(expireAtMs)) this.#outlet.expire();
    if (isAt(closeAtMs) || isAt(expireAtMs) || isAt(stallAtMs)) return;
    const place = { ...this.#place(0), content_index: 0 };
    const word = words.shift();
    if (word !== undefined)
      this.#outlet.send({ type: "response.output_audio_transcript.delta", ...place, delta: word });
    const piece = pcm.subarray(this.audioMs * SAMPLES_PER_MS, (this.audioMs + DELTA_MS) * SAMPLES_PER_MS);
    if (piece.length > 0) {
      const delta = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("base64");
      this.#outlet.send({ type: "response.output_audio.delta", ...place, delta });
      this.audioMs += piece.length / SAMPLES_PER_MS;
      this.#after(DELTA_MS / this.#outlet.speed, () => this.#speak(pcm, words));
      return;
    }
    for (const delta of words.splice(0)) {
      this.#outlet.send({ type: "response.output_audio_transcript.delta", ...place, delta });
    }
    this.#outlet.send({ type: "response.output_audio.done", ...place });
    this.#outlet.send({ type: "response.output_audio_transcript.done", ...place, transcript: this.text });
    const part = { type: "audio", transcript: this.text };
    this.#outlet.send({ type: "response.content_part.done", ...place, part });
    this.#itemDone();
    this.#finish();
  }

  #finish(): void {
    const { toolCalls = [], status = "completed" } = this.#reply;
    for (const [index, call] of toolCalls.entries()) {
      const args = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments ?? {});
      const call_id = call.id ?? `call_${this.index}_${index}`;
      const id = this.#outlet.newId("item");
      const item = { id, type: "function_call", status: "in_progress", name: call.name, call_id, arguments: "" };
      this.#added(item);
      const place = { ...this.#place(this.#output.length - 1), item_id: id, call_id };
      const { length } = args;
      for (const delta of call.argumentPieces ?? [args.slice(0, length >> 1), args.slice(length >> 1)]) {
        if (delta !== "") this.#outlet.send({ type: "response.function_call_arguments.delta", ...place, delta });
      }
      item.arguments = call.argumentPieces?.join("") ?? args;
      const { arguments: all, name } = item;
      this.#outlet.send({ type: "response.function_call_arguments.done", ...place, name, arguments: all });
      this.#itemDone();
    }
    const error = { type: "server_error", code: "server_error" };
    if (status === "failed") this.#done(status, { type: status, error });
    else this.#done(status, status === "incomplete" ? { type: status, reason: "max_output_tokens" } : null);
  }

  #added(item: Record<string, unknown>): void {
    this.#output.push(item);
    this.#outlet.addItem(item);
    const output_index = this.#output.length - 1;
    this.#outlet.send({ type: "response.output_item.added", response_id: this.id, output_index, item: { ...item } });
  }

  #itemDone(): void {
    const output_index = this.#output.length - 1;
    const item = this.#output[output_index] as Record<string, unknown>;
    item.status = "completed";
    this.#outlet.send({ type: "response.output_item.done", response_id: this.id, output_index, item });
    this.#outlet.send({ type: "conversation.item.done", item });
  }

  #done(status: Status, details: Record<string, unknown> | null): void {
    this.status = status;
    this.#outlet.send({ type: "response.done", response: { ...this.#resource(), status_details: details } });
    this.#outlet.over(this);
  }

  #resource(): Record<string, unknown> {
    const { metadata = null } = this.params;
    return { object: "realtime.response", id: this.id, status: this.status, output: this.#output, metadata };
  }

  #place(output_index: number): Record<string, unknown> {
    return { response_id: this.id, item_id: this.itemId, output_index };
  }

  #after(ms: number, act: () => void): void {
    this.#timer = setTimeout(act, ms);
  }
}
