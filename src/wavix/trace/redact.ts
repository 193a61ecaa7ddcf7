import type { Cut } from "./format.ts";
import { levelDbOf } from "./payload.ts";

/**
 * What of a message is taken in one piece, in this order. It is a scanner and no parser, so that it does the same to a
 * message that is cut off or malformed.
 */
const PIECES = new RegExp(
  [
    // The audio, also where its end is missing.
    /(?<before>"payload"\s*:\s*")(?<payload>[^"\\]*(?:\\[\s\S][^"\\]*)*)/,
    // The fields of Wavix's messages, as long as they hold what they should.
    /(?<kept>"(?:event|track|channel|stream_type|reason)"\s*:\s*"[a-z_-]{1,32}"|"event_time"\s*:\s*"\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:?\d\d)?"|"(?:sequence_number|chunk|timestamp)"\s*:\s*(?:\d{1,10}(?![\d.eE])|"\d{1,10}"))/,
    /(?<named>"(?:stream_id|call_id|name)"\s*:\s*")(?<name>[\w.:-]{1,128})(?=")/,
    /(?<form>"[A-Za-z_]{1,40}"(?=\s*:)|\b(?:true|false|null)\b|\\["\\/bfnrt])/,
    /(?<code>\\u[0-9a-fA-F]{4})/,
    /(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}])/u,
    /(?<word>[\p{L}\p{M}\p{N}]+)/u,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gu",
);
const BASE64 = /^(?:[A-Za-z0-9+/]|\\\/)*(?=={0,2}$)/;
/** What could be a telephone number is none of a name: marks are named by bots. */
const MANY_DIGITS = /\d(?:[\s.:_-]?\d){5}/;

/**
 * A message without what must not stand in a file: every letter becomes `x` and every digit `1`, but for the words and
 * numbers of Wavix's own fields, names of fields, and ids. Payloads are cut out (`cuts`), or left with `keepAudio`.
 * What was JSON still is, and what was none is none.
 *
 * @example
 * redact('{"event":"start","from":"+12025550143"}', false).text; // {"event":"start","from":"+11111111111"}
 */
export function redact(text: string, keepAudio: boolean): { text: string; cuts: Cut[] } {
  const cuts: Cut[] = [];
  let redacted = "";
  let from = 0;
  for (const match of text.matchAll(PIECES)) {
    redacted += text.slice(from, match.index);
    from = match.index + match[0].length;
    const { before, payload, kept, named, name, form, code, number } = match.groups as Record<
      string,
      string | undefined
    >;
    if (payload !== undefined) {
      redacted += before;
      const audio = BASE64.exec(payload)?.[0];
      if (audio === undefined) redacted += masked(payload);
      else if (keepAudio) redacted += payload;
      else {
        const characters = audio.replaceAll("\\", "");
        if (characters !== "") cuts.push(cutOf(redacted.length, characters));
        redacted += payload.slice(audio.length);
      }
    } else if (name !== undefined) redacted += named + (isId(name) ? name : masked(name));
    else if (code !== undefined) redacted += "\\u0078";
    else if (number !== undefined)
      redacted += number.replace(/\d/g, (digit, at) => (at === 0 && digit === "0" ? "0" : "1"));
    else redacted += kept ?? form ?? masked(match[0]);
  }
  return { text: redacted + text.slice(from), cuts };
}

function cutOf(at: number, base64: string): Cut {
  const levelDb = levelDbOf(base64);
  return { at, length: base64.length, ...(levelDb === undefined ? {} : { levelDb }) };
}

/** A UUID has digits beside each other too, but also letters, and its length. */
function isId(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name) || !MANY_DIGITS.test(name);
}

/** What stands outside of strings stays what it was: no JSON. */
function masked(text: string): string {
  return text.replace(/(\\["\\/bfnrt])|(\\u[0-9a-fA-F]{4})|[\p{L}\p{M}\p{N}]/gu, (character, kept, code) => {
    if (code !== undefined) return "\\u0078";
    return kept ?? (/\d/.test(character) ? "1" : "x");
  });
}
