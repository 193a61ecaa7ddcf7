import type { UtteranceEnd } from "../../call/index.ts";
import { defaultCodec } from "../../codec/index.ts";
import { type KeypadEntry, OutputTransportMessageFrame } from "../../pipecat/index.ts";
import type { Line, Protocol } from "./protocol.ts";

/** G.711, as on Twilio's lines. */
const SAMPLE_RATE = 8_000;
/** Marks of a bot that wait to be heard. */
const MAX_MARKS = 1_000;
const MAX_NAME_LENGTH = 1_024;

/** What Twilio calls an account: `AC` and 32 hexadecimal digits. This one is nobody's. */
export const NO_ACCOUNT_SID = `AC${"0".repeat(32)}`;

/**
 * Twilio's Media Streams, as Pipecat's stock examples speak them: a bot that answers a Twilio number answers this call
 * without a change. Source: Twilio's «Media Streams - WebSocket Messages»; its `callSid` is Wavix's call id.
 */
export class TwilioProtocol implements Protocol {
  readonly inputSampleRate = SAMPLE_RATE;
  readonly #line: Line;
  readonly #accountSid: string;
  readonly #callSid: string;
  readonly #streamSid: string;
  #sequenceNumber = 0;
  #chunk = 0;
  #sampleCount = 0;
  #codes = new Uint8Array(0);
  /** Marks that the bot waits for, by the name they have at Wavix: the bot's own need not be unique. */
  readonly #marks = new Map<string, string>();
  /** Of all bots: the marks of one that is gone still come back to the next. */
  static #marksSent = 0;

  constructor(line: Line, accountSid = NO_ACCOUNT_SID) {
    const { callId, streamId } = line.call;
    this.#line = line;
    this.#accountSid = accountSid;
    this.#callSid = callId ?? streamId ?? "";
    this.#streamSid = streamId ?? this.#callSid;
  }

  opened(): void {
    const { callId, from, to } = this.#line.call;
    this.#line.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.#send("start", {
      start: {
        accountSid: this.#accountSid,
        streamSid: this.#streamSid,
        callSid: this.#callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: SAMPLE_RATE, channels: 1 },
        // The first two under the names by which Pipecat's runner knows them.
        customParameters: { from_number: from, to_number: to, call_id: callId },
      },
    });
  }

  audio(samples: Int16Array): void {
    if (this.#codes.length < samples.length) this.#codes = new Uint8Array(samples.length);
    const codes = defaultCodec().encodeMuLaw(samples, this.#codes);
    const payload = Buffer.from(codes.buffer, codes.byteOffset, codes.length).toString("base64");
    // Packets that were lost come as one that is longer.
    const timestamp = Math.round((this.#sampleCount * 1_000) / SAMPLE_RATE);
    this.#chunk++;
    this.#sampleCount += samples.length;
    // By hand: it is sent fifty times a second, and nothing in it needs an escape but the stream's name.
    const media = `{"track":"inbound","chunk":"${this.#chunk}","timestamp":"${timestamp}","payload":"${payload}"}`;
    const sequence = `"sequenceNumber":"${++this.#sequenceNumber}"`;
    this.#line.send(`{"event":"media",${sequence},"media":${media},"streamSid":${JSON.stringify(this.#streamSid)}}`);
  }

  key(digit: KeypadEntry): void {
    this.#send("dtmf", { dtmf: { track: "inbound_track", digit } });
  }

  mark(nameAtWavix: string): void {
    const name = this.#marks.get(nameAtWavix);
    if (name === undefined) return;
    this.#marks.delete(nameAtWavix);
    this.#send("mark", { mark: { name } });
  }

  heard(_end: UtteranceEnd): void {}

  failed(_request: string, _error: unknown): void {
    this.#line.counters.requests_failed++;
  }

  callOver(): void {
    this.#send("stop", { stop: { accountSid: this.#accountSid, callSid: this.#callSid } });
  }

  received(data: Buffer, isBinary: boolean): void {
    const { speech, counters } = this.#line;
    const message = isBinary ? undefined : parse(data);
    switch (message?.event) {
      case undefined:
        counters.malformed_messages++;
        break;
      case "media": {
        const payload = (message.media as { payload?: unknown } | null | undefined)?.payload;
        if (typeof payload !== "string") counters.malformed_messages++;
        else speech.say(defaultCodec().decodeMuLaw(Buffer.from(payload, "base64")), SAMPLE_RATE, 1);
        break;
      }
      case "mark": {
        const name = (message.mark as { name?: unknown } | null | undefined)?.name;
        if (typeof name !== "string" || name.length > MAX_NAME_LENGTH) counters.malformed_messages++;
        else this.#markAfterSpeech(name);
        break;
      }
      case "clear":
        this.#clear();
        break;
      default:
        counters.unknown_messages++;
    }
  }

  /** Comes back when the caller has heard what was said before it: Wavix does with marks what Twilio does. */
  #markAfterSpeech(name: string): void {
    if (this.#marks.size >= MAX_MARKS) {
      this.#line.counters.malformed_messages++;
      return;
    }
    const nameAtWavix = `bot-${++TwilioProtocol.#marksSent}`;
    this.#marks.set(nameAtWavix, name);
    const message = { event: "mark", stream_id: this.#line.call.streamId, mark: { name: nameAtWavix } };
    // One that cannot be sent will not come back.
    this.#line.call.send(new OutputTransportMessageFrame({ message })).catch(() => this.#marks.delete(nameAtWavix));
  }

  /** As at Twilio, the marks of what is taken back come back at once, in their order. */
  #clear(): void {
    this.#line.speech.interrupt();
    for (const name of this.#marks.keys()) this.mark(name);
  }

  #send(event: string, fields: object): void {
    const sequenceNumber = String(++this.#sequenceNumber);
    this.#line.send(JSON.stringify({ event, sequenceNumber, ...fields, streamSid: this.#streamSid }));
  }
}

function parse(data: Buffer): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(data.toString("utf8"));
    return typeof message === "object" && message !== null ? (message as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
