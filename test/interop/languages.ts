import { decodeReference, encodeReference, muLaw } from "../reference/g711.ts";
import type { Language } from "./line.ts";

/**
 * Pipecat's protobuf frames, made by hand: what is tested here are the bots, not how this project reads frames.
 *
 * @param keys - `dtmf` as RTVI has it from 2.0 on, or the message of this project for a bot with RTVI 1
 */
export function pipecat(keys: "dtmf" | "wavix-dtmf"): Language {
  const rate = 16_000;
  const rtvi = (type: string, data: object) => {
    const text = JSON.stringify({ label: "rtvi-ai", type, id: "1", data });
    return bytesField(4, bytesField(1, Buffer.from(text)));
  };
  const facts = { call_id: "call-1", from: "+12025550143", to: "+12025550144" };
  return {
    rate,
    greeting: [
      rtvi("client-ready", { version: "1.2.0", about: { library: "test" } }),
      rtvi("client-message", { t: "wavix-call", d: facts }),
    ],
    audio: (samples) => {
      const pcm = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
      return bytesField(2, Buffer.concat([bytesField(3, pcm), numberField(4, rate), numberField(5, 1)]));
    },
    key: (button) =>
      keys === "dtmf"
        ? rtvi("dtmf", { button, buttons: [button] })
        : rtvi("client-message", { t: "wavix-dtmf", d: { button } }),
    read: (message, isBinary) => {
      if (!isBinary) return `text ${message}`;
      const [[kind, body] = [0, 0]] = fieldsOf(message);
      const fields = new Map(fieldsOf(body as Buffer));
      if (kind === 2) return { samples: samplesOf(fields.get(3) as Buffer), rate: fields.get(4) as number };
      if (kind === 5) return "interruption";
      const { type, data } = JSON.parse(String(fields.get(1)));
      return type === "server-message" ? data.type : type;
    },
  };
}

const MU_LAW = Int16Array.from({ length: 256 }, (_, code) => decodeReference(muLaw, code));

/** Twilio Media Streams. */
export const twilio: Language = {
  rate: 8_000,
  greeting: [
    JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }),
    JSON.stringify({
      event: "start",
      sequenceNumber: "1",
      streamSid: "MZ1",
      start: {
        streamSid: "MZ1",
        accountSid: "AC1",
        callSid: "CA1",
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        customParameters: { call_id: "call-1", from_number: "+12025550143", to_number: "+12025550144" },
      },
    }),
  ],
  audio: (samples) => {
    const payload = Buffer.from(Uint8Array.from(samples, (sample) => encodeReference(muLaw, sample))).toString(
      "base64",
    );
    return JSON.stringify({ event: "media", streamSid: "MZ1", media: { track: "inbound", payload } });
  },
  key: (digit) => JSON.stringify({ event: "dtmf", streamSid: "MZ1", dtmf: { track: "inbound_track", digit } }),
  read: (message) => {
    const { event, streamSid, media } = JSON.parse(String(message));
    if (streamSid !== "MZ1") return `${event} of another stream`;
    if (event !== "media") return event;
    const bytes = Buffer.from(media.payload, "base64");
    return { samples: Int16Array.from(bytes, (byte) => MU_LAW[byte] as number), rate: 8_000 };
  },
};

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
const numberField = (field: number, value: number) => Buffer.from([...varint(field << 3), ...varint(value)]);
const bytesField = (field: number, value: Uint8Array) =>
  Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(value.length)]), value]);

/** The fields of a protobuf message; the numbers among them have less than 2⁵³, as all of Pipecat's. */
function fieldsOf(message: Buffer): [number, Buffer | number][] {
  const fields: [number, Buffer | number][] = [];
  let at = 0;
  const number = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = number();
    const value = number();
    if ((key & 7) === 0) fields.push([key >> 3, value]);
    else {
      fields.push([key >> 3, message.subarray(at, at + value)]);
      at += value;
    }
  }
  return fields;
}

const samplesOf = (pcm: Buffer) => new Int16Array(Uint8Array.from(pcm).buffer);
