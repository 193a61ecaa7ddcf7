import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { ConversationEvent } from "../../../src/bots/conversation/events.ts";
import { type RealtimeBotOptions, realtimeBot } from "../../../src/bots/realtime/index.ts";
import { type CallEnd, createWavixTransport, type WavixTransport } from "../../../src/call/index.ts";
import { Arrivals } from "../../support/arrivals.ts";
import { PlayingPeer } from "../../support/playing-peer.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A session of the service whose every event the test says. */
export class PuppetSession {
  /** What the bot sent, but for audio. */
  readonly received = new Arrivals<Fields>();
  /** How much of the caller's audio came, in ms. */
  audioMs = 0;
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => {}); // `close` follows
    socket.on("message", (data) => {
      const event = JSON.parse(String(data)) as Fields;
      if (event.type === "session.update") this.say({ type: "session.updated", session: event.session });
      if (event.type === "input_audio_buffer.append") {
        this.audioMs += Buffer.from(String(event.audio), "base64").length / 48;
      } else this.received.add(event);
    });
    this.say({ type: "session.created", session: {} });
  }

  say(event: Fields): void {
    this.socket.send(JSON.stringify(event));
  }

  /** The first event of this type that has come, or will. */
  message(type: string): Promise<Fields> {
    return this.received.first((event) => event.type === type);
  }

  of(type: string): Fields[] {
    return this.received.all.filter((event) => event.type === type);
  }

  /** Begins a response; `asked`: the number of the `response.create` it is for. */
  begin(responseId: string, asked?: number): void {
    const metadata = asked === undefined ? null : { ask: String(asked) };
    this.say({ type: "response.created", response: { id: responseId, status: "in_progress", metadata } });
  }

  item(responseId: string, itemId: string): void {
    const item = { id: itemId, type: "message", role: "assistant" };
    this.say({ type: "response.output_item.added", response_id: responseId, item });
  }

  /** More of an item, all samples the same, with text if there is any. */
  speak(responseId: string, itemId: string, audio: { value: number; ms: number } | Uint8Array, text = ""): void {
    const place = { response_id: responseId, item_id: itemId, content_index: 0 };
    if (text !== "") this.say({ type: "response.output_audio_transcript.delta", ...place, delta: text });
    const bytes = audio instanceof Uint8Array ? audio : new Int16Array(audio.ms * 24).fill(audio.value);
    const delta = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
    this.say({ type: "response.output_audio.delta", ...place, delta });
  }

  spoken(responseId: string, itemId: string): void {
    this.say({ type: "response.output_audio.done", response_id: responseId, item_id: itemId });
  }

  call(responseId: string, name: string, callId: string, args: object = {}): void {
    const item = { type: "function_call", name, call_id: callId, arguments: JSON.stringify(args) };
    this.say({ type: "response.output_item.done", response_id: responseId, item });
  }

  done(responseId: string, status = "completed"): void {
    this.say({ type: "response.done", response: { id: responseId, status } });
  }

  callerStarts(): void {
    this.say({ type: "input_audio_buffer.speech_started" });
  }

  /** The turn is over, and was this. */
  callerStops(itemId: string, text?: string): void {
    this.say({ type: "input_audio_buffer.speech_stopped", audio_end_ms: 0 });
    this.say({ type: "input_audio_buffer.committed", item_id: itemId });
    if (text === undefined) return;
    this.say({ type: "conversation.item.input_audio_transcription.completed", item_id: itemId, transcript: text });
  }

  /** Settles when the bot has read all that was said so far: it has answered a ping behind it. */
  async read(): Promise<void> {
    const pong = once(this.socket, "pong");
    this.socket.ping();
    await pong;
  }
}

/** A call of the speech-to-speech bot, with the service in the hands of the test. */
export interface PuppetCall extends AsyncDisposable {
  readonly peer: PlayingPeer;
  readonly transport: WavixTransport;
  readonly bot: ReturnType<typeof realtimeBot>;
  readonly events: Arrivals<ConversationEvent>;
  readonly over: Promise<CallEnd>;
  /** Settles when this session, counted from 0, is set up. */
  session(index: number): Promise<PuppetSession>;
  /** What becomes of the next upgrades. */
  readonly sessionCount: number;
  texts(): string[];
}

export async function puppetCall(
  options: Partial<RealtimeBotOptions> & { onSession?: (session: PuppetSession) => void } = {},
): Promise<PuppetCall> {
  const { onSession, ...botOptions } = options;
  const http = createServer();
  const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  const sessions = new Arrivals<PuppetSession>();
  webSockets.on("connection", (socket) => {
    const session = new PuppetSession(socket);
    onSession?.(session);
    sessions.add(session);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const events = new Arrivals<ConversationEvent>();
  const bot = realtimeBot({
    apiKey: "key",
    greeting: "",
    baseUrl: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    onEvent: (event) => events.add(event),
    ...botOptions,
  });
  const peer = new PlayingPeer();
  const transport = createWavixTransport({
    socket: peer,
    audioInSampleRate: 24_000,
    control: {
      async hangUp() {
        peer.cut();
      },
    },
  });
  const over = transport.run(bot);
  peer.start();
  const session = async (index: number) => {
    const isThere = () => sessions.all[index];
    await sessions.first(() => isThere() !== undefined);
    const one = isThere() as PuppetSession;
    await one.message("session.update");
    await one.read();
    return one;
  };
  return {
    peer,
    transport,
    bot,
    events,
    over,
    session,
    get sessionCount() {
      return sessions.all.length;
    },
    texts: () =>
      events.all.flatMap((event) =>
        event.type === "user" || event.type === "bot"
          ? `${event.type}: ${event.text}${event.type === "bot" && event.interrupted ? "…" : ""}`
          : [],
      ),
    async [Symbol.asyncDispose]() {
      transport.callOver();
      peer.cut();
      await over;
      const stopped = once(http, "close");
      http.close();
      for (const client of webSockets.clients) client.terminate();
      await stopped;
    },
  };
}
