import type { MediaWriter } from "../codec/index.ts";
import type { AudioRawFrame } from "../pipecat/frames.ts";
import { clearMessage, markMessage } from "../wavix/wire/index.ts";
import type { CallError, Interruption, Utterance } from "./call.ts";
import type { Lateness } from "./lateness.ts";
import { DONE, Outbox } from "./outbox.ts";
import { PACKET_MS, type PacketClock, type Ticker } from "./packet-clock.ts";
import type { PacketSender } from "./packet-sender.ts";
import { Playback } from "./playback.ts";
import { Playout, type PlayoutSettings } from "./playout.ts";
import { type MarkOutcome, PlayoutMarks } from "./playout-marks.ts";

/** Packets that go into the socket between two looks at how it drains. */
const MAX_PACKETS_AT_ONCE = 50;

export interface OutboundOptions extends PlayoutSettings {
  readonly maxQueuedMs: number;
  readonly clock: PacketClock;
  readonly writer: MediaWriter;
  readonly sender: PacketSender;
  readonly lateness: Lateness | undefined;
  /** What a step of the clock failed with: the codec met a trap. */
  onFailed(error: unknown): void;
}

/**
 * What the bot says, on its way to the caller: queued, paced by the packet clock, its playback followed, and taken back at
 * an interruption.
 *
 * ```
 *   frame ─▶ outbox ─▶ playout says what is due ─▶ sender ─▶ Wavix's buffer ─▶ ear
 *                                  ▲                  └ marks ─▶ … ─▶ echoed ─┐
 *                             packet clock               playback position ◀──┘
 * ```
 */
export class Outbound implements Ticker {
  readonly marks = new PlayoutMarks();
  readonly playout: Playout;
  interruptions = 0;
  readonly #writer: MediaWriter;
  readonly #sender: PacketSender;
  readonly #outbox: Outbox;
  readonly #playback: Playback;
  readonly #clock: PacketClock;
  readonly #onFailed: (error: unknown) => void;
  /** What tells those who wait for playout that there is nothing to wait for any more. */
  readonly #playoutWaits = new Set<() => void>();
  /** The wait for all that has been sent up to now. */
  #playoutWait: Promise<void> | undefined;
  #ticking = false;
  /** No audio goes out any more. */
  #closed = false;

  constructor(options: OutboundOptions) {
    this.#writer = options.writer;
    this.#sender = options.sender;
    this.#clock = options.clock;
    this.#onFailed = options.onFailed;
    this.#outbox = new Outbox(options.writer, options.maxQueuedMs);
    this.playout = new Playout(options, options.lateness);
    this.#playback = new Playback(this.playout, this.#sendMark);
  }

  /** How much of what was added the caller has not heard, in ms. */
  get unheardMs(): number {
    return this.#outbox.queuedMs + this.#unheardOfSentMs(performance.now());
  }

  #unheardOfSentMs(nowMs: number): number {
    if (!this.#playback.isFollowing) return this.playout.levelMs(nowMs);
    return this.playout.sentPackets * PACKET_MS - this.#playback.heardMs(nowMs);
  }

  /** Queues audio and sends what is due; settles when there is room for more. */
  add(frame: AudioRawFrame): Promise<void> {
    const before = this.#outbox.packetCount;
    const room = this.#outbox.addAudio(frame);
    const nowMs = performance.now();
    const durationMs = (frame.numFrames * 1_000) / frame.sampleRate;
    this.playout.pushed(durationMs, before, nowMs);
    this.#playback.added(durationMs);
    this.#playoutWait = undefined;
    this.#pump(nowMs);
    return room;
  }

  /** Runs `action` when all audio that was added before has been sent. */
  afterAudio(action: () => void): void {
    this.#outbox.assertRoom();
    this.#outbox.addAction("sent", action);
  }

  /** What the bot has said is complete: the rest goes out too, and nothing more is gathered. */
  endUtterance(): void {
    this.#outbox.assertRoom();
    const utterance = this.#playback.close();
    this.#outbox.addAction("ready", () => {
      this.#outbox.flush();
      this.playout.ended();
      if (utterance !== undefined) this.#playback.endsAt(utterance, this.#outbox.placedPackets, performance.now());
    });
    this.#pump(performance.now());
  }

  /** What was added before is complete; the playback of what comes is followed. */
  beginUtterance(): Utterance {
    this.endUtterance();
    const utterance = this.#playback.begin();
    this.#outbox.addAction("ready", () => {
      utterance.fromPacket = this.#outbox.placedPackets;
    });
    return utterance;
  }

  /** Takes back what the caller has not heard. */
  interrupt(): Interruption {
    const nowMs = performance.now();
    const unheardMs = this.#unheardOfSentMs(nowMs);
    const utterances = this.#playback.cutOff(nowMs);
    const heardMs = utterances[0]?.heardMs ?? this.playout.heardMs(nowMs);
    const droppedMs = unheardMs + this.silence(nowMs);
    this.interruptions++;
    return { heardMs, droppedMs, utterances };
  }

  /** Takes it back, here and at Wavix; how much of it was still here, in ms. */
  silence(nowMs: number): number {
    const droppedMs = this.#outbox.clear();
    this.playout.cleared(nowMs);
    this.#sender.sendText(clearMessage(this.#writer.streamId));
    this.marks.clear();
    this.#endPlayoutWaits();
    return droppedMs;
  }

  /** Settles when the caller has heard all that was added, or it was taken back. */
  waitForPlayout(): Promise<void> {
    if (this.#closed || (this.#outbox.isEmpty && this.#unheardOfSentMs(performance.now()) === 0)) return DONE;
    // One mark for all who wait for the same audio.
    if (this.#playoutWait !== undefined) return this.#playoutWait;
    this.#playoutWait = new Promise((resolve, reject) => {
      const settle = () => {
        this.#playoutWaits.delete(settle);
        resolve();
      };
      this.#playoutWaits.add(settle);
      try {
        this.endUtterance();
        this.#outbox.addAction("sent", () => this.#sendMark(settle));
        this.#keepTicking();
      } catch (error) {
        this.#playoutWaits.delete(settle);
        reject(error);
      }
    });
    // A bot that does not await must not take the process down with a rejection nobody handles.
    this.#playoutWait.catch(() => {});
    return this.#playoutWait;
  }

  #endPlayoutWaits(): void {
    this.#playoutWait = undefined;
    for (const settle of this.#playoutWaits) settle();
  }

  /** Sends a mark; `settle` is called when the caller has heard what was sent before it, or it never will be. */
  readonly #sendMark = (settle: (outcome: MarkOutcome) => void): void => {
    const name = this.marks.send(Math.max(performance.now(), this.playout.dryAtMs), settle);
    this.#sender.sendText(markMessage(name, this.#writer.streamId));
    this.#keepTicking();
  };

  /** @internal Called by the packet clock. */
  tick(nowMs: number): void {
    try {
      this.#outbox.refill();
      this.#pump(nowMs);
    } catch (error) {
      // Other calls are on the same clock.
      this.#onFailed(error);
    }
    this.marks.expire(nowMs);
    if (this.#outbox.isEmpty && this.marks.isEmpty) {
      this.#ticking = false;
      this.#clock.delete(this);
    }
  }

  #keepTicking(): void {
    if (this.#ticking || this.#closed) return;
    this.#ticking = true;
    this.#clock.add(this);
  }

  /** Sends what is due. */
  #pump(nowMs: number): void {
    if (this.#closed) return;
    for (;;) {
      const due = Math.min(
        this.playout.due(this.#outbox, nowMs),
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
    const lostBefore = this.#sender.packetsDropped;
    const taken = this.#sender.send(count, nowMs);
    this.#playback.lost(this.#sender.packetsDropped - lostBefore);
    this.playout.sent(taken, nowMs);
    this.#outbox.sent(taken);
  }

  /** For good: no audio is sent any more, and what waits for room is refused with this error. */
  close(error: CallError): void {
    this.#closed = true;
    this.#playback.cutOff(performance.now());
    this.#clock.delete(this);
    this.#outbox.close(error);
    this.marks.clear();
    this.#endPlayoutWaits();
  }
}
