import {
  type Codec,
  defaultCodec,
  type MediaGate,
  type MediaReader,
  type MediaReadStatus,
  type MediaWriter,
} from "../../codec/index.ts";
import {
  type AudioRawFrame,
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
} from "../../pipecat/frames.ts";
import { type DropCause, noDrops, type SerializerCounters } from "./counters.ts";
import {
  type ConnectedMessage,
  clearMessage,
  MAX_ID_LENGTH,
  parseWavixMessage,
  readJsonObject,
  type StartMessage,
  type Track,
} from "./messages.ts";

/** Rate of Wavix's audio, in Hz (Wavix AsyncAPI: "PCM16, 24 kHz, mono"). */
const WAVIX_SAMPLE_RATE = 24_000;

/** Pipecat's names, in camelCase; rates in Hz. */
export interface WavixFrameSerializerParams {
  /** Rate on the wire. 24000, the only one Wavix has. */
  wavixSampleRate?: number | undefined;
  /** Rate of the frames that `deserialize` gives; the StartFrame's `audioInSampleRate` if not set. */
  sampleRate?: number | undefined;
  /** The track to take: "inbound" (default), "outbound", or null for both; `frame.transportSource` names it. */
  audioTrack?: Track | null | undefined;
  /** Hold RTVI messages (`label: "rtvi-ai"`) back from the phone line. Default true. */
  ignoreRtviMessages?: boolean | undefined;
}

/** All optional. */
export interface WavixFrameSerializerOptions {
  /** If known already; otherwise learned from `start`, else from the first media message. */
  streamId?: string | undefined;
  /** The codec to use; otherwise the thread's own, loaded at `setup`. */
  codec?: Codec | undefined;
  params?: WavixFrameSerializerParams | undefined;
}

/**
 * Watches the messages of a stream as they arrive, for a transport that conceals what is lost and leaves out what comes
 * twice. `admit` is asked about each media message of the wanted track.
 *
 * @example
 * const arrivals: MediaArrivals = { admit: () => NOTHING, numbered() {}, otherTrack() {}, concealed() {} };
 * serializer.watch(arrivals);
 */
export interface MediaArrivals extends MediaGate {
  /** A message that is not media had a `sequence_number` of its own. */
  numbered(): void;
  /** A media message of a track that is not wanted. */
  otherTrack(): void;
  /** What `admit` put before a message, as a frame of at most 20 ms; comes before that message's own frame. */
  concealed(frame: InputAudioRawFrame): void;
}

/** One track of the caller's audio; each has a resampler of its own and a clock of its own. */
interface Lane {
  readonly track: Track;
  readonly reader: MediaReader;
  readonly sampleRate: number;
  sampleCount: number;
}

/**
 * Wavix messages ⇄ Pipecat frames, for one stream. No socket and no clock: it says what to send, not when.
 *
 * @throws TypeError | RangeError when an option is not of its kind.
 * @example
 * const serializer = new WavixFrameSerializer({ params: { audioTrack: "inbound" } });
 * serializer.setup(new StartFrame({ audioInSampleRate: 16000 }));
 * socket.addEventListener("message", ({ data }) => {
 *   const frame = serializer.deserialize(data);
 *   if (frame instanceof InputAudioRawFrame) {
 *     for (const message of serializer.serialize(frame)) socket.send(message); // an echo
 *   }
 * });
 */
export class WavixFrameSerializer {
  readonly #wavixSampleRate: number;
  readonly #sampleRate: number | undefined;
  readonly #tracks: readonly Track[];
  readonly #ignoreRtviMessages: boolean;
  readonly #counters = { mediaIn: 0, mediaOut: 0, clearedSampleCount: 0, dropped: noDrops() };
  #codec: Codec | undefined;
  #lanes: Lane[] = [];
  #writer: MediaWriter | null = null;
  #connected: ConnectedMessage | null = null;
  #start: StartMessage | null = null;
  #streamId: string | undefined;
  #callId: string | undefined;
  #arrivals: MediaArrivals | undefined;
  #failed = false;
  #closed = false;

  constructor({ streamId, codec, params = {} }: WavixFrameSerializerOptions = {}) {
    const { audioTrack = "inbound" } = params;
    if (audioTrack !== null && audioTrack !== "inbound" && audioTrack !== "outbound") {
      throw new TypeError('audioTrack must be "inbound", "outbound" or null');
    }
    if (streamId !== undefined && typeof streamId !== "string") {
      throw new TypeError(`streamId must be a string, got ${typeof streamId}`);
    }
    if (streamId !== undefined && shortId(streamId) === undefined) {
      throw new RangeError(`streamId must have 1 to ${MAX_ID_LENGTH} characters, got ${streamId.length}`);
    }
    this.#streamId = streamId;
    this.#codec = codec;
    this.#wavixSampleRate = params.wavixSampleRate ?? WAVIX_SAMPLE_RATE;
    this.#sampleRate = params.sampleRate;
    this.#tracks = audioTrack === null ? ["inbound", "outbound"] : [audioTrack];
    this.#ignoreRtviMessages = params.ignoreRtviMessages ?? true;
  }

  /** The stream's id, once known. What `start` says goes before what the constructor was given. */
  get streamId(): string | undefined {
    return this.#streamId;
  }

  /** The call's id, once a message named it. */
  get callId(): string | undefined {
    return this.#callId;
  }

  /** Rate on the wire, in Hz. */
  get wavixSampleRate(): number {
    return this.#wavixSampleRate;
  }

  /** Rate of the frames that `deserialize` gives, in Hz; undefined before `setup` when the StartFrame decides. */
  get sampleRate(): number | undefined {
    return this.#lanes[0]?.sampleRate ?? this.#sampleRate;
  }

  /** The codec in use; undefined before `setup` when none was given. */
  get codec(): Codec | undefined {
    return this.#codec;
  }

  /** How often the caller's audio started afresh because the codec's instance failed. */
  get discontinuities(): number {
    return this.#lanes.reduce((sum, { reader }) => sum + reader.discontinuities, 0);
  }

  /** The `connected` message, or null. */
  get connected(): ConnectedMessage | null {
    return this.#connected;
  }

  /** The last `start` message, or null. */
  get start(): StartMessage | null {
    return this.#start;
  }

  /** What went through so far; the same object all along. */
  get counters(): SerializerCounters {
    return this.#counters;
  }

  /** Has the arrival of messages watched, from now on. */
  watch(arrivals: MediaArrivals): void {
    this.#arrivals = arrivals;
  }

  /**
   * Makes audio flow, at the rates of the StartFrame. Called again it changes the rate of the caller's audio, if that is
   * another one, and nothing else. Does nothing after `close`.
   *
   * @throws RangeError when a rate is none the codec knows; CodecError when the codec cannot be loaded.
   */
  setup(frame: StartFrame): void {
    if (this.#closed) return;
    const sampleRate = this.#sampleRate ?? frame.audioInSampleRate;
    if (this.#lanes[0]?.sampleRate === sampleRate) return;
    this.#codec ??= defaultCodec();
    const lanes = this.#openLanes(this.#codec, sampleRate);
    for (const lane of this.#lanes) lane.reader.close();
    this.#lanes = lanes;
  }

  /**
   * One message from the socket as a frame: `media` as InputAudioRawFrame, `mark` as MarkFrame, `stop` as EndFrame; null
   * for anything else, counted by cause unless it is `connected` or `start`. Never throws on what the network sent; if the
   * codec itself fails it gives one fatal ErrorFrame.
   */
  deserialize(data: string | Uint8Array): Frame | null {
    if (this.#closed) return this.#drop("closed");
    if (typeof data !== "string" && !(data instanceof Uint8Array)) return this.#drop("not-text");
    if (this.#lanes.length === 0) return this.#deserializeBeforeSetup(data);
    for (const lane of this.#lanes) {
      let status: MediaReadStatus | "other-track";
      try {
        status = lane.reader.read(data, lane.track, this.#arrivals);
      } catch (exception) {
        return this.#codecFailed(exception);
      }
      if (status === "audio") return this.#audioFrame(lane);
      if (status === "message") return this.#controlFrame(lane.reader.message);
      // It is counted where it was decided.
      if (status === "left-out") return null;
      if (status !== "other-track") return this.#drop(status);
      this.#learnFrom(lane.reader);
    }
    this.#arrivals?.otherTrack();
    return this.#drop("other-track");
  }

  /**
   * A frame as whole messages, in the order to send them: audio as packets of exactly 20 ms (a rest waits for the next
   * frame), InterruptionFrame as `clear` (the rest is dropped), transport messages as JSON. A StartFrame is taken as
   * `setup`. Other frames give nothing.
   *
   * @throws RangeError on audio at a rate the codec does not know; TypeError on a transport message that is no JSON;
   *   CodecError when the codec failed.
   */
  serialize(frame: Frame): string[] {
    if (this.#closed) {
      this.#drop("closed");
      return [];
    }
    if (frame instanceof OutputAudioRawFrame || frame instanceof InputAudioRawFrame) return this.#mediaMessages(frame);
    if (frame instanceof InterruptionFrame) {
      this.#counters.clearedSampleCount += this.#writer?.clear() ?? 0;
      return [clearMessage(this.#streamId)];
    }
    if (frame instanceof OutputTransportMessageFrame || frame instanceof OutputTransportMessageUrgentFrame) {
      return this.#transportMessage(frame.message);
    }
    if (frame instanceof StartFrame) this.setup(frame);
    return [];
  }

  /** The rest of the audio, its last packet padded with silence: the end of an utterance. */
  flush(): string[] {
    if (this.#writer === null) return [];
    this.#writer.flush();
    return this.#takeMessages(this.#writer);
  }

  /** Gives the codec's slots back. Idempotent; afterwards `deserialize` gives null and `serialize` nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#counters.clearedSampleCount += this.#writer?.queuedSampleCount ?? 0;
    this.#writer?.close();
    for (const lane of this.#lanes) lane.reader.close();
    this.#writer = null;
    this.#lanes = [];
  }

  #openLanes(codec: Codec, sampleRate: number): Lane[] {
    const lanes: Lane[] = [];
    try {
      for (const track of this.#tracks) {
        const reader = codec.createMediaReader({ wireSampleRate: this.#wavixSampleRate, sampleRate });
        lanes.push({ track, reader, sampleRate, sampleCount: 0 });
      }
    } catch (error) {
      for (const lane of lanes) lane.reader.close();
      throw error;
    }
    return lanes;
  }

  #audioFrame(lane: Lane): Frame | null {
    this.#learnFrom(lane.reader);
    this.#counters.mediaIn++;
    const { audio, inserted } = lane.reader;
    if (inserted.length > 0) this.#giveConcealed(lane, inserted);
    return audio.length === 0 ? null : nextFrame(lane, audio);
  }

  /** In frames of the usual length: who listens reckons with it. */
  #giveConcealed(lane: Lane, samples: Int16Array): void {
    const frameCount = Math.ceil(samples.length / (lane.sampleRate / 50));
    for (let i = 0; i < frameCount; i++) {
      const from = Math.round((i * samples.length) / frameCount);
      const to = Math.round(((i + 1) * samples.length) / frameCount);
      const frame = nextFrame(lane, samples.subarray(from, to));
      frame.metadata.concealed = true;
      this.#arrivals?.concealed(frame);
    }
  }

  #controlFrame(value: unknown): Frame | null {
    const message = parseWavixMessage(value);
    if (message !== null && "sequence_number" in message) this.#arrivals?.numbered();
    switch (message?.event) {
      case "connected":
        this.#connected = message;
        return null;
      case "start":
        this.#start = message;
        this.#callId = message.call_id ?? this.#callId;
        this.#setStreamId(message.stream_id ?? this.#streamId);
        return null;
      case "mark":
        return new MarkFrame({ markName: message.mark.name });
      case "stop":
        return new EndFrame({ reason: message.reason ?? "stop" });
      case "media":
        if (this.#streamId === undefined) this.#setStreamId(message.stream_id);
        this.#callId ??= message.call_id;
        return this.#drop("media-before-setup");
      default:
        return this.#drop(causeOfNoMessage((value as { event?: unknown }).event));
    }
  }

  /** Without a sample rate there is no reader; `connected` and `start` come this early and are not lost. */
  #deserializeBeforeSetup(data: string | Uint8Array): Frame | null {
    const object = readJsonObject(data);
    return typeof object === "string" ? this.#drop(object) : this.#controlFrame(object);
  }

  #mediaMessages({ audio, sampleRate, numChannels }: AudioRawFrame): string[] {
    if (this.#codec === undefined || this.#lanes.length === 0) {
      this.#drop("audio-before-setup");
      return [];
    }
    // Not before it is needed: a transport has a writer of its own.
    this.#writer ??= this.#codec.createMediaWriter({
      wireSampleRate: this.#wavixSampleRate,
      ...(this.#streamId === undefined ? {} : { streamId: this.#streamId }),
    });
    this.#writer.push(audio, sampleRate, numChannels);
    return this.#takeMessages(this.#writer);
  }

  #takeMessages(writer: MediaWriter): string[] {
    const messages: string[] = [];
    for (let message = writer.takeMessage(); message !== null; message = writer.takeMessage()) {
      messages.push(message);
      this.#counters.mediaOut++;
    }
    return messages;
  }

  #transportMessage(message: unknown): string[] {
    if (this.#ignoreRtviMessages && (message as { label?: unknown } | null | undefined)?.label === "rtvi-ai") {
      this.#drop("rtvi-message");
      return [];
    }
    const text = JSON.stringify(message);
    if (text === undefined) throw new TypeError(`message must be a JSON value, got ${typeof message}`);
    return [text];
  }

  #learnFrom(reader: MediaReader): void {
    if (this.#streamId === undefined) this.#setStreamId(shortId(reader.streamId));
    this.#callId ??= shortId(reader.callId);
  }

  #setStreamId(streamId: string | undefined): void {
    this.#streamId = streamId;
    if (this.#writer !== null) this.#writer.streamId = streamId;
  }

  #codecFailed(exception: unknown): Frame | null {
    this.#counters.dropped["codec-failed"]++;
    if (this.#failed) return null;
    this.#failed = true;
    return new ErrorFrame({ error: "the audio codec failed", fatal: true, exception });
  }

  #drop(cause: DropCause): null {
    this.#counters.dropped[cause]++;
    return null;
  }
}

/** The samples that come next on a track, as a frame. */
function nextFrame(lane: Lane, audio: Int16Array): InputAudioRawFrame {
  const frame = new InputAudioRawFrame({ audio, sampleRate: lane.sampleRate, numChannels: 1 });
  frame.pts = Math.round((lane.sampleCount * 1e9) / lane.sampleRate);
  frame.transportSource = lane.track;
  lane.sampleCount += audio.length;
  return frame;
}

function shortId(id: string | undefined): string | undefined {
  return id !== undefined && id.length > 0 && id.length <= MAX_ID_LENGTH ? id : undefined;
}

function causeOfNoMessage(event: unknown): DropCause {
  if (event === "media") return "bad-media";
  return event === "mark" ? "bad-message" : "unknown-event";
}
