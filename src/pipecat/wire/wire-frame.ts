import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AudioFrame,
  MAX_FRAME_BYTE_LENGTH,
  type MalformedFrame,
  malformed,
  SLAB_BYTE_LENGTH,
  toAudioFrame,
} from "./audio-frame.ts";
import { scanAudioFrame } from "./audio-frame-reader.ts";
import {
  type Frame,
  FrameSchema,
  InterruptionFrameSchema,
  MessageFrameSchema,
  TextFrameSchema,
  TranscriptionFrameSchema,
} from "./frames_pb.ts";
import { Slab } from "./slab.ts";

/** Words for the bot, or from it: a TextFrame. */
export interface WireText {
  readonly kind: "text";
  readonly text: string;
}

/** What somebody said: a TranscriptionFrame. */
export interface WireTranscription {
  readonly kind: "transcription";
  readonly text: string;
  readonly userId: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

/** A transport message, as JSON: RTVI's, see `parseRtvi`, or the application's own. */
export interface WireMessage {
  readonly kind: "message";
  readonly data: string;
}

/** What is being said is to stop. Bots send it since Pipecat 1.3.0. */
export interface WireInterruption {
  readonly kind: "interruption";
}

/** What one binary message of a bot was. `unknown`: nothing, or a kind that came after Pipecat 1.14.0. */
export type WireFrame =
  | AudioFrame
  | WireText
  | WireTranscription
  | WireMessage
  | WireInterruption
  | { readonly kind: "unknown" }
  | MalformedFrame;

/**
 * Reads the binary messages of one bot, as Pipecat's ProtobufFrameSerializer writes them (0.0.105 to 1.14.0). Fields that
 * are not known are passed over.
 *
 * @example
 * const reader = new FrameReader();
 * socket.on("message", (data: Buffer) => {
 *   const frame = reader.read(data);
 *   if (frame.kind === "audio") speaker.play(frame.audio, frame.sampleRate);
 *   else if (frame.kind === "malformed") dropped[frame.reason]++;
 * });
 */
export class FrameReader {
  readonly #slab = new Slab(SLAB_BYTE_LENGTH);

  /**
   * Whatever the network sends gets an answer; nothing it sends makes this throw.
   *
   * @param bytes one message; may be changed afterwards, as nothing of the result points into it
   * @returns audio as a part of a longer array buffer that only this reader's frames share
   */
  read(bytes: Uint8Array): WireFrame {
    return read(bytes, this.#slab);
  }
}

/**
 * One binary message; who reads many has a {@link FrameReader}, which is the same and quicker.
 *
 * @example
 * readFrame(encodeFrame({ kind: "interruption" })).kind; // "interruption"
 */
export function readFrame(bytes: Uint8Array): WireFrame {
  return read(bytes, new Slab(0));
}

function read(bytes: Uint8Array, slab: Slab): WireFrame {
  if (bytes.length > MAX_FRAME_BYTE_LENGTH) return malformed("too-long");
  return scanAudioFrame(bytes, slab) ?? decodeFrame(bytes, slab);
}

/** What the scanner leaves, with a general decoder. */
function decodeFrame(bytes: Uint8Array, slab: Slab): WireFrame {
  try {
    const { frame } = fromBinary(FrameSchema, bytes, { readUnknownFields: false });
    switch (frame.case) {
      case "audio": {
        const { audio, sampleRate, numChannels } = frame.value;
        return toAudioFrame(audio, 0, audio.length, sampleRate, numChannels, slab);
      }
      case "text":
        return { kind: "text", text: frame.value.text };
      case "transcription": {
        const { text, userId, timestamp } = frame.value;
        return { kind: "transcription", text, userId, timestamp };
      }
      case "message":
        return { kind: "message", data: frame.value.data };
      case "interruption":
        return { kind: "interruption" };
      default:
        return { kind: "unknown" };
    }
  } catch {
    return malformed("not-protobuf");
  }
}

/**
 * Writes one binary message for a bot; audio has an `AudioFrameWriter`. Half a surrogate pair becomes U+FFFD.
 *
 * @example
 * socket.send(encodeFrame({ kind: "message", data: clientReady() }));
 */
export function encodeFrame(frame: WireText | WireTranscription | WireMessage | WireInterruption): Uint8Array {
  return toBinary(FrameSchema, create(FrameSchema, { frame: toOneof(frame) }));
}

function toOneof(frame: Parameters<typeof encodeFrame>[0]): Frame["frame"] {
  switch (frame.kind) {
    case "text":
      return { case: "text", value: create(TextFrameSchema, { text: frame.text }) };
    case "transcription": {
      const { text, userId, timestamp } = frame;
      return { case: "transcription", value: create(TranscriptionFrameSchema, { text, userId, timestamp }) };
    }
    case "message":
      return { case: "message", value: create(MessageFrameSchema, { data: frame.data }) };
    case "interruption":
      return { case: "interruption", value: create(InterruptionFrameSchema) };
  }
}
