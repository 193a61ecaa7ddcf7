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
  type Interruption,
} from "./call.ts";
import { Ending } from "./ending.ts";
import { FrameQueue } from "./frame-queue.ts";
import { FrameWriter } from "./frame-writer.ts";
import { DONE, Outbox } from "./outbox.ts";
import { type PacketClock, packetClock } from "./packet-clock.ts";
import { Playout } from "./playout.ts";
import { PlayoutMarks } from "./playout-marks.ts";
import {
  type EndOptions,
  readTransportSettings,
  type TransportSocket,
  type TransportStats,
  type WavixTransportOptions,
} from "./transport-options.ts";

const OPEN = 1;
/** A second of media messages is 68 kB. A peer that is this far behind has stopped reading. */
const MAX_BUFFERED_BYTES = 512 * 1024;
/** A peer that has not read for this long will not read again. */
const STALLED_AFTER_MS = 10_000;
/** `setTimeout` takes a longer delay, and Infinity, for 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const TEXT = { binary: false, compress: false } as const;

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
  /**
   * Settles with the first message that says a call is there: `start`, or null for media without it. Also null when the
   * call ends before there is one; `signal` is aborted then.
   */
  readonly ready: Promise<StartMessage | null>;

  readonly #socket: TransportSocket;
  readonly #rawSocket: { cork(): void; uncork(): void } | undefined;
  readonly #frameWriter: FrameWriter | undefined;
  readonly #serializer: WavixFrameSerializer;
  readonly #writer: MediaWriter;
  readonly #outbox: Outbox;
  readonly #playout: Playout;
  readonly #clock: PacketClock;
  readonly #frames = new FrameQueue();
  readonly #facts: CallFacts;
  readonly #ending: Ending;
  readonly #aborter = new AbortController();
  readonly #marks = new PlayoutMarks();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #idleTimeoutMs: number;
  readonly #stats: TransportStats;
  #resolveReady!: (start: StartMessage | null) => void;
  #isReady = false;
  #ticking = false;
  #stalledSinceMs: number | undefined;
  #lastMessageAtMs = performance.now();
  /** No audio goes out any more. */
  #muted = false;

  constructor(options: WavixTransportOptions) {
    // Before anything is opened that would have to be given back.
    const settings = readTransportSettings(options);
    this.playoutDelayMs = settings.playoutDelayMs;
    this.#idleTimeoutMs = settings.idleTimeoutMs;

    this.#socket = options.socket;
    this.#rawSocket = options.rawSocket;
    this.#frameWriter = FrameWriter.over(options.socket);
    this.#serializer = options.serializer ?? new WavixFrameSerializer();
    this.#serializer.setup(
      new StartFrame({ audioInSampleRate: options.audioInSampleRate ?? this.#serializer.sampleRate ?? 16_000 }),
    );
    this.audioInSampleRate = this.#serializer.sampleRate as number;
    const codec = this.#serializer.codec ?? defaultCodec();
    this.#writer = codec.createMediaWriter({ wireSampleRate: this.#serializer.wavixSampleRate });
    this.#outbox = new Outbox(this.#writer, settings.maxQueuedMs);
    this.#playout = new Playout(settings);
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
    this.#ending = new Ending({
      socket: this.#socket,
      control: this.control,
      heardOut: async () => this.waitForPlayout(),
      mute: (clear) => this.#mute(clear),
      release: () => this.#release(),
    });
    this.closed = this.#ending.closed;

    this.#socket.on("message", this.#onMessage);
    this.#socket.on("close", this.#onSocketClosed);
    // ws closes after an error by itself; without a listener it would take the process down.
    this.#socket.on("error", ignore);
    this.#after(settings.startTimeoutMs, () => {
      if (!this.#isReady) void this.end({ endedBy: "server", reason: "no-start", now: true });
    });
    this.#after(settings.maxCallMs, () => {
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
      if (this.#ending.begun) return;
      try {
        await bot(this);
        await this.end({ endedBy: "bot", reason: "bot-ended" });
      } catch (error) {
        // Once the end has begun, what the bot trips over is the end itself, and the caller still hears what was said.
        if (!this.#ending.begun) this.#botFailed(error);
      }
    });
    return this.closed;
  }

  // ── From the caller ───────────────────────────────────────────────────────────────────────────────────────────────

  onFrame(listener: (frame: Frame) => unknown): () => void {
    return this.#frames.listen((frame) => {
      try {
        const listening = listener(frame);
        if (listening instanceof Promise) listening.catch(this.#botFailed);
      } catch (error) {
        this.#botFailed(error);
      }
    });
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
    } else if (frame instanceof MarkFrame) {
      if (!this.#marks.echoed(frame.markName)) this.deliver(frame);
    } else if (frame instanceof EndFrame) this.#ending.peerGone(frame.reason ?? "stop");
    else if (frame instanceof ErrorFrame) this.#codecFailed(frame.exception);
  };

  /** Hands a frame to the bot that did not come over the socket: a key the caller pressed. */
  deliver(frame: Frame): void {
    if (!this.#ending.begun) this.#frames.push(frame);
  }

  readonly #botFailed = (error: unknown): void => {
    if (!this.#ending.begun) void this.end({ endedBy: "bot", reason: "bot-failed", error, now: true });
  };

  readonly #onSocketClosed = (): void => this.#ending.peerGone("socket-closed");

  readonly #checkIdle = (): void => {
    const restMs = this.#lastMessageAtMs + this.#idleTimeoutMs - performance.now();
    if (restMs > 0) this.#after(Math.ceil(restMs), this.#checkIdle);
    else void this.end({ endedBy: "server", reason: "idle", now: true });
  };

  // ── To the caller ─────────────────────────────────────────────────────────────────────────────────────────────────

  send(frame: Frame): Promise<void> {
    const sending = this.#send(frame);
    // A bot that does not await must not take the process down with a rejection nobody handles.
    if (sending !== DONE) sending.catch(ignore);
    return sending;
  }

  #send(frame: Frame): Promise<void> {
    if (this.#ending.begun) return Promise.reject(new CallError("CALL_OVER", "the call is over"));
    try {
      if (frame instanceof OutputAudioRawFrame || frame instanceof InputAudioRawFrame) {
        const before = this.#outbox.packetCount;
        const room = this.#outbox.addAudio(frame);
        const nowMs = performance.now();
        this.#playout.pushed((frame.numFrames * 1_000) / frame.sampleRate, before, nowMs);
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
    this.#sendText(clearMessage(this.streamId));
    this.#marks.clear();
    return droppedMs;
  }

  async waitForPlayout(): Promise<void> {
    if (this.#muted || (this.#outbox.isEmpty && this.#playout.levelMs(performance.now()) === 0)) return;
    this.#endUtterance();
    await new Promise<void>((resolve) => {
      const name = this.#marks.add(resolve);
      this.#outbox.addAction("sent", () => {
        this.#sendText(markMessage(name, this.streamId));
        const nowMs = performance.now();
        this.#marks.sent(name, nowMs + this.#playout.levelMs(nowMs));
      });
      this.#keepTicking();
    });
  }

  // ── Pacing ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal Called by the packet clock. */
  tick(nowMs: number): void {
    try {
      this.#outbox.refill();
      this.#pump(nowMs);
    } catch (error) {
      // Other calls are on the same clock.
      this.#codecFailed(error);
    }
    this.#marks.expire(nowMs);
    if (this.#outbox.isEmpty && this.#marks.isEmpty) {
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
      const due = Math.min(this.#playout.due(this.#outbox, nowMs), this.#outbox.packetsBeforeAction);
      if (due === 0) break;
      this.#sendPackets(due, nowMs);
      // Frames that waited may have come up, with more that is due.
    }
    if (!this.#outbox.isEmpty) this.#keepTicking();
  }

  #sendPackets(count: number, nowMs: number): void {
    const drains = this.#drains(nowMs);
    const taken =
      drains && this.#frameWriter?.isFree
        ? this.#frameWriter.send(this.#writer, count)
        : this.#sendOneByOne(count, drains);
    if (drains) this.#stats.packetsOut += taken;
    else this.#stats.packetsDropped += taken;
    this.#playout.sent(taken, nowMs);
    this.#outbox.sent(taken);
  }

  /** By the means of any WebSocket; without `drains` the packets are only taken. */
  #sendOneByOne(count: number, drains: boolean): number {
    const byteLength = this.#writer.messageByteLength;
    const messages = Buffer.allocUnsafe(count * byteLength);
    const taken = this.#writer.takeMessages(messages, count);
    if (!drains) return taken;
    this.#rawSocket?.cork();
    for (let i = 0; i < taken; i++) {
      this.#socket.send(messages.subarray(i * byteLength, (i + 1) * byteLength), TEXT);
    }
    this.#rawSocket?.uncork();
    return taken;
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
    this.#ending.begin(options);
    return this.closed;
  }

  /** To be called when a webhook says that the call is over. */
  callOver(reason = "call-over"): void {
    this.#ending.callOver(reason);
  }

  #mute(clear: boolean): void {
    this.#muted = true;
    this.#aborter.abort();
    this.#frames.end();
    this.#clock.delete(this);
    this.#outbox.close(new CallError("CALL_OVER", "the call is over"));
    this.#marks.clear();
    this.#resolveReady(null);
    if (clear) this.#silence(performance.now());
  }

  #release(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#socket.off("message", this.#onMessage);
    this.#socket.off("close", this.#onSocketClosed);
    this.#stats.discontinuities = this.#writer.discontinuities + this.#serializer.discontinuities;
    this.#writer.close();
    this.#serializer.close();
  }

  #after(ms: number, action: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    this.#timers.add(timer);
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

function ignore(): void {}
