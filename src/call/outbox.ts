import { CodecError, type MediaWriter, SAMPLE_RATES } from "../codec/index.ts";
import type { AudioRawFrame } from "../pipecat/frames.ts";
import { CallError } from "./call.ts";
import type { PlayoutQueue } from "./playout.ts";

/** Frames that wait for room. More means that nobody awaits `send`; the next is refused. */
const MAX_WAITING = 1_000;

interface WaitingAudio {
  readonly frame: AudioRawFrame;
  /** Elements of `frame.audio` that have gone into the queue. */
  taken: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingAction {
  readonly action: () => void;
  /** Run as soon as the audio before it lies ready, or only when that has been sent. */
  readonly when: "ready" | "sent";
}

interface PlacedAction {
  readonly action: () => void;
  /** Run when so many packets have been sent. */
  readonly afterPacket: number;
}

/** What nothing has to be waited for: one promise for all, since packets come by the thousand. */
export const DONE: Promise<void> = Promise.resolve();

/**
 * What the bot has said and the socket has not got yet, in order: audio at the wire's rate, and actions between it
 * (a message, the end of an utterance). Audio is made ready while less than `maxQueuedMs` of it lies there, at most a
 * second of it at once, so that one long frame does not hold up other calls; the rest waits as the frames they are.
 */
export class Outbox implements PlayoutQueue {
  readonly #writer: MediaWriter;
  readonly #maxQueuedSamples: number;
  readonly #waiting: (WaitingAudio | WaitingAction)[] = [];
  readonly #placed: PlacedAction[] = [];
  #packetsSent = 0;

  constructor(writer: MediaWriter, maxQueuedMs: number) {
    this.#writer = writer;
    this.#maxQueuedSamples = (maxQueuedMs / 1_000) * writer.wireSampleRate;
  }

  get packetCount(): number {
    return this.#writer.packetCount;
  }

  get hasRest(): boolean {
    return this.#writer.hasRest;
  }

  /** Audio that waits, in ms: what lies ready and what waits for room. */
  get queuedMs(): number {
    const ready = (this.#writer.queuedSampleCount * 1_000) / this.#writer.wireSampleRate;
    return this.#waiting.reduce((sum, waiting) => sum + ("frame" in waiting ? waitingMs(waiting) : 0), ready);
  }

  get isEmpty(): boolean {
    return this.packetCount === 0 && !this.hasRest && this.#waiting.length === 0 && this.#placed.length === 0;
  }

  flush(): void {
    this.#writer.flush();
  }

  /**
   * Queues audio; settles when it lies ready. The promise is one and the same while there is room.
   *
   * @throws CallError `CALL_FLOODED`, RangeError for a rate that the codec has not: nothing of it was taken
   */
  addAudio(frame: AudioRawFrame): Promise<void> {
    if (frame.audio.length === 0 || (this.#waiting.length === 0 && this.#takeAll(frame))) return DONE;
    if (this.#waiting.length >= MAX_WAITING) throw flooded();
    // The codec would refuse it later, when it has been counted already.
    if (!(SAMPLE_RATES as readonly number[]).includes(frame.sampleRate)) {
      throw new RangeError(`sampleRate must be one of ${SAMPLE_RATES.join(", ")} Hz, got ${frame.sampleRate}`);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, taken: 0, resolve, reject });
      this.refill();
    });
  }

  /** The whole frame at once, when it is short enough and there is room. */
  #takeAll({ audio, sampleRate, numChannels, numFrames }: AudioRawFrame): boolean {
    if (numFrames > sampleRate || this.#writer.queuedSampleCount >= this.#maxQueuedSamples) return false;
    this.#writer.push(audio, sampleRate, numChannels);
    return true;
  }

  /** Packets that were sent or lie ready, counted from the first of the call. */
  get placedPackets(): number {
    return this.#packetsSent + this.#writer.packetCount;
  }

  /**
   * To be asked before the bot adds an action: audio is bounded by its length, and actions by their number.
   *
   * @throws CallError `CALL_FLOODED`
   */
  assertRoom(): void {
    if (this.#waiting.length + this.#placed.length < MAX_WAITING) return;
    throw flooded();
  }

  /** Runs `action` when all audio that was added before lies ready, or when it has been sent. */
  addAction(when: "ready" | "sent", action: () => void): void {
    if (this.#waiting.length > 0) this.#waiting.push({ action, when });
    else this.#place({ action, when });
  }

  #place({ action, when }: WaitingAction): void {
    if (when === "ready") {
      action();
      return;
    }
    const rest = this.#writer.hasRest ? 1 : 0;
    const afterPacket = this.#packetsSent + this.#writer.packetCount + rest;
    if (afterPacket === this.#packetsSent) action();
    else this.#placed.push({ action, afterPacket });
  }

  /** Packets have been taken and sent. */
  sent(packetCount: number): void {
    this.#packetsSent += packetCount;
    if (this.#placed.length > 0) this.#runPlaced();
    if (this.#waiting.length > 0) this.refill();
  }

  #runPlaced(): void {
    while (this.#placed.length > 0 && (this.#placed[0] as PlacedAction).afterPacket <= this.#packetsSent) {
      (this.#placed.shift() as PlacedAction).action();
    }
  }

  /** How many packets may be sent before an action has its turn. */
  get packetsBeforeAction(): number {
    return (this.#placed[0]?.afterPacket ?? Number.POSITIVE_INFINITY) - this.#packetsSent;
  }

  /**
   * Makes the next second of what waits ready, if there is room.
   *
   * @throws CodecError when the codec failed; a frame that is wrong in itself only rejects its own promise
   */
  refill(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0] as WaitingAudio | WaitingAction;
      if ("action" in next) {
        this.#waiting.shift();
        this.#place(next);
        continue;
      }
      if (this.#writer.queuedSampleCount >= this.#maxQueuedSamples) return;
      const { audio, sampleRate, numChannels } = next.frame;
      const perFrame = audio instanceof Int16Array ? numChannels : 2 * numChannels;
      const end = Math.min(audio.length, next.taken + sampleRate * perFrame);
      try {
        this.#writer.push(audio.subarray(next.taken, end), sampleRate, numChannels);
      } catch (error) {
        this.#waiting.shift();
        next.reject(error);
        if (error instanceof CodecError) throw error;
        continue;
      }
      next.taken = end;
      if (end === audio.length) {
        this.#waiting.shift();
        next.resolve();
      }
      return;
    }
  }

  /** Drops everything; the ms of audio that are lost. Frames that waited count as sent: their bot is not to try again. */
  clear(): number {
    const droppedMs = this.queuedMs;
    this.#writer.clear();
    for (const waiting of this.#waiting.splice(0)) if ("resolve" in waiting) waiting.resolve();
    this.#placed.length = 0;
    return droppedMs;
  }

  /** As {@link clear}, for good: frames that wait are refused. */
  close(error: CallError): void {
    for (const waiting of this.#waiting.splice(0)) if ("reject" in waiting) waiting.reject(error);
    this.#placed.length = 0;
  }
}

function flooded(): CallError {
  return new CallError("CALL_FLOODED", `${MAX_WAITING} frames wait for room: await call.send()`);
}

/** What of a frame has not gone into the queue yet. */
function waitingMs({ frame, taken }: WaitingAudio): number {
  return (frame.numFrames * 1_000 * (1 - taken / frame.audio.length)) / frame.sampleRate;
}
