import type { Codec } from "../../src/codec/index.ts";
import { noise, split } from "../support/noise.ts";

/** What was done → a fingerprint of all that came out. */
export type Report = Record<string, string>;

const PAIRS = [
  [24000, 16000],
  [16000, 24000],
  [24000, 8000],
  [8000, 24000],
  [48000, 24000],
  [24000, 44100],
  [44100, 24000],
  [11025, 32000],
  [24000, 24000],
] as const;
const ODD_LENGTHS = [1, 2, 3, 319, 481, 0, 1_201];

/**
 * Uses the whole codec, the same way in every engine. To be compared with what Node gets from it; so it runs where
 * nearly nothing is: no TextDecoder, no timers, no console in an AudioWorklet.
 */
export function exercise(codec: Codec): Report {
  return { ...resampling(codec), ...floats(codec), ...base64(codec), ...messages(codec) };
}

function resampling(codec: Codec): Report {
  const report: Report = {};
  for (const [inputRate, outputRate] of PAIRS) {
    for (const profile of ["default", "low-delay"] as const) {
      const print = new Fingerprint();
      const resampler = codec.createResampler(inputRate, outputRate, { profile });
      for (const part of split(noise(6_000, inputRate), ODD_LENGTHS)) print.add(resampler.process(part));
      print.add(resampler.flush());
      resampler.close();
      report[`${inputRate} → ${outputRate} Hz, ${profile}`] = print.toString();
    }
  }
  return report;
}

function floats(codec: Codec): Report {
  const print = new Fingerprint();
  const resampler = codec.createResampler(48000, 24000);
  const samples = Float32Array.from(noise(2_560), (sample) => sample / 30_000); // some beyond full scale
  for (let at = 0; at < samples.length; at += 128) print.add(resampler.processFloat32(samples.subarray(at, at + 128)));
  resampler.close();
  return { "floats, 48000 → 24000 Hz": print.toString() };
}

function base64({ core }: Codec): Report {
  const encoded = new Fingerprint();
  const decoded = new Fingerprint();
  const bytes = new Uint8Array(noise(600).buffer);
  for (let length = 0; length <= 200; length++) {
    core.pcmBytes.set(bytes.subarray(length, 2 * length));
    const text = core.outBytes.slice(0, core.exports.encodeBase64(length));
    encoded.add(text);
    if (length % 7 === 3) text[length >> 1] = 46; // a character that is not of the alphabet
    core.message.set(text);
    const count = core.exports.decodeBase64(text.length);
    decoded.add(Int32Array.of(count)).add(core.pcmBytes.slice(0, Math.max(0, count)));
  }
  return { "base64, encoded": encoded.toString(), "base64, decoded": decoded.toString() };
}

function messages(codec: Codec): Report {
  const written = new Fingerprint();
  const read = new Fingerprint();
  const writer = codec.createMediaWriter({ wireSampleRate: 24000, streamId: 'straße "🎵" \ud800' });
  const reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 16000 });
  const target = new Uint8Array(8 * writer.messageByteLength);
  for (const [i, part] of [...split(noise(12_000, 7), [160, 3_001, 77])].entries()) {
    writer.push(part, i % 2 === 0 ? 16000 : 44100, 1 + (i % 2));
    if (i % 5 === 4) writer.flush();
    const count = writer.takeMessages(target, 1);
    const bytes = target.subarray(0, count * writer.messageByteLength);
    written.add(bytes);
    if (count > 0) read.addText(reader.read(bytes, "inbound")).add(reader.audio);
    for (let text = writer.takeMessage(); text !== null; text = writer.takeMessage()) {
      written.addText(text);
      read.addText(reader.read(text, null)).add(reader.audio);
    }
  }
  for (const text of ODD_MESSAGES) {
    read.addText(reader.read(text, "inbound")).addText(JSON.stringify(reader.message ?? null));
    read.addText(`${reader.streamId} ${reader.sequenceNumber} ${reader.timestamp}`);
  }
  read.addText(reader.read(Uint8Array.of(0x7b, 0xff, 0x7d), null));
  reader.close();
  writer.close();
  return { "messages, written": written.toString(), "messages, read": read.toString() };
}

const ODD_MESSAGES = [
  '{"event":"start","call_id":"abc-123","stream_id":"größe 🎵"}',
  '{ "media" : { "payload": "\\u0041AAA", "track": "outbound" }, "event": "media" }',
  '{"event":"media","sequence_number":"7","media":{"payload":"AAAA AAA"}}',
  '{"event":"media","media":{"payload":"AAA="}}',
  "[1]",
  "{",
  "",
];

/** FNV-1a over all bytes, and how many they were. */
class Fingerprint {
  #hash = 0x811c9dc5;
  #byteLength = 0;

  add({ buffer, byteOffset, byteLength }: ArrayBufferView): this {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (const byte of bytes) this.#hash = Math.imul(this.#hash ^ byte, 0x01000193);
    this.#byteLength += byteLength;
    return this;
  }

  addText(text: string): this {
    return this.add(Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)));
  }

  toString(): string {
    return `${this.#byteLength} bytes, ${(this.#hash >>> 0).toString(16)}`;
  }
}
