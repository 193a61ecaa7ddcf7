// The scanner and writer of assembly/media-message.ts, where the form of the message and RESULT are described.

import type { TwinBase64 } from "./base64.ts";
import { MESSAGE, OUT, PCM, PREFIX, RESULT, type TwinMemory } from "./layout.ts";
import type { TwinResamplers } from "./resampler.ts";

const UNKNOWN = -1;
const OTHER_TRACK = -2;
const BAD_BASE64 = -3;
const ODD_LENGTH = -4;
const STALE = -5;

const QUOTE = 34;
const COMMA = 44;
const CLOSE = 125;
const BACKSLASH = 92;

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const HEAD = ascii('{"event":"media"');
const EVENT_TIME = ascii('event_time":"');
const CALL_ID = ascii('call_id":"');
const STREAM_ID = ascii('stream_id":"');
const SEQUENCE_NUMBER = ascii('sequence_number":');
const MEDIA = ascii('media":{"');
const PAYLOAD = ascii('payload":"');
const TRACK = ascii('track":"');
const INBOUND = ascii('inbound"');
const OUTBOUND = ascii('outbound"');
const TIMESTAMP = ascii('timestamp":');
const CHUNK = ascii('chunk":');

// RESULT as 32-bit words and as doubles.
const AUDIO = RESULT / 4;
const TRACK_NUMBER = AUDIO + 1;
const STREAM_ID_START = AUDIO + 8;
const CALL_ID_START = AUDIO + 10;
const SEQUENCE_VALUE = RESULT / 8 + 1;
const CHUNK_VALUE = SEQUENCE_VALUE + 1;
const TIMESTAMP_VALUE = SEQUENCE_VALUE + 2;

/** Whether the text at `at` begins with the literal. */
function matches(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}

/** The place behind the closing quote of the plain string at `at`, 0 when it does not end or is not plain. */
function afterString(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const c = bytes[at]!;
    if (c === QUOTE) return at + 1;
    if (c < 32 || c > 126 || c === BACKSLASH) return 0;
  }
  return 0;
}

/** As {@link afterString}, and the string's address and length to RESULT. */
function storeString(memory: TwinMemory, word: number, at: number, end: number): number {
  const behind = afterString(memory.bytes, at, end);
  memory.words[word] = at;
  memory.words[word + 1] = behind - 1 - at;
  return behind;
}

/** A plain whole number of at most 15 digits to RESULT; the place behind it, 0 for anything else. */
function storeNumber(memory: TwinMemory, index: number, at: number): number {
  const { bytes } = memory;
  const start = at;
  let value = 0;
  for (; ; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = at - start;
  if (digits < 1 || digits > 15 || (digits > 1 && bytes[start] === 48)) return 0;
  memory.numbers[index] = value;
  return at;
}

/** Reads and writes the media messages in one memory. */
export class TwinMediaMessages {
  readonly #memory: TwinMemory;
  readonly #resamplers: TwinResamplers;
  readonly #base64: TwinBase64;
  /** Of the payload that was decoded last. */
  #byteLength = -1;

  constructor(memory: TwinMemory, base64: TwinBase64, resamplers: TwinResamplers) {
    this.#memory = memory;
    this.#base64 = base64;
    this.#resamplers = resamplers;
  }

  /** Reads the message of `length` bytes at MESSAGE. `track`: 0 takes both, 1 inbound (or not named), 2 outbound. */
  readMedia(length: number, track: number, handle: number): number {
    const { bytes, words, numbers } = this.#memory;
    const end = MESSAGE + length;
    // Bytes behind the end, of an older and longer message, may be looked at but not passed: the scan must end at `end`.
    if (!matches(bytes, MESSAGE, HEAD)) return UNKNOWN;
    let at = MESSAGE + HEAD.length;
    words[TRACK_NUMBER] = 0;
    numbers[SEQUENCE_VALUE] = -1;
    numbers[CHUNK_VALUE] = -1;
    numbers[TIMESTAMP_VALUE] = -1;
    words[STREAM_ID_START + 1] = 0;
    words[CALL_ID_START + 1] = 0;
    this.#byteLength = -1;

    let seen = 0;
    while (bytes[at] === COMMA) {
      if (bytes[at + 1] !== QUOTE) return UNKNOWN;
      at += 2;
      let member = 0;
      if (matches(bytes, at, EVENT_TIME)) {
        member = 1;
        at = afterString(bytes, at + EVENT_TIME.length, end);
      } else if (matches(bytes, at, CALL_ID)) {
        member = 2;
        at = storeString(this.#memory, CALL_ID_START, at + CALL_ID.length, end);
      } else if (matches(bytes, at, STREAM_ID)) {
        member = 4;
        at = storeString(this.#memory, STREAM_ID_START, at + STREAM_ID.length, end);
      } else if (matches(bytes, at, SEQUENCE_NUMBER)) {
        member = 8;
        at = storeNumber(this.#memory, SEQUENCE_VALUE, at + SEQUENCE_NUMBER.length);
      } else if (matches(bytes, at, MEDIA)) {
        member = 16;
        at = this.#readMediaMember(at + MEDIA.length - 1, end);
      } else return UNKNOWN;
      if (at === 0 || (seen & member) !== 0) return UNKNOWN;
      seen |= member;
    }
    if (bytes[at] !== CLOSE || at + 1 !== end || this.#byteLength < 0) return UNKNOWN;

    if (track !== 0 && Math.max(1, words[TRACK_NUMBER]!) !== track) return OTHER_TRACK;
    return this.#deliver(handle);
  }

  /** The members of `media`, from the quote of the first on; the place behind the brace, 0 for what is not known. */
  #readMediaMember(at: number, end: number): number {
    const { bytes, words } = this.#memory;
    let seen = 0;
    for (;;) {
      if (bytes[at] !== QUOTE) return 0;
      at++;
      let member = 0;
      if (matches(bytes, at, PAYLOAD)) {
        member = 1;
        this.#byteLength = this.#base64.decode(at + PAYLOAD.length, end, PCM);
        at = this.#base64.stop;
        if (this.#byteLength < 0 || bytes[at] !== QUOTE) return 0;
        at++;
      } else if (matches(bytes, at, TRACK)) {
        member = 2;
        at += TRACK.length;
        const inbound = matches(bytes, at, INBOUND);
        if (!inbound && !matches(bytes, at, OUTBOUND)) return 0;
        words[TRACK_NUMBER] = inbound ? 1 : 2;
        at += inbound ? INBOUND.length : OUTBOUND.length;
      } else if (matches(bytes, at, TIMESTAMP)) {
        member = 4;
        at = storeNumber(this.#memory, TIMESTAMP_VALUE, at + TIMESTAMP.length);
      } else if (matches(bytes, at, CHUNK)) {
        member = 8;
        at = storeNumber(this.#memory, CHUNK_VALUE, at + CHUNK.length);
      } else return 0;
      if (at === 0 || (seen & member) !== 0) return 0;
      seen |= member;
      if (bytes[at] !== COMMA) return bytes[at] === CLOSE ? at + 1 : 0;
      at++;
    }
  }

  /** The payload alone, `length` characters at MESSAGE, as found by JSON.parse. */
  readPayload(length: number, handle: number): number {
    const end = MESSAGE + length;
    this.#byteLength = this.#base64.decode(MESSAGE, end, PCM);
    return this.#byteLength < 0 || this.#base64.stop !== end ? BAD_BASE64 : this.#deliver(handle);
  }

  /** The audio of the payload to RESULT, resampled when there is a handle; the sample count, or why there is none. */
  #deliver(handle: number): number {
    const byteLength = this.#byteLength;
    if ((byteLength & 1) !== 0) return ODD_LENGTH;
    const { words } = this.#memory;
    words[AUDIO] = handle === 0 ? PCM : OUT;
    if (handle === 0) return byteLength >> 1;
    const count = this.#resamplers.process(handle, byteLength >> 1);
    return count < 0 ? STALE : count;
  }

  /** Writes `packets` messages to OUT: PREFIX, the packet in base64, `"}}`; the length of all of them. */
  writeMedia(prefixLength: number, packetBytes: number, packets: number): number {
    const { bytes } = this.#memory;
    let src = PCM;
    let dst = OUT;
    for (let i = 0; i < packets; i++, src += packetBytes) {
      bytes.copyWithin(dst, PREFIX, PREFIX + prefixLength);
      dst = this.#base64.encode(src, packetBytes, dst + prefixLength);
      bytes[dst] = QUOTE;
      bytes[dst + 1] = CLOSE;
      bytes[dst + 2] = CLOSE;
      dst += 3;
    }
    return dst - OUT;
  }
}
