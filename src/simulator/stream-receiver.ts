import type { Behaviour } from "./behaviour.ts";
import { MessageReader } from "./message-reader.ts";
import type { PacketObserver } from "./model.ts";
import { LONGEST_GAP_MS, MAX_QUEUED_MARKS, PlaybackBuffer, type PlaybackOptions } from "./playback-buffer.ts";
import type { TimelineRecorder } from "./recording.ts";
import type { CallTally } from "./tally.ts";
import { PACKET_BYTES, PACKET_MS, WIRE_SAMPLE_RATE } from "./wire-audio.ts";

/** What a {@link StreamReceiver} is made from. */
export interface ReceiverContext {
  streamId: string;
  type: "oneway" | "twoway";
  behaviour: Behaviour;
  tally: CallTally;
  recorder: TimelineRecorder | null;
  observer: PacketObserver | null;
  /** Clock reading at sample 0 of the caller's timeline. */
  originMs: number;
  echoMark: (name: string) => void;
}

/** What Wavix does with the messages of a server on one stream: plays, echoes, clears, or drops and counts. */
export class StreamReceiver {
  readonly #context: ReceiverContext;
  readonly #playback: PlaybackBuffer | null;
  readonly #reader = new MessageReader();
  // When the next packet is due if the server sends in real time; null when it need not.
  #expectedAtMs: number | null = null;
  #receivedAtMs: number | null = null;
  // Marks whose echo is held back (Behaviour.markEchoDelayMs).
  #heldMarks: { name: string; atMs: number }[] = [];

  constructor(context: ReceiverContext) {
    this.#context = context;
    const { behaviour, recorder, observer, originMs, tally } = context;
    // What comes on a one-way stream is not played.
    this.#playback =
      context.type === "oneway"
        ? null
        : new PlaybackBuffer({
            now: () => performance.now(),
            originMs,
            maxBufferedMs: behaviour.maxBufferedMs,
            marksOnClear: behaviour.marksOnClear,
            onMark: (name) => this.#playedMark(name),
            ...onPlayed(recorder, observer),
          });
    if (this.#playback !== null) tally.playbacks.add(this.#playback);
  }

  receive(data: Buffer, isBinary: boolean): void {
    const { tally, streamId } = this.#context;
    const message = isBinary ? "binary" : this.#reader.read(data);
    if (typeof message === "string") tally.countInvalid(message);
    // Wavix AsyncAPI, IncomingStreamId: "Events with a mismatched `stream_id` are silently dropped."
    else if (message.streamId !== undefined && message.streamId !== streamId) tally.mismatchedStreamIds += 1;
    else if (this.#playback === null) tally.onewayMessages += 1;
    else if (message.event === "media") this.#receiveMedia(message.audio, this.#playback);
    else if (message.event === "mark") {
      tally.receivedMarks += 1;
      this.#playback.mark(message.name);
    } else {
      tally.clears += 1;
      this.#expectedAtMs = null;
      this.#playback.clear();
    }
  }

  /** Plays up to now and echoes the marks that are due. */
  play(): void {
    this.#playback?.advance();
    while (this.#heldMarks.length > 0 && this.#heldMarks[0]!.atMs <= performance.now()) {
      this.#context.echoMark(this.#heldMarks.shift()!.name);
    }
  }

  /** The stream is over: what is still queued is not heard any more. */
  retire(): void {
    if (this.#playback !== null) this.#context.tally.retirePlayback(this.#playback);
    this.#heldMarks = [];
  }

  #receiveMedia(audio: Buffer, playback: PlaybackBuffer): void {
    const { tally, behaviour } = this.#context;
    tally.receivedPackets += 1;
    if (audio.length !== PACKET_BYTES) {
      tally.offSizePackets += 1;
      if (behaviour.offSizeMedia === "drop" || (audio.length % 2 === 1 && behaviour.oddByteMedia === "drop")) return;
    }
    const nowMs = performance.now();
    if (this.#expectedAtMs !== null && nowMs - this.#expectedAtMs <= LONGEST_GAP_MS) {
      tally.receiveLateness.add(nowMs - this.#expectedAtMs);
    }
    this.#countJitter(nowMs);
    const samples = pcm16(audio);
    this.#expectedAtMs = nowMs + (samples.length * 1000) / WIRE_SAMPLE_RATE;
    playback.push(samples);
  }

  // RFC 3550, 6.4.1, with the 20 ms of a packet as the difference of the timestamps. Over a pause it says nothing.
  #countJitter(nowMs: number): void {
    const { tally } = this.#context;
    const sinceLastMs = nowMs - (this.#receivedAtMs ?? Number.NEGATIVE_INFINITY);
    this.#receivedAtMs = nowMs;
    if (sinceLastMs <= LONGEST_GAP_MS) tally.jitterMs += (Math.abs(sinceLastMs - PACKET_MS) - tally.jitterMs) / 16;
  }

  #playedMark(name: string): void {
    const { behaviour, echoMark } = this.#context;
    if (behaviour.markEchoDelayMs === 0) echoMark(name);
    else if (this.#heldMarks.length >= MAX_QUEUED_MARKS) this.#playback!.droppedMarks += 1;
    else this.#heldMarks.push({ name, atMs: performance.now() + behaviour.markEchoDelayMs });
  }
}

// Nobody is called where nobody listens.
function onPlayed(
  recorder: TimelineRecorder | null,
  observer: PacketObserver | null,
): Pick<PlaybackOptions, "onPlayed"> {
  const heard = observer?.heard?.bind(observer);
  if (recorder === null) return heard === undefined ? {} : { onPlayed: heard };
  return {
    onPlayed(samples, atSample) {
      recorder.write(samples, atSample);
      heard?.(samples, atSample);
    },
  };
}

// A view where the bytes lie even, as they nearly always do; an odd last byte is left out.
function pcm16(audio: Buffer): Int16Array {
  const bytes = audio.byteOffset % 2 === 0 ? audio : new Uint8Array(audio);
  return new Int16Array(bytes.buffer, bytes.byteOffset, audio.length >> 1);
}
