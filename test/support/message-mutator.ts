/** Random numbers, the same for the same seed, in two nanoseconds (xorshift32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) | 0 || 1;
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** What JSON and base64 are made of, where a wrong byte means the most. */
const TELLING = new TextEncoder().encode('"\\{}[],:=0123456789 \t\n-+.eEuAQ/_\u007f\u0000ä');
const NUMBERS = [
  "0",
  "1",
  "160",
  "999999999999999",
  "1000000000000000",
  "-1",
  "-0",
  "01",
  "1.0",
  "1e3",
  '"12"',
  "null",
];
const ENDS = ["", "", "", "AA==", "AAA=", "gA==", "AB==", "A"];
const SPACES = ["", " ", "\t", "\r\n  "];
const MEMBERS = ["event_time", "call_id", "stream_id", "sequence_number", "media"] as const;
const FIELDS = ["payload", "track", "timestamp", "chunk"] as const;

/**
 * Media messages as Wavix writes them and as it might: members in any order, left out or doubled, spaces, escapes, odd
 * numbers, payloads of 0 to 64 KiB; and half of them damaged in one to three places.
 */
export class MessageMutator {
  readonly #random: Random;
  readonly #bytes = new Uint8Array(70_000);
  readonly #encoder = new TextEncoder();
  readonly #audio: string;

  constructor(random: Random) {
    this.#random = random;
    this.#audio = Array.from({ length: 65_536 }, () => BASE64[random.below(64)]).join("");
  }

  /** The next message; its bytes are good until the one after. */
  next(): Uint8Array {
    const random = this.#random;
    let { written: length } = this.#encoder.encodeInto(this.#write(), this.#bytes);
    for (let damages = random.below(6) - 2; damages > 0; damages--) length = this.#damage(length);
    return this.#bytes.subarray(0, Math.min(length, 65_537));
  }

  #write(): string {
    const random = this.#random;
    const odd = random.below(4) === 0;
    const space = odd ? random.pick(SPACES) : "";
    let text = `{${space}"event":${space}${odd && random.below(8) === 0 ? '"stop"' : '"media"'}`;
    const first = random.below(MEMBERS.length);
    const count = random.below(8) === 0 ? random.below(MEMBERS.length + 2) : MEMBERS.length;
    for (let i = 0; i < count; i++) {
      const name = MEMBERS[(first + i) % MEMBERS.length] as (typeof MEMBERS)[number];
      text += `,${space}"${name}"${space}:${name === "media" ? this.#media(odd, space) : this.#value(name, odd)}`;
    }
    return `${text}${space}}${space}`;
  }

  #media(odd: boolean, space: string): string {
    const random = this.#random;
    const first = random.below(FIELDS.length);
    const count = random.below(8) === 0 ? random.below(FIELDS.length + 2) : FIELDS.length;
    let text = "{";
    for (let i = 0; i < count; i++) {
      const name = FIELDS[(first + i) % FIELDS.length] as (typeof FIELDS)[number];
      text += `${i === 0 ? "" : ","}${space}"${name}":${space}${this.#value(name, odd)}`;
    }
    return `${text}}`;
  }

  #value(name: string, odd: boolean): string {
    const random = this.#random;
    switch (name) {
      case "payload": {
        // Once in a few thousand as long as a message may be, and longer.
        const long = random.below(2_048) === 0;
        const length = (long ? 65_536 - random.below(512) : random.below(random.below(8) === 0 ? 1_300 : 80)) & ~3;
        const start = random.below(65_537 - length);
        return `"${odd && random.below(4) === 0 ? "\\u0041AAA" : ""}${this.#audio.slice(start, start + length)}${random.pick(ENDS)}"`;
      }
      case "track":
        return odd ? random.pick(['"both"', "null", '"out\\u0062ound"']) : random.pick(['"inbound"', '"outbound"']);
      case "event_time":
      case "call_id":
      case "stream_id":
        return odd
          ? random.pick(['""', '"a\\"b"', '"ü"', "7"])
          : random.pick(['"2024-01-15T10:30:01Z"', '"a-1"', '"~ |"']);
      default:
        return odd ? random.pick(NUMBERS) : String(random.below(10 ** random.below(10)));
    }
  }

  #damage(length: number): number {
    const random = this.#random;
    const bytes = this.#bytes;
    if (length === 0) return 0;
    const at = random.below(length);
    const byte = random.below(2) === 0 ? random.below(256) : random.pick(TELLING as unknown as number[]);
    switch (random.below(8)) {
      case 0:
        bytes.copyWithin(at + 1, at, length);
        bytes[at] = byte;
        return length + 1;
      case 1:
        bytes.copyWithin(at, at + 1, length);
        return length - 1;
      case 2:
        return at;
      case 3: {
        // A piece of the message once more, at another place or over it.
        const count = Math.min(random.below(60), length - at);
        const to = random.below(length);
        bytes.copyWithin(to, at, at + count);
        return Math.max(length, to + count);
      }
      default:
        bytes[at] = byte;
        return length;
    }
  }
}
