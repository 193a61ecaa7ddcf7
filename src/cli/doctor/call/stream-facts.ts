/** What is known of a stream by its messages. Read of a live socket, or of a trace. */
export interface MediaFact {
  readonly atMs: number;
  readonly track: string | undefined;
  readonly byteLength: number;
  readonly silent: boolean;
  readonly timestamp: number | undefined;
  readonly chunk: number | undefined;
  readonly sequence: number | undefined;
}

/** Ten seconds of one track. */
const MAX_MEDIA_FACTS = 500;
const MAX_MARKS = 1_000;
/** About −60 dBFS. */
const AUDIBLE = 33;

/** A payload that a trace has left out. */
export interface CutPayload {
  readonly byteLength: number;
  readonly silent: boolean;
}

export class StreamFacts {
  /** The first of each, in their order. */
  readonly events: string[] = [];
  readonly media: MediaFact[] = [];
  mediaCount = 0;
  /** Whether numbers came as text. */
  numbersAsStrings: boolean | undefined;
  startSequence: number | undefined;
  streamId: string | undefined;
  /** Echoes in the order in which they came. */
  readonly marks: { readonly name: string; readonly atMs: number }[] = [];
  stopAtMs: number | undefined;
  binaryCount = 0;
  malformedCount = 0;

  /** @returns the name of the event, when it is the first of its kind, or is no media */
  read(text: string, atMs: number, cut?: CutPayload): string | undefined {
    const message = parse(text);
    const event = message?.event;
    if (message === undefined || typeof event !== "string") {
      this.malformedCount++;
      return "malformed";
    }
    const known = /^[a-z_]{1,32}$/.test(event) ? event : "unknown";
    const isFirst = !this.events.includes(known) && this.events.length < 20;
    if (isFirst) this.events.push(known);
    if (typeof message.stream_id === "string") this.streamId ??= message.stream_id;
    if (event === "start") {
      this.startSequence = this.#number(message.sequence_number);
    } else if (event === "media") this.#media(message, atMs, cut);
    else if (event === "mark") {
      const { name } = fields(message.mark);
      if (typeof name === "string" && this.marks.length < MAX_MARKS) this.marks.push({ name, atMs });
    } else if (event === "stop") this.stopAtMs ??= atMs;
    return isFirst || event !== "media" ? known : undefined;
  }

  #media(message: Record<string, unknown>, atMs: number, cut: CutPayload | undefined): void {
    this.mediaCount++;
    if (this.media.length >= MAX_MEDIA_FACTS) return;
    const { payload, track, timestamp, chunk } = fields(message.media);
    this.media.push({
      atMs,
      track: track === "inbound" || track === "outbound" ? track : undefined,
      ...(cut ?? measure(typeof payload === "string" ? payload : "")),
      timestamp: this.#number(timestamp),
      chunk: this.#number(chunk),
      sequence: this.#number(message.sequence_number),
    });
  }

  #number(value: unknown): number | undefined {
    if (typeof value === "number") {
      this.numbersAsStrings ??= false;
      return value;
    }
    if (typeof value !== "string" || !/^\d{1,15}$/.test(value)) return undefined;
    this.numbersAsStrings ??= true;
    return Number(value);
  }
}

function measure(payload: string): CutPayload {
  const bytes = Buffer.from(payload, "base64");
  let silent = true;
  for (let at = 0; at + 1 < bytes.length && silent; at += 2) silent = Math.abs(bytes.readInt16LE(at)) < AUDIBLE;
  return { byteLength: bytes.length, silent };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
