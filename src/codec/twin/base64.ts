import { OUT, type TwinMemory } from "./layout.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 61;
const INVALID = -1;

interface Tables {
  /** 12 bits → two characters, the first in the low byte. */
  readonly characters: Uint16Array;
  /** Two characters, the first in the low byte → 12 bits, −1 outside the alphabet. */
  readonly pairs: Int16Array;
  /** One character → 6 bits, −1 outside the alphabet. */
  readonly sextets: Int8Array;
}

let tables: Tables | undefined;

/** Made when the first twin is: 137 kB that an engine with WebAssembly need not have. */
function makeTables(): Tables {
  const characters = new Uint16Array(4_096);
  const pairs = new Int16Array(65_536).fill(-1);
  const sextets = new Int8Array(256).fill(-1);
  for (let bits = 0; bits < 4_096; bits++) {
    const pair = ALPHABET.charCodeAt(bits >> 6) | (ALPHABET.charCodeAt(bits & 63) << 8);
    characters[bits] = pair;
    pairs[pair] = bits;
  }
  for (let bits = 0; bits < 64; bits++) sextets[ALPHABET.charCodeAt(bits)] = bits;
  return { characters, pairs, sextets };
}

/**
 * Base64 (RFC 4648 §4), strict as in assembly/base64.ts.
 *
 * Loads and stores cost the time, so bulk goes 8 characters at once through views of 16 and 32 bits. These want even
 * addresses: text that lies otherwise is moved, which costs next to nothing.
 */
export class TwinBase64 {
  /** Where the last {@link decode} stopped: `end`, or the first character that is not base64. */
  stop = 0;
  readonly #memory: TwinMemory;
  readonly #tables: Tables;

  constructor(memory: TwinMemory) {
    tables ??= makeTables();
    this.#memory = memory;
    this.#tables = tables;
  }

  /** Encodes `length` bytes at `src`, an even address; the end of the text. */
  encode(src: number, length: number, dst: number): number {
    const { bytes, samples, words } = this.#memory;
    const { characters } = this.#tables;
    const end = src + length;
    const first = (dst + 3) >> 2;
    let word = first;
    for (; src + 6 <= end; src += 6, word += 2) {
      const a = samples[src >> 1]!;
      const b = samples[(src >> 1) + 1]!;
      const c = samples[(src >> 1) + 2]!;
      words[word] = characters[((a & 0xff) << 4) | ((a >> 12) & 0xf)]! | (characters[(a & 0xf00) | (b & 0xff)]! << 16);
      words[word + 1] =
        characters[((b >> 4) & 0xff0) | ((c >> 4) & 0xf)]! | (characters[((c & 0xf) << 8) | ((c >> 8) & 0xff)]! << 16);
    }
    if (dst !== first * 4) bytes.copyWithin(dst, first * 4, word * 4);
    dst += (word - first) * 4;
    for (; src < end; src += 3, dst += 4) {
      const left = end - src;
      const bits = (bytes[src]! << 16) | (left > 1 ? bytes[src + 1]! << 8 : 0) | (left > 2 ? bytes[src + 2]! : 0);
      const high = characters[bits >> 12]!;
      const low = characters[bits & 0xfff]!;
      bytes[dst] = high;
      bytes[dst + 1] = high >> 8;
      bytes[dst + 2] = left > 1 ? low : PAD;
      bytes[dst + 3] = left > 2 ? low >> 8 : PAD;
    }
    return dst;
  }

  /**
   * Decodes the text at `src` as far as it is base64, to `dst`, an even address; the byte count, or −1 when the text is
   * cut short or not strict. Uses OUT.
   */
  decode(src: number, end: number, dst: number): number {
    const { bytes, samples } = this.#memory;
    const { pairs, sextets } = this.#tables;
    const start = dst;
    const odd = (src & 1) !== 0;
    if (odd) bytes.copyWithin(OUT, src, end);
    const moved = odd ? src - OUT : 0;
    let from = src - moved;
    for (const last = end - moved - 8; from <= last; from += 8, dst += 6) {
      const place = from >> 1;
      const a = pairs[samples[place]! & 0xffff]!;
      const b = pairs[samples[place + 1]! & 0xffff]!;
      const c = pairs[samples[place + 2]! & 0xffff]!;
      const d = pairs[samples[place + 3]! & 0xffff]!;
      if ((a | b | c | d) < 0) break;
      samples[dst >> 1] = (a >> 4) | ((a & 0xf) << 12) | (b & 0xf00);
      samples[(dst >> 1) + 1] = (b & 0xff) | ((c << 4) & 0xff00);
      samples[(dst >> 1) + 2] = ((c & 0xf) << 4) | (d >> 8) | (d << 8);
    }
    src = from + moved;
    for (; src + 4 <= end; src += 4, dst += 3) {
      const a = sextets[bytes[src]!]!;
      const b = sextets[bytes[src + 1]!]!;
      const c = sextets[bytes[src + 2]!]!;
      const d = sextets[bytes[src + 3]!]!;
      if ((a | b | c | d) < 0) break;
      bytes[dst] = (a << 2) | (b >> 4);
      bytes[dst + 1] = (b << 4) | (c >> 2);
      bytes[dst + 2] = (c << 6) | d;
    }
    this.stop = src;
    // Either the text ends here, or its last four characters are padded.
    if (src === end || sextets[bytes[src]!]! < 0) return dst - start;
    if (src + 4 > end) return INVALID;
    const a = sextets[bytes[src]!]!;
    const b = sextets[bytes[src + 1]!]!;
    if (b < 0 || bytes[src + 3] !== PAD) return INVALID;
    this.stop = src + 4;
    bytes[dst] = (a << 2) | (b >> 4);
    if (bytes[src + 2] === PAD) return (b & 15) === 0 ? dst - start + 1 : INVALID;
    const c = sextets[bytes[src + 2]!]!;
    if (c < 0 || (c & 3) !== 0) return INVALID;
    bytes[dst + 1] = (b << 4) | (c >> 2);
    return dst - start + 2;
  }
}
