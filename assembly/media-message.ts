// The one message that comes 50 times a second. The scanner knows how Wavix writes it:
//
//   {"event":"media","event_time":"…","call_id":"…","stream_id":"…","sequence_number":2,
//    "media":{"payload":"…","track":"inbound","timestamp":160,"chunk":1}}
//
// with these members in any order behind `event`, each at most once, and nothing else: no white space, no escape, no
// byte above 0x7e, no number but 0 … 999999999999999. Whatever differs is UNKNOWN, and the host asks JSON.parse.
//
// RESULT:  0 u32 address of the audio      4 u32 track: 0 not named, 1 inbound, 2 outbound
//          8 f64 sequence_number          16 f64 chunk          24 f64 timestamp          (−1: not there)
//         32 u32 stream_id: address       36 u32 its length     40 u32 call_id: address   44 u32 its length

import { decode, decodeStop, encode } from "./base64";
import { MESSAGE, OUT, PCM, PREFIX, RESULT } from "./layout";
import { process } from "./resampler";

const UNKNOWN: i32 = -1;
const OTHER_TRACK: i32 = -2;
const BAD_BASE64: i32 = -3;
const ODD_LENGTH: i32 = -4;
const STALE: i32 = -5;

const QUOTE: i32 = 34;
const COMMA: i32 = 44;
const CLOSE: i32 = 125;

// Each has 8 bytes at least; see matches().
const HEAD = memory.data<u8>([123, 34, 101, 118, 101, 110, 116, 34, 58, 34, 109, 101, 100, 105, 97, 34]); // {"event":"media"
const EVENT_TIME = memory.data<u8>([34, 101, 118, 101, 110, 116, 95, 116, 105, 109, 101, 34, 58, 34]); // "event_time":"
const CALL_ID = memory.data<u8>([34, 99, 97, 108, 108, 95, 105, 100, 34, 58, 34]); // "call_id":"
const STREAM_ID = memory.data<u8>([34, 115, 116, 114, 101, 97, 109, 95, 105, 100, 34, 58, 34]); // "stream_id":"
const SEQUENCE_NUMBER = memory.data<u8>([
  34, 115, 101, 113, 117, 101, 110, 99, 101, 95, 110, 117, 109, 98, 101, 114, 34, 58,
]); // "sequence_number":
const MEDIA = memory.data<u8>([34, 109, 101, 100, 105, 97, 34, 58, 123]); // "media":{
const PAYLOAD = memory.data<u8>([34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 34]); // "payload":"
const TRACK = memory.data<u8>([34, 116, 114, 97, 99, 107, 34, 58, 34]); // "track":"
const INBOUND = memory.data<u8>([105, 110, 98, 111, 117, 110, 100, 34]); // inbound"
const OUTBOUND = memory.data<u8>([111, 117, 116, 98, 111, 117, 110, 100, 34]); // outbound"
const TIMESTAMP = memory.data<u8>([34, 116, 105, 109, 101, 115, 116, 97, 109, 112, 34, 58]); // "timestamp":
const CHUNK = memory.data<u8>([34, 99, 104, 117, 110, 107, 34, 58]); // "chunk":

/** Whether the text at `at` begins with the literal, 8 … 24 bytes. MESSAGE has as many to spare behind the text. */
function matches(at: usize, literal: usize, length: usize): bool {
  if (load<u64>(at) != load<u64>(literal)) return false;
  if (length > 16 && load<u64>(at, 8) != load<u64>(literal, 8)) return false;
  return load<u64>(at + length - 8) == load<u64>(literal + length - 8);
}

// 0x0101…01 and 0x8080…80
const ONES: u64 = u64.MAX_VALUE / 255;
const TOPS: u64 = ONES * 128;

/** The closing quote of the plain string at `at`, 0 when there is none before `end` or the string is not plain. */
function plainStringEnd(at: usize, end: usize): usize {
  // Eight bytes at once. Subtracting from each byte sets its top bit when it was too small; a borrow may flag bytes
  // above wrongly, but the lowest flag, the only one looked at, is right.
  for (; at < end; at += 8) {
    const text = load<u64>(at);
    const quote = text ^ (ONES * 34);
    const backslash = text ^ (ONES * 92);
    const del = text ^ (ONES * 127);
    const flags =
      (text |
        ((text - ONES * 32) & ~text) |
        ((quote - ONES) & ~quote) |
        ((backslash - ONES) & ~backslash) |
        ((del - ONES) & ~del)) &
      TOPS;
    if (flags == 0) continue;
    at += <usize>ctz(flags) >> 3;
    return at < end && <i32>load<u8>(at) == QUOTE ? at : 0;
  }
  return 0;
}

let numberEnd: usize = 0;

/** A plain whole number of at most 15 digits; −1 for anything else. Leaves the end in `numberEnd`. */
function wholeNumber(at: usize): f64 {
  const start = at;
  let value: i64 = 0;
  for (; ; at++) {
    const digit = <i32>load<u8>(at) - 48;
    if (<u32>digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = <i32>(at - start);
  numberEnd = at;
  return digits < 1 || digits > 15 || (digits > 1 && load<u8>(start) == 48) ? -1 : <f64>value;
}

/** The audio of a payload to RESULT, resampled when there is a handle; the sample count, or why there is none. */
function deliver(byteLength: i32, handle: u32): i32 {
  if ((byteLength & 1) != 0) return ODD_LENGTH;
  if (handle == 0) {
    store<u32>(RESULT, <u32>PCM);
    return byteLength >> 1;
  }
  store<u32>(RESULT, <u32>OUT);
  const count = process(handle, PCM, byteLength >> 1, OUT);
  return count < 0 ? STALE : count;
}

/** Reads the message of `length` bytes at MESSAGE. `track`: 0 takes both, 1 inbound (or not named), 2 outbound. */
export function readMedia(length: i32, track: i32, handle: u32): i32 {
  let at = MESSAGE;
  const end = at + <usize>length;
  // Bytes behind the end, of an older and longer message, may be looked at but not passed: the scan must end at `end`.
  if (!matches(at, HEAD, 16)) return UNKNOWN;
  at += 16;

  store<u32>(RESULT, 0, 4);
  store<f64>(RESULT, -1, 8);
  store<f64>(RESULT, -1, 16);
  store<f64>(RESULT, -1, 24);
  store<u32>(RESULT, 0, 36);
  store<u32>(RESULT, 0, 44);
  let seen: i32 = 0;
  let byteLength: i32 = -1;

  while (<i32>load<u8>(at) == COMMA) {
    at++;
    let member: i32;
    if (matches(at, EVENT_TIME, 14)) {
      member = 1;
      at = plainStringEnd(at + 14, end);
      if (at == 0) return UNKNOWN;
      at++;
    } else if (matches(at, CALL_ID, 11)) {
      member = 2;
      store<u32>(RESULT, <u32>(at + 11), 40);
      at = plainStringEnd(at + 11, end);
      if (at == 0) return UNKNOWN;
      store<u32>(RESULT, <u32>at - load<u32>(RESULT, 40), 44);
      at++;
    } else if (matches(at, STREAM_ID, 13)) {
      member = 4;
      store<u32>(RESULT, <u32>(at + 13), 32);
      at = plainStringEnd(at + 13, end);
      if (at == 0) return UNKNOWN;
      store<u32>(RESULT, <u32>at - load<u32>(RESULT, 32), 36);
      at++;
    } else if (matches(at, SEQUENCE_NUMBER, 18)) {
      member = 8;
      const value = wholeNumber(at + 18);
      if (value < 0) return UNKNOWN;
      store<f64>(RESULT, value, 8);
      at = numberEnd;
    } else if (matches(at, MEDIA, 9)) {
      member = 16;
      at += 9;
      let inner: i32 = 0;
      for (;;) {
        let field: i32;
        if (matches(at, PAYLOAD, 11)) {
          field = 1;
          byteLength = decode(at + 11, end, PCM);
          at = decodeStop();
          if (byteLength < 0 || <i32>load<u8>(at) != QUOTE) return UNKNOWN;
          at++;
        } else if (matches(at, TRACK, 9)) {
          field = 2;
          if (matches(at + 9, INBOUND, 8)) {
            store<u32>(RESULT, 1, 4);
            at += 17;
          } else if (matches(at + 9, OUTBOUND, 9)) {
            store<u32>(RESULT, 2, 4);
            at += 18;
          } else return UNKNOWN;
        } else if (matches(at, TIMESTAMP, 12)) {
          field = 4;
          const value = wholeNumber(at + 12);
          if (value < 0) return UNKNOWN;
          store<f64>(RESULT, value, 24);
          at = numberEnd;
        } else if (matches(at, CHUNK, 8)) {
          field = 8;
          const value = wholeNumber(at + 8);
          if (value < 0) return UNKNOWN;
          store<f64>(RESULT, value, 16);
          at = numberEnd;
        } else return UNKNOWN;
        if ((inner & field) != 0) return UNKNOWN;
        inner |= field;
        if (<i32>load<u8>(at) != COMMA) break;
        at++;
      }
      if (<i32>load<u8>(at) != CLOSE) return UNKNOWN;
      at++;
    } else return UNKNOWN;
    if ((seen & member) != 0) return UNKNOWN;
    seen |= member;
  }
  if (<i32>load<u8>(at) != CLOSE || at + 1 != end || byteLength < 0) return UNKNOWN;

  if (track != 0 && max(1, load<i32>(RESULT, 4)) != track) return OTHER_TRACK;
  return deliver(byteLength, handle);
}

/** The payload alone, `length` characters at MESSAGE, as found by JSON.parse. */
export function readPayload(length: i32, handle: u32): i32 {
  const end = MESSAGE + <usize>length;
  const byteLength = decode(MESSAGE, end, PCM);
  if (byteLength < 0 || decodeStop() != end) return BAD_BASE64;
  return deliver(byteLength, handle);
}

/** Writes `packets` messages to OUT: PREFIX, the packet in base64, `"}}`; the length of all of them. */
export function writeMedia(prefixLength: i32, packetBytes: i32, packets: i32): i32 {
  let src = PCM;
  let dst = OUT;
  for (let i = 0; i < packets; i++) {
    memory.copy(dst, PREFIX, prefixLength);
    dst = encode(src, packetBytes, dst + <usize>prefixLength);
    store<u8>(dst, QUOTE);
    store<u8>(dst, CLOSE, 1);
    store<u8>(dst, CLOSE, 2);
    dst += 3;
    src += <usize>packetBytes;
  }
  return <i32>(dst - OUT);
}
