import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import WebSocket from "ws";
import type { Behaviour } from "./behaviour.ts";
import { silencePayload } from "./caller-audio.ts";
import { MediaDisorder } from "./media-disorder.ts";
import { writeMedia } from "./media-frames.ts";
import type { PacketObserver } from "./model.ts";
import type { TimelineRecorder } from "./recording.ts";
import { type CallScript, ScriptPlayer, type ScriptStage } from "./script.ts";
import { parseServerMessage } from "./server-message.ts";
import { StreamMessages, type Track } from "./stream-messages.ts";
import { StreamReceiver } from "./stream-receiver.ts";
import type { CallTally } from "./tally.ts";
import { PACKET_SAMPLES } from "./wire-audio.ts";

/** What `/answer` and `/streams` ask for. */
export interface StreamSpec {
  url: string;
  type: "oneway" | "twoway";
  channel: "inbound" | "outbound" | "both";
}

/** What a stream knows of its call. */
export interface StreamContext {
  callId: string;
  behaviour: Behaviour;
  /** What it says, where that is not what Wavix would. */
  script: CallScript | null;
  tally: CallTally;
  recorder: TimelineRecorder | null;
  observer: PacketObserver | null;
  /** The socket is open; returns the origin of the caller's timeline. */
  onOpen: () => number;
  /** The socket closed although Wavix did not close it. */
  onLost: () => void;
}

// A server that does not read makes no queue without end: packets are skipped and counted.
const MAX_WAITING_BYTES = 1 << 20;
// How long the server may take to close its side.
const CLOSE_TIMEOUT_MS = 2000;

/** The media client of one Wavix stream: one socket to the server. Ticked by its call every 20 ms. */
export class CallStream {
  readonly id: string;
  readonly type: StreamSpec["type"];
  readonly #spec: StreamSpec;
  readonly #context: StreamContext;
  readonly #messages: StreamMessages;
  readonly #disorder: MediaDisorder | null;
  readonly #tracks: readonly Track[];

  #socket: WebSocket | undefined;
  #tcpSocket: Socket | undefined;
  #receiver: StreamReceiver | undefined;
  #player: ScriptPlayer | undefined;
  #state: "connecting" | "open" | "stopped" | "closed" = "connecting";
  #closing: "simulator" | "cut" | null = null;
  #reportClosed: () => void = () => undefined;
  readonly closed: Promise<void>;

  constructor(spec: StreamSpec, context: StreamContext) {
    this.id = context.script?.streamId ?? randomUUID();
    this.#spec = spec;
    this.type = spec.type;
    this.#context = context;
    // Wavix OpenAPI, CallStreamChannel: "For bidirectional call streaming, this setting is ignored and the inbound
    // channel is only streamed."
    const both = spec.channel === "both" ? (["inbound", "outbound"] as const) : ([spec.channel] as const);
    this.#tracks = spec.type === "twoway" ? ["inbound"] : both;
    this.#messages = new StreamMessages(context.callId, this.id, context.behaviour);
    this.#disorder = MediaDisorder.isIn(context.behaviour) ? new MediaDisorder(context.behaviour) : null;
    this.closed = new Promise((resolve) => {
      this.#reportClosed = resolve;
    });
  }

  get isOver(): boolean {
    return this.#state === "stopped" || this.#state === "closed";
  }

  /** Opens the socket. Resolves to null, or to why it could not be opened. */
  open(): Promise<string | null> {
    const { behaviour, tally } = this.#context;
    const url = new URL(this.#spec.url);
    if (!behaviour.keepStreamUrlQuery) url.search = "";
    // A fragment is never sent, and ws throws on one.
    url.hash = "";
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: behaviour.connectTimeoutMs,
      maxPayload: behaviour.maxMessageBytes,
    });
    this.#socket = socket;
    return new Promise((resolve) => {
      let error: string | null = null;
      socket.on("upgrade", (response) => {
        this.#tcpSocket = response.socket;
      });
      socket.on("open", () => {
        this.#begin();
        resolve(null);
      });
      socket.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary));
      socket.on("unexpected-response", (request, response) => {
        error = `HTTP ${response.statusCode}`;
        response.resume();
        request.destroy();
        // With a listener here ws leaves the closing to us.
        socket.terminate();
      });
      socket.on("error", (cause: Error & { code?: string }) => {
        error ??= /timed out/.test(cause.message) ? "TIMEOUT" : (cause.code ?? "UNKNOWN");
      });
      socket.on("close", (code) => {
        const wasConnecting = this.#state === "connecting";
        if (wasConnecting) tally.streamError = this.#closing === null ? (error ?? "UNKNOWN") : "ABORTED";
        this.#onClose(code, wasConnecting);
        resolve(wasConnecting ? tally.streamError : null);
      });
    });
  }

  #begin(): void {
    const { behaviour, script, tally, recorder, observer, onOpen } = this.#context;
    this.#state = "open";
    tally.streamId ??= this.id;
    const { type, channel } = this.#spec;
    if (script === null && behaviour.sendConnected) this.#send(this.#messages.connected());
    if (script === null && behaviour.sendStart)
      this.#send(this.#messages.start(type, type === "twoway" ? "inbound" : channel));
    const originMs = onOpen();
    this.#receiver = new StreamReceiver({
      streamId: this.id,
      type,
      behaviour,
      tally,
      recorder,
      observer,
      originMs,
      echoMark: (name) => this.#echoMark(name),
    });
    if (script !== null) this.#player = new ScriptPlayer(script, this.#stage, tally);
  }

  /** Plays up to now and echoes the marks that are due. */
  play(): void {
    if (this.#state === "open") this.#receiver?.play();
  }

  /** Sends one packet of each track. `payload` is the caller's, null where the caller says nothing. */
  sendPacket(packet: number, payload: string | null, deadlineMs: number, eventTime: string): void {
    if (this.#state !== "open" || this.#player !== undefined) return;
    const { behaviour, tally, observer } = this.#context;
    this.#messages.begin(packet);
    if (payload === null && !behaviour.mediaDuringSilence) return;
    if (this.#socket!.bufferedAmount > MAX_WAITING_BYTES) {
      tally.skippedPackets += this.#tracks.length;
      tally.untakenPackets += this.#tracks.length;
      return;
    }
    for (const track of this.#tracks) {
      const audio = track === "inbound" ? (payload ?? silencePayload) : this.#heardPayload(packet);
      if (this.#disorder === null) this.#sendMedia(packet, track, audio, eventTime);
      else {
        const message = this.#messages.media(packet, track, audio, eventTime);
        for (const sent of this.#disorder.pass(message)) this.#send(sent);
      }
      tally.sentPackets += 1;
    }
    const lateMs = performance.now() - deadlineMs;
    tally.sendLateness.add(lateMs);
    observer?.sent?.(lateMs);
  }

  // Straight to the TCP socket, between the frames of ws: without compression it writes each of its frames as a whole and at
  // once. What ws does per message costs four times as much, and would be half of what a load generator does.
  #sendMedia(packet: number, track: Track, payload: string, eventTime: string): void {
    const { before, after } = this.#messages.mediaAround(packet, track, eventTime);
    const isOpen = this.#socket!.readyState === WebSocket.OPEN && this.#tcpSocket?.writable === true;
    if (!isOpen || !writeMedia(this.#tcpSocket!, before, payload, after)) this.#send(`${before}${payload}${after}`);
  }

  // The outbound track of a one-way stream is what the caller hears; without a recording it is silence.
  #heardPayload(packet: number): string {
    const heard = this.#context.recorder?.read(packet * PACKET_SAMPLES, (packet + 1) * PACKET_SAMPLES);
    return heard?.length === PACKET_SAMPLES ? Buffer.from(heard.buffer).toString("base64") : silencePayload;
  }

  readonly #stage: ScriptStage = {
    send: (data) => (this.#socket?.bufferedAmount ?? 0) <= MAX_WAITING_BYTES && this.sendRaw(data),
    close: (code) => {
      if (code === "cut") return this.drop();
      this.#closing ??= "simulator";
      this.#socket?.close(code);
    },
  };

  sendRaw(data: string | Uint8Array): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  /** Cuts the connection without a close frame. */
  drop(): void {
    this.#closing ??= "cut";
    this.#socket?.terminate();
  }

  /**
   * Ends the stream as Wavix does: `stop`, then the close. With `closes` false the socket stays open, to be closed by
   * a second `finish(true)`. Resolves when that is done.
   */
  async finish(closes: boolean): Promise<void> {
    const { streamEnd, closeCode } = this.#context.behaviour;
    if (this.#state === "connecting") {
      this.#closing = "simulator";
      this.#socket?.terminate();
      return this.closed;
    }
    if (this.#state === "open") {
      this.play();
      this.#player?.stop();
      if (this.#player?.saidStop !== true && (streamEnd !== "close-only" || !closes)) {
        this.#send(this.#messages.stop());
        this.#context.tally.sentStops += 1;
      }
      this.#state = "stopped";
      this.#receiver?.retire();
    }
    if (closes) await this.#close(streamEnd === "stop-only" ? null : closeCode);
  }

  // Closes the socket with a code, or leaves that to the server; cuts it when that takes too long.
  async #close(code: number | null): Promise<void> {
    if (this.#state === "closed") return;
    if (code !== null) {
      this.#closing ??= "simulator";
      this.#socket?.close(code);
    }
    const timer = setTimeout(() => this.drop(), CLOSE_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#state === "open") this.#receiver?.receive(data, isBinary);
    else this.#countAfterStop(data, isBinary);
  }

  #countAfterStop(data: Buffer, isBinary: boolean): void {
    const { tally } = this.#context;
    tally.messagesAfterStop += 1;
    const message = isBinary ? "binary" : parseServerMessage(data.toString());
    if (typeof message !== "string" && message.event === "media") tally.packetsAfterStop += 1;
  }

  #echoMark(name: string): void {
    if (!this.#context.behaviour.echoMarks || this.#player !== undefined) return;
    // A server that sends marks and reads nothing would fill the memory with their echoes.
    if (this.#socket!.bufferedAmount > 2 * MAX_WAITING_BYTES) this.drop();
    else {
      this.#send(this.#messages.mark(name));
      this.#context.tally.sentMarks += 1;
    }
  }

  #send(message: string): void {
    this.#socket!.send(message);
  }

  #onClose(code: number, wasConnecting: boolean): void {
    const { tally, onLost } = this.#context;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#player?.stop();
    if (wasOpen) this.#receiver?.retire();
    if (!wasConnecting) {
      tally.closedBy = this.#closing ?? (code === 1006 ? "cut" : "server");
      tally.closeCode = code;
    }
    this.#reportClosed();
    if (wasOpen && this.#closing === null) onLost();
  }
}
