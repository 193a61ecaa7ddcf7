/** Why a message gave no frame, or a frame no message. */
export type DropCause =
  /** Longer than a media message can be; not valid JSON; JSON, but no object; not text at all. */
  | "oversized"
  | "bad-json"
  | "not-an-object"
  | "not-text"
  /** An event Wavix does not document; a known one without what it is about. */
  | "unknown-event"
  | "bad-message"
  /** Media without a payload, not base64, not whole samples; of a track not asked for; before `setup`. */
  | "bad-media"
  | "bad-base64"
  | "odd-length"
  | "other-track"
  | "media-before-setup"
  /** Audio for Wavix before `setup`; an RTVI message held back. */
  | "audio-before-setup"
  | "rtvi-message"
  /** The codec failed (an ErrorFrame said so); a message or a frame after `close`. */
  | "codec-failed"
  | "closed";

/** What went through a serializer so far. Rises only. */
export interface SerializerCounters {
  /** Media messages whose audio was taken. */
  readonly mediaIn: number;
  /** Media messages made. */
  readonly mediaOut: number;
  /** Wire samples that were dropped by an interruption or at the end because they did not fill a packet yet. */
  readonly clearedSampleCount: number;
  /** Messages and frames that came to nothing, by cause. */
  readonly dropped: Readonly<Record<DropCause, number>>;
}

/** A zero for every cause, so that a reader of the counters finds each of them. */
export function noDrops(): Record<DropCause, number> {
  return {
    oversized: 0,
    "bad-json": 0,
    "not-an-object": 0,
    "not-text": 0,
    "unknown-event": 0,
    "bad-message": 0,
    "bad-media": 0,
    "bad-base64": 0,
    "odd-length": 0,
    "other-track": 0,
    "media-before-setup": 0,
    "audio-before-setup": 0,
    "rtvi-message": 0,
    "codec-failed": 0,
    closed: 0,
  };
}
