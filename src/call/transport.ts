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
  type Utterance,
} from "./call.ts";
import { Ending } from "./ending.ts";
import { FrameQueue } from "./frame-queue.ts";
import { FrameWriter } from "./frame-writer.ts";
import { Inbound } from "./inbound.ts";
import { MessageLimit } from "./message-limit.ts";
import { DONE, Outbox } from "./outbox.ts";
import { PACKET_MS, type PacketClock, packetClock } from "./packet-clock.ts";
import { Playback } from "./playback.ts";
import { Playout } from "./playout.ts";
import { type MarkOutcome, PlayoutMarks } from "./playout-marks.ts";
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
/** Messages are small and some must not be lost, such as the one that silences: they may go as far as this. */
const MAX_BUFFERED_BYTES_WITH_MESSAGES = 2 * MAX_BUFFERED_BYTES;
/** Packets that go into the socket between two looks at how it drains. */
const MAX_PACKETS_AT_ONCE = 50;
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
  readonly #inbound: Inbound;
  readonly #facts: CallFacts;
  readonly #ending: Ending;
  readonly #aborter = new AbortController();
  readonly #marks = new PlayoutMarks();
  readonly #playback: Playback;
  /** What tells those who wait for playout that there is nothing to wait for any more. */
  readonly #playoutWaits = new Set<() => void>();
  /** The wait for all that has been sent up to now. */
  #playoutWait: Promise<void> | undefined;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #idleTimeoutMs: number;
  readonly #messageLimit: MessageLimit;
  readonly #stats: TransportStats;
  #resolveReady!: (start: StartMessage | null) => void;
  #isReady = false;
  #ticking = false;
  #stalledSinceMs: number | undefined;
  #lastMessageAtMs = performance.now();
  #releasedAtMs: number | undefined;
  /** No audio goes out any more. */
  #muted = false;

  constructor(options: WavixTransportOptions) {
    // Before anything is opened that would have to be given back.
    const settings = readTransportSettings(options);
    this.playoutDelayMs = settings.playoutDelayMs;
    this.#idleTimeoutMs = settings.idleTimeoutMs;

    this.#messageLimit = new MessageLimit(settings.maxMessagesPerSecond, () => {
      void this.end({ endedBy: "server", reason: "flooded", now: true });
    });

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
    this.#inbound = new Inbound(this.#serializer.wavixSampleRate, (frame) => this.deliver(frame));
    this.#serializer.watch(this.#inbound);
    this.#outbox = new Outbox(this.#writer, settings.maxQueuedMs);
    this.#playout = new Playout(settings);
    this.#playback = new Playback(this.#playout, this.#sendMark);
    this.#clock = options.clock ?? packetClock;
    this.#facts = options.facts ?? {};
    this.from = this.#facts.from;
    this.to = this.#facts.to;
    this.control = options.control;
    this.signal = this.#aborter.signal;
    this.#stats = {
      packetsIn: 0,
      packetsLost: 0,
      packetsLate: 0,
      packetsDuplicated: 0,
      numberJumps: 0,
      jitterMs: 0,
      inputPauses: 0,
      longestInputPauseMs: 0,
      packetsOut: 0,
      packetsDropped: 0,
      framesDropped: 0,
      messagesUnsent: 0,
      interruptions: 0,
      marksEchoed: 0,
      marksMissed: 0,
      starvations: 0,
      maxLatenessMs: 0,
      messagesDropped: 0,
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

  /** Whether the end has begun. */
  get ending(): boolean {
    return this.#ending.begun;
  }

  get unheardMs(): number {
    return this.#outbox.queuedMs + this.#unheardOfSentMs(performance.now());
  }

  /** How much of what has gone out the caller has not heard, in ms. */
  #unheardOfSentMs(nowMs: number): number {
    if (!this.#playback.isFollowing) return this.#playout.levelMs(nowMs);
    return this.#playout.sentPackets * PACKET_MS - this.#playback.heardMs(nowMs);
  }

  /** What went through so far. */
  get stats(): Readonly<TransportStats> {
    this.#stats.messagesDropped = this.#messageLimit.dropped;
    const nowMs = this.#releasedAtMs ?? performance.now();
    const { timeline, rhythm } = this.#inbound;
    this.#stats.packetsLost = timeline.lost;
    this.#stats.packetsLate = timeline.late;
    this.#stats.packetsDuplicated = timeline.duplicated;
    this.#stats.numberJumps = timeline.discontinuities;
    this.#stats.jitterMs = rhythm.jitterMs;
    this.#stats.inputPauses = rhythm.pauses(nowMs);
    this.#stats.longestInputPauseMs = rhythm.longestPauseMs(nowMs);
    this.#stats.framesDropped = this.#frames.dropped;
    this.#stats.marksEchoed = this.#marks.echoedCount;
    this.#stats.marksMissed = this.#marks.missedCount;
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
    if (!this.#messageLimit.take(this.#lastMessageAtMs)) return;
    this.#inbound.nowMs = this.#lastMessageAtMs;
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
        const durationMs = (frame.numFrames * 1_000) / frame.sampleRate;
        this.#playout.pushed(durationMs, before, nowMs);
        this.#playback.added(durationMs);
        this.#playoutWait = undefined;
        this.#pump(nowMs);
        return room;
      }
      if (frame instanceof InterruptionFrame) this.interrupt();
      else if (frame instanceof TTSStoppedFrame) {
        this.#outbox.assertRoom();
        this.#endUtterance();
      } else if (frame instanceof OutputTransportMessageUrgentFrame) this.#sendTexts(frame);
      else if (frame instanceof OutputTransportMessageFrame) {
        JSON.stringify(frame.message);
        this.#outbox.assertRoom();
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
    const utterance = this.#playback.close();
    this.#outbox.addAction("ready", () => {
      this.#outbox.flush();
      this.#playout.ended();
      if (utterance !== undefined) this.#playback.endsAt(utterance, this.#outbox.placedPackets, performance.now());
    });
    this.#pump(performance.now());
  }

  beginUtterance(): Utterance {
    if (this.#ending.begun) throw new CallError("CALL_OVER", "the call is over");
    this.#outbox.assertRoom();
    this.#endUtterance();
    const utterance = this.#playback.begin();
    this.#outbox.addAction("ready", () => {
      utterance.fromPacket = this.#outbox.placedPackets;
    });
    return utterance;
  }

  interrupt(): Interruption {
    const nowMs = performance.now();
    const unheardMs = this.#unheardOfSentMs(nowMs);
    const utterances = this.#playback.cutOff(nowMs);
    const heardMs = utterances[0]?.heardMs ?? this.#playout.heardMs(nowMs);
    const droppedMs = unheardMs + this.#silence(nowMs);
    this.#stats.interruptions++;
    return { heardMs, droppedMs, utterances };
  }

  /** Takes back what the caller has not heard; how much of it was still here, in ms. */
  #silence(nowMs: number): number {
    const droppedMs = this.#outbox.clear();
    this.#playout.cleared(nowMs);
    this.#sendText(clearMessage(this.streamId));
    this.#marks.clear();
    this.#endPlayoutWaits();
    return droppedMs;
  }

  waitForPlayout(): Promise<void> {
    if (this.#muted || (this.#outbox.isEmpty && this.#unheardOfSentMs(performance.now()) === 0)) return DONE;
    // One mark for all who wait for the same audio.
    this.#playoutWait ??= new Promise((resolve, reject) => {
      const settle = () => {
        this.#playoutWaits.delete(settle);
        resolve();
      };
      this.#playoutWaits.add(settle);
      try {
        this.#endUtterance();
        this.#outbox.addAction("sent", () => this.#sendMark(settle));
        this.#keepTicking();
      } catch (error) {
        this.#playoutWaits.delete(settle);
        reject(error);
      }
    });
    return this.#playoutWait;
  }

  #endPlayoutWaits(): void {
    this.#playoutWait = undefined;
    for (const settle of this.#playoutWaits) settle();
  }

  /** Sends a mark; `settle` is called when the caller has heard what was sent before it, or it never will be. */
  readonly #sendMark = (settle: (outcome: MarkOutcome) => void): void => {
    const name = this.#marks.send(Math.max(performance.now(), this.#playout.dryAtMs), settle);
    this.#sendText(markMessage(name, this.streamId));
    this.#keepTicking();
  };

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
      const due = Math.min(
        this.#playout.due(this.#outbox, nowMs),
        this.#outbox.packetsBeforeAction,
        this.#playback.packetsToMark,
        MAX_PACKETS_AT_ONCE,
      );
      if (due === 0) break;
      this.#sendPackets(due, nowMs);
      this.#playback.markIfDue(nowMs);
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
    if (drains) {
      this.#stats.packetsOut += taken;
    } else {
      this.#stats.packetsDropped += taken;
      this.#playback.lost(taken);
    }
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
    if (this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES_WITH_MESSAGES) this.#socket.send(text, TEXT);
    else this.#stats.messagesUnsent++;
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
    this.#playback.cutOff(performance.now());
    this.#aborter.abort();
    this.#frames.end();
    this.#clock.delete(this);
    this.#outbox.close(new CallError("CALL_OVER", "the call is over"));
    this.#marks.clear();
    this.#endPlayoutWaits();
    this.#resolveReady(null);
    if (clear) this.#silence(performance.now());
  }

  #release(): void {
    this.#releasedAtMs = performance.now();
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
