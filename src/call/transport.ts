import { Buffer } from "node:buffer";
import { CodecError, defaultCodec, type MediaWriter } from "../codec/index.ts";
import {
  CancelFrame,
  EndFrame,
  ErrorFrame,
  type Frame,
  InputAudioRawFrame,
  InterruptionFrame,
  MarkFrame,
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  StartFrame,
  TTSStoppedFrame,
} from "../pipecat/frames.ts";
import { clearMessage, markMessage, type StartMessage, WavixFrameSerializer } from "../wavix/wire/index.ts";
import {
  type Bot,
  type Call,
  type CallControl,
  type CallEnd,
  CallError,
  type CallFacts,
  type EndedBy,
  type Interruption,
} from "./call.ts";
import { FrameQueue } from "./frame-queue.ts";
import { Outbox } from "./outbox.ts";
import { PACKET_MS, type PacketClock, packetClock } from "./packet-clock.ts";
import { Playout } from "./playout.ts";

// biome-ignore lint/suspicious/noExplicitAny: only `any` fits the listeners of every EventEmitter's types.
type Listener = (...args: any[]) => void;

/** What a transport needs of a WebSocket; those of the `ws` package have it. */
export interface TransportSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array, options: { binary: boolean; compress: boolean }): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message" | "close" | "error", listener: Listener): unknown;
  off(event: "message" | "close" | "error", listener: Listener): unknown;
}

/** All but `socket` is optional. */
export interface WavixTransportOptions {
  /** An open WebSocket of Wavix's media stream, on the server's side. */
  readonly socket: TransportSocket;
  /** The TCP socket below it: several packets then go out in one write. */
  readonly rawSocket?: { cork(): void; uncork(): void } | undefined;
  /** Reads the messages. Its `sampleRate` is the rate of the caller's frames; made with defaults when left out. */
  readonly serializer?: WavixFrameSerializer | undefined;
  /** Rate of the caller's frames in Hz when the serializer sets none; 16000 as in Pipecat. */
  readonly audioInSampleRate?: number | undefined;
  readonly facts?: CallFacts | undefined;
  /** Hangs up; without it the end of a call is the end of its socket. */
  readonly control?: CallControl | undefined;
  /** How far audio is sent ahead of the caller's ear when it is there early; 200 ms. */
  readonly sendAheadMs?: number | undefined;
  /** How much audio is gathered before a sound starts, so that one late packet is no gap; 60 ms. */
  readonly playoutDelayMs?: number | undefined;
  /** How much audio may wait before `send` holds the bot back; 30,000 ms. */
  readonly maxQueuedMs?: number | undefined;
  /** Longest wait for the first message; 10,000 ms. */
  readonly startTimeoutMs?: number | undefined;
  /** Longest silence of the socket; 60,000 ms. Wavix sends 50 messages a second. */
  readonly idleTimeoutMs?: number | undefined;
  /** Longest call; 4 hours. */
  readonly maxCallMs?: number | undefined;
  /** For tests; the clock of the process. */
  readonly clock?: PacketClock | undefined;
}

/** What went through a transport. Counts rise only; times are in ms. */
export interface TransportStats {
  /** Packets of the caller's audio. */
  packetsIn: number;
  packetsOut: number;
  /** Packets that were not sent because the socket did not drain. */
  packetsDropped: number;
  /** Frames that the bot did not read in time. */
  framesDropped: number;
  interruptions: number;
  /** How often the caller ran dry in mid-utterance. */
  starvations: number;
  /** The longest such gap. */
  maxLatenessMs: number;
  /** Messages that were no text. */
  binaryMessages: number;
  /** How often a stream's audio started afresh because the codec was replaced. */
  discontinuities: number;
}

/** How a call is to end. */
export interface EndOptions {
  readonly endedBy: EndedBy;
  /** In one word; see {@link CallEnd}. */
  readonly reason: string;
  readonly error?: unknown;
  /** What the caller has not heard yet is dropped. */
  readonly now?: boolean;
  /** Only this socket is given up: the call itself goes on elsewhere. */
  readonly keepCall?: boolean;
}

const OPEN = 1;
const CLOSED = 3;
/** A second of media messages is 68 kB. A peer that is this far behind has stopped reading. */
const MAX_BUFFERED_BYTES = 512 * 1024;
/** A peer that has not read for this long will not read again. */
const STALLED_AFTER_MS = 10_000;
/** How long after the end of the audio an echo of a mark is waited for, and a `stop` after the hang-up. */
const GRACE_MS = 2_000;
/** How long a peer may take to answer the closing handshake. */
const CLOSE_TIMEOUT_MS = 1_000;
const TEXT = { binary: false, compress: false } as const;

interface PendingMark {
  readonly name: string;
  readonly resolve: () => void;
  /** After this the clock's word is taken; unknown until the mark has been sent. */
  deadlineMs: number;
}

/**
 * One call on one WebSocket: the caller's messages become frames, frames become paced packets, and the end of the call
 * is the same on both sides. The counterpart of Pipecat's FastAPIWebsocketTransport.
 *
 * @example
 * wss.on("connection", async (socket) => {
 *   const transport = createWavixTransport({ socket, control: { hangUp: () => client.hangUp(callId) } });
 *   const end = await transport.run(echoBot());
 *   console.log(end.endedBy, end.reason, transport.stats);
 * });
 */
export class WavixTransport implements Call {
  readonly audioInSampleRate: number;
  readonly playoutDelayMs: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly control: CallControl | undefined;
  readonly signal: AbortSignal;
  readonly closed: Promise<CallEnd>;
  /** Settles with the first message that says a call is there: `start`, or null for media without it. */
  readonly ready: Promise<StartMessage | null>;

  readonly #socket: TransportSocket;
  readonly #rawSocket: { cork(): void; uncork(): void } | undefined;
  readonly #serializer: WavixFrameSerializer;
  readonly #writer: MediaWriter;
  readonly #outbox: Outbox;
  readonly #playout: Playout;
  readonly #clock: PacketClock;
  readonly #frames = new FrameQueue();
  readonly #facts: CallFacts;
  readonly #aborter = new AbortController();
  readonly #marks: PendingMark[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #idleTimeoutMs: number;
  readonly #stats: TransportStats;
  #resolveReady!: (start: StartMessage | null) => void;
  #resolveClosed!: (end: CallEnd) => void;
  #isReady = false;
  /** Counts interruptions: a mark of an older generation is not waited for. */
  #generation = 0;
  #markCount = 0;
  #marksEchoed = 0;
  #marksMissed = 0;
  #ticking = false;
  #stalledSinceMs: number | undefined;
  #lastMessageAtMs = performance.now();
  #end: { endedBy: EndedBy; reason: string; error?: unknown } | undefined;
  /** No audio goes out any more. */
  #muted = false;
  /** Wavix has said that the stream is over, or the socket is gone. */
  #peerGone = false;
  /** A webhook has said that the call is over. */
  #callOver = false;
  #keepCall = false;
  #hurry: (() => void) | undefined;
  #notifyPeerGone: (() => void) | undefined;
  #notifyCallOver: (() => void) | undefined;

  constructor(options: WavixTransportOptions) {
    // Before anything is opened that would have to be given back.
    const maxQueuedMs = atLeast("maxQueuedMs", options.maxQueuedMs ?? 30_000, PACKET_MS);
    const sendAheadMs = atLeast("sendAheadMs", options.sendAheadMs ?? 200, 0);
    const startTimeoutMs = atLeast("startTimeoutMs", options.startTimeoutMs ?? 10_000, 1);
    const maxCallMs = atLeast("maxCallMs", options.maxCallMs ?? 4 * 3_600_000, 1);
    this.#idleTimeoutMs = atLeast("idleTimeoutMs", options.idleTimeoutMs ?? 60_000, 1);
    this.playoutDelayMs = atLeast("playoutDelayMs", options.playoutDelayMs ?? 60, 0);

    this.#socket = options.socket;
    this.#rawSocket = options.rawSocket;
    this.#serializer = options.serializer ?? new WavixFrameSerializer();
    this.#serializer.setup(new StartFrame({ audioInSampleRate: options.audioInSampleRate ?? 16_000 }));
    this.audioInSampleRate = this.#serializer.sampleRate as number;
    const codec = this.#serializer.codec ?? defaultCodec();
    this.#writer = codec.createMediaWriter({ wireSampleRate: this.#serializer.wavixSampleRate });
    this.#outbox = new Outbox(this.#writer, maxQueuedMs);
    this.#playout = new Playout({ sendAheadMs, playoutDelayMs: this.playoutDelayMs });
    this.#clock = options.clock ?? packetClock;
    this.#facts = options.facts ?? {};
    this.from = this.#facts.from;
    this.to = this.#facts.to;
    this.control = options.control;
    this.signal = this.#aborter.signal;
    this.#stats = {
      packetsIn: 0,
      packetsOut: 0,
      packetsDropped: 0,
      framesDropped: 0,
      interruptions: 0,
      starvations: 0,
      maxLatenessMs: 0,
      binaryMessages: 0,
      discontinuities: 0,
    };
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });

    this.#socket.on("message", this.#onMessage);
    this.#socket.on("close", this.#onSocketClosed);
    // ws closes after an error by itself; without a listener it would take the process down.
    this.#socket.on("error", ignore);
    this.#after(startTimeoutMs, () => {
      if (!this.#isReady) void this.end({ endedBy: "server", reason: "no-start", now: true });
    });
    this.#after(maxCallMs, () => {
      void this.end({ endedBy: "server", reason: "too-long", now: true });
    });
    this.#after(this.#idleTimeoutMs, this.#checkIdle);
    if (this.#socket.readyState !== OPEN) this.#onSocketClosed();
  }

  get callId(): string | undefined {
    return this.#facts.callId ?? this.#serializer.callId;
  }

  get streamId(): string | undefined {
    return this.#serializer.streamId;
  }

  get unheardMs(): number {
    return this.#outbox.queuedMs + this.#playout.levelMs(performance.now());
  }

  /** What went through so far. */
  get stats(): Readonly<TransportStats> {
    this.#stats.framesDropped = this.#frames.dropped;
    this.#stats.starvations = this.#playout.starvations;
    this.#stats.maxLatenessMs = this.#playout.maxLatenessMs;
    this.#stats.discontinuities = this.#writer.discontinuities + this.#serializer.discontinuities;
    return this.#stats;
  }

  /** What the serializer dropped, by cause. */
  get drops(): Readonly<Record<string, number>> {
    return this.#serializer.counters.dropped;
  }

  /**
   * Hands the call to a bot as soon as its stream has started, and ends it when the bot has.
   * Settles when the call is over on both sides. Never rejects: what a bot throws is in the end's `error`.
   */
  run(bot: Bot): Promise<CallEnd> {
    void this.ready.then(async () => {
      if (this.#end !== undefined) return;
      try {
        await bot(this);
        await this.end({ endedBy: "bot", reason: "bot-ended" });
      } catch (error) {
        // Once the call is over, what the bot trips over is the call's end itself.
        await this.end({ endedBy: "bot", reason: "bot-failed", error, now: true });
      }
    });
    return this.closed;
  }

  // ── From the caller ───────────────────────────────────────────────────────────────────────────────────────────────

  onFrame(listener: (frame: Frame) => void): () => void {
    return this.#frames.listen(listener);
  }

  frames(): AsyncIterable<Frame> {
    return this.#frames;
  }

  readonly #onMessage = (data: Buffer, isBinary: boolean): void => {
    this.#lastMessageAtMs = performance.now();
    if (isBinary) {
      this.#stats.binaryMessages++;
      return;
    }
    const frame = this.#serializer.deserialize(data);
    if (!this.#isReady && (this.#serializer.start !== null || frame instanceof InputAudioRawFrame)) {
      this.#isReady = true;
      this.#resolveReady(this.#serializer.start);
    }
    if (this.#writer.streamId !== this.#serializer.streamId) this.#writer.streamId = this.#serializer.streamId;
    if (frame === null) return;
    if (frame instanceof InputAudioRawFrame) {
      this.#stats.packetsIn++;
      this.deliver(frame);
    } else if (frame instanceof MarkFrame) this.#onMark(frame);
    else if (frame instanceof EndFrame) this.#onPeerGone(frame.reason ?? "stop");
    else if (frame instanceof ErrorFrame) this.#codecFailed(frame.exception);
  };

  /** Hands a frame to the bot that did not come over the socket: a key the caller pressed. */
  deliver(frame: Frame): void {
    if (this.#end !== undefined) return;
    try {
      this.#frames.push(frame);
    } catch (error) {
      // A listener is a part of the bot.
      void this.end({ endedBy: "bot", reason: "bot-failed", error, now: true });
    }
  }

  readonly #onSocketClosed = (): void => this.#onPeerGone("socket-closed");

  #onPeerGone(reason: string): void {
    if (this.#peerGone) return;
    this.#peerGone = true;
    this.#notifyPeerGone?.();
    void this.end({ endedBy: "caller", reason, now: true });
  }

  /** To be called when a webhook says that the call is over. */
  callOver(reason = "call-over"): void {
    if (this.#callOver) return;
    this.#callOver = true;
    this.#notifyCallOver?.();
    void this.end({ endedBy: "caller", reason, now: true });
  }

  readonly #checkIdle = (): void => {
    const restMs = this.#lastMessageAtMs + this.#idleTimeoutMs - performance.now();
    if (restMs > 0) this.#after(Math.ceil(restMs), this.#checkIdle);
    else void this.end({ endedBy: "server", reason: "idle", now: true });
  };

  // ── To the caller ─────────────────────────────────────────────────────────────────────────────────────────────────

  send(frame: Frame): Promise<void> {
    const sending = this.#send(frame);
    // A bot that does not await must not take the process down with a rejection nobody handles.
    sending.catch(ignore);
    return sending;
  }

  #send(frame: Frame): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(new CallError("CALL_OVER", "the call is over"));
    try {
      if (frame instanceof OutputAudioRawFrame || frame instanceof InputAudioRawFrame) {
        const before = this.#outbox.packetCount;
        const room = this.#outbox.addAudio(frame);
        const nowMs = performance.now();
        this.#playout.pushed(before, nowMs);
        this.#pump(nowMs);
        return room;
      }
      if (frame instanceof InterruptionFrame) this.interrupt();
      else if (frame instanceof TTSStoppedFrame) this.#endUtterance();
      else if (frame instanceof OutputTransportMessageUrgentFrame) this.#sendTexts(frame);
      else if (frame instanceof OutputTransportMessageFrame) {
        JSON.stringify(frame.message);
        this.#outbox.addAction("sent", () => this.#sendTexts(frame));
      } else if (frame instanceof EndFrame) return this.hangUp(frame.reason ?? undefined);
      else if (frame instanceof CancelFrame) {
        return this.end({ endedBy: "bot", reason: frame.reason ?? "cancelled", now: true }).then(ignore);
      }
      return DONE;
    } catch (error) {
      if (error instanceof CodecError) this.#codecFailed(error);
      return Promise.reject(error);
    }
  }

  /** The call that met a trap ends; the codec has already been replaced for the others. */
  #codecFailed(error: unknown): void {
    void this.end({ endedBy: "server", reason: "codec-failed", error, now: true });
  }

  #sendTexts(frame: Frame): void {
    for (const text of this.#serializer.serialize(frame)) this.#sendText(text);
  }

  /** What the bot has said is complete: the rest goes out too, and nothing more is gathered. */
  #endUtterance(): void {
    this.#outbox.addAction("ready", () => {
      this.#outbox.flush();
      this.#playout.ended();
    });
    this.#pump(performance.now());
  }

  interrupt(): Interruption {
    const nowMs = performance.now();
    const heardMs = this.#playout.heardMs(nowMs);
    const droppedMs = this.#playout.levelMs(nowMs) + this.#silence(nowMs);
    this.#stats.interruptions++;
    return { heardMs, droppedMs };
  }

  /** Takes back what the caller has not heard; how much of it was still here, in ms. */
  #silence(nowMs: number): number {
    const droppedMs = this.#outbox.clear();
    this.#playout.cleared(nowMs);
    this.#generation++;
    this.#sendText(clearMessage(this.streamId));
    for (const mark of this.#marks.splice(0)) mark.resolve();
    return droppedMs;
  }

  waitForPlayout(): Promise<void> {
    if (this.#muted && this.#peerGone) return DONE;
    if (this.#outbox.isEmpty && this.#playout.levelMs(performance.now()) === 0) return DONE;
    this.#endUtterance();
    return new Promise((resolve) => {
      const mark = {
        name: `pw-${this.#generation}-${++this.#markCount}`,
        resolve,
        deadlineMs: Number.POSITIVE_INFINITY,
      };
      this.#marks.push(mark);
      this.#outbox.addAction("sent", () => {
        this.#sendText(markMessage(mark.name, this.streamId));
        const nowMs = performance.now();
        // A peer that has never echoed one is not waited for again.
        const graceMs = this.#marksMissed > 0 && this.#marksEchoed === 0 ? 0 : GRACE_MS;
        mark.deadlineMs = nowMs + this.#playout.levelMs(nowMs) + graceMs;
      });
      this.#keepTicking();
    });
  }

  #onMark(frame: MarkFrame): void {
    const index = this.#marks.findIndex((mark) => mark.name === frame.markName);
    if (index >= 0) {
      this.#marksEchoed++;
      // Marks come back in the order they were sent: one that was passed over is not going to.
      for (const mark of this.#marks.splice(0, index + 1)) mark.resolve();
    } else if (!frame.markName.startsWith("pw-")) this.deliver(frame);
  }

  // ── Pacing ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal Called by the packet clock. */
  tick(nowMs: number): void {
    try {
      this.#pump(nowMs);
    } catch (error) {
      // Other calls are on the same clock.
      this.#codecFailed(error);
    }
    while (this.#marks.length > 0 && (this.#marks[0] as PendingMark).deadlineMs <= nowMs) {
      this.#marksMissed++;
      (this.#marks.shift() as PendingMark).resolve();
    }
    if (this.#outbox.isEmpty && this.#marks.length === 0) {
      this.#ticking = false;
      this.#clock.delete(this);
    }
  }

  #keepTicking(): void {
    if (this.#ticking || this.#muted) return;
    this.#ticking = true;
    this.#clock.add(this);
  }

  /** Sends what is due. */
  #pump(nowMs: number): void {
    if (this.#muted) return;
    for (;;) {
      const due = this.#playout.due(this.#outbox, nowMs);
      if (due === 0) break;
      this.#sendPackets(due, nowMs);
      // Frames that waited may have come up, with more that is due.
    }
    if (!this.#outbox.isEmpty) this.#keepTicking();
  }

  #sendPackets(count: number, nowMs: number): void {
    const byteLength = this.#writer.messageByteLength;
    const messages = Buffer.allocUnsafe(count * byteLength);
    const taken = this.#writer.takeMessages(messages, count);
    if (this.#drains(nowMs)) {
      this.#rawSocket?.cork();
      for (let i = 0; i < taken; i++) {
        this.#socket.send(messages.subarray(i * byteLength, (i + 1) * byteLength), TEXT);
      }
      this.#rawSocket?.uncork();
      this.#stats.packetsOut += taken;
    } else {
      this.#stats.packetsDropped += taken;
    }
    this.#playout.sent(taken, nowMs);
    this.#outbox.sent(taken);
  }

  /** Whether the socket takes more. One that has not for ten seconds ends the call. */
  #drains(nowMs: number): boolean {
    if (this.#socket.readyState !== OPEN) return false;
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
      this.#stalledSinceMs = undefined;
      return true;
    }
    this.#stalledSinceMs ??= nowMs;
    if (nowMs - this.#stalledSinceMs > STALLED_AFTER_MS) {
      void this.end({ endedBy: "server", reason: "socket-stalled", now: true });
    }
    return false;
  }

  #sendText(text: string): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(text, TEXT);
  }

  // ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async hangUp(reason = "hang-up"): Promise<void> {
    await this.end({ endedBy: "bot", reason });
  }

  /**
   * Ends the call; all ways of ending meet here and the first one counts. The caller hears what was sent unless `now` is
   * set. Then the call is hung up once over REST, `stop` is waited for, and the socket closed.
   */
  end(options: EndOptions): Promise<CallEnd> {
    const { endedBy, reason, error, now = false } = options;
    if (this.#end === undefined) {
      this.#keepCall = options.keepCall ?? false;
      this.#end = error === undefined ? { endedBy, reason } : { endedBy, reason, error };
      void this.#wind(now);
    } else if (now) {
      this.#hurry?.();
    }
    return this.closed;
  }

  async #wind(now: boolean): Promise<void> {
    if (!now && !this.#peerGone) {
      const hurried = new Promise<void>((resolve) => {
        this.#hurry = resolve;
      });
      await Promise.race([this.waitForPlayout(), hurried]);
    }
    this.#muted = true;
    this.#aborter.abort();
    this.#frames.end();
    if (this.#ticking) this.#clock.delete(this);
    this.#outbox.close(new CallError("CALL_OVER", "the call is over"));
    // Nothing unheard may follow the end: only a drained call has nothing to clear.
    const nowMs = performance.now();
    if (!this.#peerGone && (now || this.#playout.levelMs(nowMs) > 0)) this.#silence(nowMs);
    for (const mark of this.#marks.splice(0)) mark.resolve();
    await this.#hangUpOnce();
    if (!this.#peerGone && this.control !== undefined && !this.#keepCall) {
      await this.#within(GRACE_MS, (resolve) => {
        this.#notifyPeerGone = resolve;
      });
    }
    await this.#closeSocket();
    this.#dispose();
    this.#resolveClosed(this.#end as CallEnd);
  }

  async #hangUpOnce(): Promise<void> {
    if (this.control === undefined || this.#keepCall) return;
    if (this.#peerGone && !this.#callOver) {
      // The webhook that says so is on its way, as a rule; a call whose stream broke must not stay up.
      await this.#within(GRACE_MS, (resolve) => {
        this.#notifyCallOver = resolve;
      });
    }
    if (this.#callOver) return;
    try {
      await this.control.hangUp();
    } catch (error) {
      this.#end = { ...(this.#end as CallEnd), error: (this.#end as CallEnd).error ?? error };
    }
  }

  async #closeSocket(): Promise<void> {
    if (this.#socket.readyState === CLOSED) return;
    await this.#within(CLOSE_TIMEOUT_MS, (resolve) => {
      this.#socket.on("close", resolve);
      this.#socket.close(1000);
    });
    if (this.#socket.readyState !== CLOSED) this.#socket.terminate();
  }

  #dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket.off("message", this.#onMessage);
    this.#socket.off("close", this.#onSocketClosed);
    this.#stats.discontinuities = this.#writer.discontinuities + this.#serializer.discontinuities;
    this.#writer.close();
    this.#serializer.close();
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  /** Settles when `start`'s callback is called, or after `ms`. */
  #within(ms: number, start: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      this.#timers.add(timer);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      start(done);
    });
  }
}

/**
 * A paced call on a socket of your own; see {@link WavixTransport}.
 *
 * @example
 * const transport = createWavixTransport({ socket, audioInSampleRate: 16000 });
 * await transport.run(async (call) => {
 *   for await (const frame of call.frames()) await call.send(frame);
 * });
 */
export function createWavixTransport(options: WavixTransportOptions): WavixTransport {
  return new WavixTransport(options);
}

const DONE = Promise.resolve();

function ignore(): void {}

function atLeast(name: string, value: number, minimum: number): number {
  if (typeof value !== "number" || !(value >= minimum)) {
    throw new RangeError(`${name} must be at least ${minimum}, got ${String(value)}`);
  }
  return value;
}
