import type { Buffer } from "node:buffer";
import { CodecError, defaultCodec, type MediaWriter } from "../codec/index.ts";
import {
  CancelFrame,
  EndFrame,
  ErrorFrame,
  type Frame,
  type FrameProcessor,
  InputAudioRawFrame,
  InterruptionFrame,
  MarkFrame,
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  StartFrame,
  TTSStoppedFrame,
} from "../pipecat/index.ts";
import { type StartMessage, WavixFrameSerializer } from "../wavix/wire/index.ts";
import { BotNotes, type ReportSummary } from "./bot-notes.ts";
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
import { CallInput } from "./call-input.ts";
import { CallOutput } from "./call-output.ts";
import { Ending } from "./ending.ts";
import { FrameQueue } from "./frame-queue.ts";
import { readFramesDirectly } from "./frame-reader.ts";
import { Inbound } from "./inbound.ts";
import { MessageLimit } from "./message-limit.ts";
import { Outbound } from "./outbound.ts";
import { DONE } from "./outbox.ts";
import { packetClock } from "./packet-clock.ts";
import { PacketSender } from "./packet-sender.ts";
import {
  type EndOptions,
  noStats,
  readTransportSettings,
  type TransportSocket,
  type TransportStats,
  type WavixTransportOptions,
} from "./transport-options.ts";

const OPEN = 1;
/** `setTimeout` takes a longer delay, and Infinity, for 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

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
  readonly #serializer: WavixFrameSerializer;
  readonly #writer: MediaWriter;
  readonly #sender: PacketSender;
  readonly #outbound: Outbound;
  readonly #frames = new FrameQueue();
  readonly #inbound: Inbound;
  readonly #facts: CallFacts;
  readonly #ending: Ending;
  readonly #aborter = new AbortController();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #idleTimeoutMs: number;
  readonly #messageLimit: MessageLimit;
  readonly #stats: TransportStats = noStats();
  readonly #notes: BotNotes;
  #resolveReady!: (start: StartMessage | null) => void;
  #isReady = false;
  #lastMessageAtMs = performance.now();
  #releasedAtMs: number | undefined;

  constructor(options: WavixTransportOptions) {
    // Before anything is opened that would have to be given back.
    const settings = readTransportSettings(options);
    this.playoutDelayMs = settings.playoutDelayMs;
    this.#idleTimeoutMs = settings.idleTimeoutMs;

    this.#messageLimit = new MessageLimit(settings.maxMessagesPerSecond, () => {
      void this.end({ endedBy: "server", reason: "flooded", now: true });
    });

    this.#socket = options.socket;
    this.#serializer = options.serializer ?? new WavixFrameSerializer();
    this.#serializer.setup(
      new StartFrame({ audioInSampleRate: options.audioInSampleRate ?? this.#serializer.sampleRate ?? 16_000 }),
    );
    this.audioInSampleRate = this.#serializer.sampleRate as number;
    const codec = this.#serializer.codec ?? defaultCodec();
    this.#writer = codec.createMediaWriter({ wireSampleRate: this.#serializer.wavixSampleRate });
    this.#inbound = new Inbound(this.#serializer.wavixSampleRate, (frame) => this.deliver(frame));
    this.#serializer.watch(this.#inbound);
    this.#sender = new PacketSender({
      socket: options.socket,
      rawSocket: options.rawSocket,
      writer: this.#writer,
      onStalled: () => void this.end({ endedBy: "server", reason: "socket-stalled", now: true }),
    });
    this.#outbound = new Outbound({
      ...settings,
      clock: options.clock ?? packetClock,
      writer: this.#writer,
      sender: this.#sender,
      lateness: options.lateness,
      onFailed: (error) => this.#codecFailed(error),
    });
    this.#notes = new BotNotes(options.onReport);
    this.#facts = options.facts ?? {};
    this.from = this.#facts.from;
    this.to = this.#facts.to;
    this.control = options.control;
    this.signal = this.#aborter.signal;
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

    readFramesDirectly(this.#socket);
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
    return this.#outbound.unheardMs;
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
    this.#stats.packetsOut = this.#sender.packetsOut;
    this.#stats.packetsDropped = this.#sender.packetsDropped;
    this.#stats.messagesUnsent = this.#sender.messagesUnsent;
    const { marks, playout, interruptions } = this.#outbound;
    this.#stats.interruptions = interruptions;
    this.#stats.marksEchoed = marks.echoedCount;
    this.#stats.marksMissed = marks.missedCount;
    this.#stats.starvations = playout.starvations;
    this.#stats.maxLatenessMs = playout.maxLatenessMs;
    this.#stats.discontinuities = this.#writer.discontinuities + this.#serializer.discontinuities;
    return this.#stats;
  }

  note(name: string, text: string): void {
    this.#notes.note(name, text);
  }

  report(name: string, figures: Readonly<Record<string, number>>): void {
    // What comes later would be in the log and the metrics, and not in the record, which is made at the end.
    if (this.#releasedAtMs === undefined) this.#notes.report(name, figures);
  }

  /** What its bots have noted, by name. */
  get notes(): Readonly<Record<string, string>> {
    return this.#notes.notes;
  }

  /** What its bots have reported, by name. */
  get reports(): Readonly<Record<string, ReportSummary>> {
    return this.#notes.reports;
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
      if (!this.#outbound.marks.echoed(frame.markName)) this.deliver(frame);
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

  input(): FrameProcessor {
    return new CallInput(this);
  }

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
        return this.#outbound.add(frame);
      }
      if (frame instanceof InterruptionFrame) this.interrupt();
      else if (frame instanceof TTSStoppedFrame) this.#outbound.endUtterance();
      else if (frame instanceof OutputTransportMessageUrgentFrame) this.#sendTexts(frame);
      else if (frame instanceof OutputTransportMessageFrame) {
        JSON.stringify(frame.message);
        this.#outbound.afterAudio(() => this.#sendTexts(frame));
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
    for (const text of this.#serializer.serialize(frame)) this.#sender.sendText(text);
  }

  output(): FrameProcessor {
    return new CallOutput(this);
  }

  beginUtterance(): Utterance {
    if (this.#ending.begun) throw new CallError("CALL_OVER", "the call is over");
    return this.#outbound.beginUtterance();
  }

  interrupt(): Interruption {
    return this.#outbound.interrupt();
  }

  waitForPlayout(): Promise<void> {
    return this.#outbound.waitForPlayout();
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
    this.#outbound.close(new CallError("CALL_OVER", "the call is over"));
    this.#aborter.abort();
    this.#frames.end();
    this.#resolveReady(null);
    if (clear) this.#outbound.silence(performance.now());
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
