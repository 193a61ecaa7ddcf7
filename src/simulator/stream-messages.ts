import type { Behaviour } from "./behaviour.ts";

const timestampSteps = { "rtp-8khz": 160, "rtp-24khz": 480, ms: 20 } as const;

/** The leg a packet was captured from. */
export type Track = "inbound" | "outbound";

/**
 * Writes the messages Wavix sends on one stream, and counts them: `sequence_number` from 1 (`start`) over all of them,
 * `chunk` from 1 over the media (Wavix AsyncAPI: OutgoingMediaEvent and its neighbours). Pure.
 */
export class StreamMessages {
  readonly #behaviour: Behaviour;
  readonly #ids: { call_id: string; stream_id: string };
  // What stays the same in every media message.
  readonly #mediaMiddle: string;
  readonly #quote: string;
  readonly #chunks = { inbound: 0, outbound: 0, shared: 0 };
  #sequenceNumber: number;
  #firstPacket: number | null = null;

  constructor(callId: string, streamId: string, behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#ids = { call_id: callId, stream_id: streamId };
    this.#quote = behaviour.numbersAsStrings ? '"' : "";
    const ids = `"call_id":${JSON.stringify(callId)},"stream_id":${JSON.stringify(streamId)}`;
    this.#mediaMiddle = `",${ids},"sequence_number":${this.#quote}`;
    // Number 1 is `start`'s even when it is not sent.
    this.#sequenceNumber = behaviour.sendStart ? 0 : 1;
  }

  connected(): string {
    return JSON.stringify({ event: "connected", event_time: new Date().toISOString() });
  }

  start(streamType: "oneway" | "twoway", channel: "inbound" | "outbound" | "both"): string {
    return this.#numbered("start", { stream_type: streamType, channel });
  }

  mark(name: string): string {
    return this.#numbered("mark", { mark: { name } });
  }

  stop(): string {
    return this.#numbered("stop", {});
  }

  /** Begins to count time: the packet whose timestamp is `timestampStart`. Later calls change nothing. */
  begin(packet: number): void {
    this.#firstPacket ??= packet;
  }

  media(packet: number, track: Track, payload: string, eventTime: string): string {
    const { before, after } = this.mediaAround(packet, track, eventTime);
    return `${before}${payload}${after}`;
  }

  /** A media message without its payload. It is counted as sent. */
  mediaAround(packet: number, track: Track, eventTime: string): { before: string; after: string } {
    const { tracksShareChunkCount, timestampStart, timestampUnit } = this.#behaviour;
    const chunk = ++this.#chunks[tracksShareChunkCount ? "shared" : track];
    const timestamp = timestampStart + (packet - (this.#firstPacket ?? packet)) * timestampSteps[timestampUnit];
    const number = ++this.#sequenceNumber;
    const quote = this.#quote;
    return {
      before: `{"event":"media","event_time":"${eventTime}${this.#mediaMiddle}${number}${quote},"media":{"payload":"`,
      after: `","track":"${track}","timestamp":${quote}${timestamp}${quote},"chunk":${quote}${chunk}${quote}}}`,
    };
  }

  #numbered(event: "start" | "mark" | "stop", fields: Record<string, unknown>): string {
    const number = ++this.#sequenceNumber;
    return JSON.stringify({
      event,
      event_time: new Date().toISOString(),
      ...this.#ids,
      ...fields,
      sequence_number: this.#behaviour.numbersAsStrings ? `${number}` : number,
    });
  }
}
