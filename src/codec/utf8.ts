/**
 * `TextEncoder` and `TextDecoder` for an engine that has none: an AudioWorklet. The build puts these in the place of
 * the globals in the whole bundle, so that neither loading it (the loader makes a decoder then) nor using it fails.
 *
 * @module
 */

/** UTF-8 as the Encoding Standard writes it: a lone surrogate becomes U+FFFD. */
export class PlainTextEncoder {
  readonly encoding = "utf-8";

  encode(text = ""): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(text.length * 3);
    return bytes.slice(0, this.encodeInto(text, bytes).written);
  }

  /** Stops before the first character that does not fit; `read` counts UTF-16 units, `written` bytes. */
  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    let read = 0;
    let written = 0;
    while (read < text.length) {
      let c = text.codePointAt(read) as number;
      const units = c > 0xffff ? 2 : 1;
      if (c >= 0xd800 && c <= 0xdfff) c = REPLACEMENT;
      const byteCount = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      if (written + byteCount > target.length) break;
      if (byteCount === 1) target[written++] = c;
      else {
        let shift = 6 * (byteCount - 1);
        target[written++] = ((0xf00 >> byteCount) & 0xff) | (c >> shift);
        while (shift > 0) {
          shift -= 6;
          target[written++] = 0x80 | ((c >> shift) & 0x3f);
        }
      }
      read += units;
    }
    return { read, written };
  }
}

/** The Encoding Standard's UTF-8 decoder, of whole texts; no other encoding. */
export class PlainTextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(encoding = "utf-8", options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    this.encoding = encoding;
    this.fatal = options.fatal ?? false;
    this.ignoreBOM = options.ignoreBOM ?? false;
  }

  /** @throws TypeError on what is not UTF-8, when `fatal`; on another encoding, always */
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    if (this.encoding !== "utf-8") throw new TypeError(`encoding must be utf-8, got ${this.encoding}`);
    let text = "";
    let c = 0;
    let needed = 0;
    // The bounds of the next byte: narrower after some leading bytes, to refuse overlong forms, surrogates, > U+10FFFF.
    let lower = 0x80;
    let upper = 0xbf;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (needed > 0) {
        if (byte < lower || byte > upper) {
          text += this.#malformed();
          needed = 0;
          i--; // this byte begins anew
        } else {
          c = (c << 6) | (byte & 0x3f);
          if (--needed === 0) text += String.fromCodePoint(c);
        }
        lower = 0x80;
        upper = 0xbf;
      } else if (byte < 0x80) text += String.fromCharCode(byte);
      else if (byte >= 0xc2 && byte <= 0xf4) {
        needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        c = byte & (0x3f >> needed);
        if (byte === 0xe0) lower = 0xa0;
        if (byte === 0xed) upper = 0x9f;
        if (byte === 0xf0) lower = 0x90;
        if (byte === 0xf4) upper = 0x8f;
      } else text += this.#malformed();
    }
    if (needed > 0) text += this.#malformed();
    return text.startsWith("\ufeff") && !this.ignoreBOM ? text.slice(1) : text;
  }

  #malformed(): string {
    if (this.fatal) throw new TypeError("the bytes are not UTF-8");
    return "\ufffd";
  }
}

const REPLACEMENT = 0xfffd;

const globals: { readonly TextEncoder?: unknown; readonly TextDecoder?: unknown } = globalThis;
const encoder = globals.TextEncoder ?? PlainTextEncoder;
const decoder = globals.TextDecoder ?? PlainTextDecoder;

export { decoder as TextDecoder, encoder as TextEncoder };
