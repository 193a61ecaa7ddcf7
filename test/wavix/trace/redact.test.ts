import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact, restore } from "../../../src/wavix/trace/index.ts";
import { noise } from "../../support/signals.ts";

const CALL = "5dccb6b0-f35c-488c-867b-86fb012c4415";
const STREAM = "00000000-1111-2222-3333-444444444444";
const speech = Buffer.from(noise(480).buffer).toString("base64");
const media = (payload: string) =>
  `{"event":"media","event_time":"2026-01-15T10:30:00.123Z","call_id":"${CALL}","stream_id":"${STREAM}",` +
  `"sequence_number":12,"media":{"payload":"${payload}","track":"inbound","timestamp":4294967295,"chunk":"7"}}`;
const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("redact", () => {
  it("keeps Wavix's messages but for what is said", () => {
    const messages = [
      '{"event":"connected","event_time":"2026-01-15T10:30:00Z"}',
      `{ "event" : "start", "call_id":"${CALL}","stream_id":"stream-1","stream_type":"twoway","channel":"inbound"}`,
      '{"event":"mark","mark":{"name":"pw-3-17"},"sequence_number":"10"}',
      '{"event":"mark","mark":{"name":"end-of-greeting"}}',
      '{"event":"clear"}',
      '{"event":"stop","reason":"hangup"}',
    ];
    for (const message of messages) expect(redact(message, false)).toEqual({ text: message, cuts: [] });
    const { text, cuts } = redact(media(speech), false);
    expect(text).toBe(media(""));
    expect(cuts).toEqual([{ at: text.indexOf('","track"'), length: 1280, levelDb: expect.closeTo(-4.8, 0) }]);
    expect(redact(media(speech), true)).toEqual({ text: media(speech), cuts: [] });
  });

  it.each([
    ["a number in a field of its own", '{"event":"start","from":"+12025550143"}', /1202|0143/],
    ["a number as a number", '{"from":12025550143,"to":0012025550199}', /2025/],
    ["a number in groups", '{"caller":"+1 (202) 555-0143"}', /202|555|0143/],
    ["a number for an id", '{"stream_id":"+12025550143","call_id":"1-202-555-0143"}', /202|555/],
    ["a number for a mark", '{"mark":{"name":"call.12025550143"}}', /2025/],
    ["a number for a time", '{"event_time":"+12025550143","timestamp":"+12025550143"}', /2025/],
    ["a number in escapes", '{"from":"\\u0031\\u0032\\u0030\\u0032"}', /003/],
    ["a token", '{"token":"eyJhbGci.c2VjcmV0"}', /eyJ|c2V/],
    ["an address", '{"stream_url":"wss://bot.example.com/ws/abc.def"}', /bot|example|abc/],
    ["a sentence", '{"reason":"the caller said her name is Rosa","text":"Röschen 二十"}', /caller|Rosa|schen|二/],
    ["a name of many letters for a mark", '{"mark":{"name":"Rosa said: yes, I will"}}', /Rosa|yes/],
    ["what is no JSON", 'event=media from=+12025550143 "secret', /2025|secret/],
    ["escapes that are none", "\\s\\e\\cret", /s|e|c/],
    ["a payload that is no audio", '{"media":{"payload":"my secret\\n is \\u0041 %"}}', /secret|my|0041/],
  ])("has nothing of %s", (_what, message, secret) => {
    for (const keepAudio of [false, true]) {
      const { text } = redact(message, keepAudio);
      expect(text).not.toMatch(secret);
      expect(isJson(text)).toBe(isJson(message));
    }
  });

  it("has no audio of a message that is cut off, written strangely, or twice", () => {
    const escaped = speech.replaceAll("/", "\\/");
    const whole = media(speech);
    const messages = [
      whole.slice(0, 900),
      media(escaped),
      whole.replace('"payload":', '"payload" \n: '),
      `${whole}${whole}`,
      whole.replace("payload", "p\\u0061yload"),
      `${speech}`,
      media(`${speech}!`),
    ];
    for (const message of messages) {
      const { text } = redact(message, false);
      for (let i = 0; i + 6 <= speech.length; i += 97) expect(text).not.toContain(speech.slice(i, i + 6));
    }
    expect(redact(`${whole}${whole}`, false).cuts).toHaveLength(2);
  });

  it("lets no digit and no letter through that it does not know, and leaves JSON what it is", () => {
    const string = fc.string({ unit: fc.constantFrom(...'aZ0123456789+- "\\/\u00e9\u0665二{}[]:,.\n_='.split("")) });
    const text = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at))),
      fc
        .array(
          fc.oneof(string, fc.constantFrom('"payload":"', '"event":"', '"name":"', '"', "\\", "\\u00", "1e5", "-01")),
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (message, keepAudio) => {
        const { text: redacted, cuts } = redact(message, keepAudio);
        expect(isJson(restore(redacted, cuts))).toBe(isJson(message));
        // Numbers of people are longer.
        const long =
          redacted
            .replaceAll("\\u0078", "")
            .replace(/"(timestamp|chunk|sequence_number|event_time)"[^,}]*/g, "")
            .match(/\d{6,}/g) ?? [];
        expect(keepAudio ? [] : long.filter((digits) => !/^[01]1*$/.test(digits))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes a time that grows with the length alone", () => {
    for (const piece of ["1", "a", '"', "\\", '"payload":"', '"a" ', " ", "1a", '"name":"', "-.1e", '"event" :']) {
      const long = piece.repeat(Math.ceil(65_536 / piece.length));
      expect(redact(long, false).text.length).toBeLessThanOrEqual(long.length);
    }
  });
});

describe("restore", () => {
  it("gives a tone of the same length and level, and silence for silence", () => {
    for (const [samples, padding] of [
      [480, ""],
      [479, "=="],
      [0.5, "=="],
    ] as const) {
      for (const level of [0, 300, 12_000]) {
        const bytes = Buffer.alloc(Math.floor(2 * samples));
        for (let i = 0; i + 1 < bytes.length; i += 2) bytes.writeInt16LE(i % 4 === 0 ? level : -level, i);
        const payload = bytes.toString("base64");
        expect(payload.endsWith(padding)).toBe(true);
        const { text, cuts } = redact(media(payload), false);
        const restored = JSON.parse(restore(text, cuts)).media.payload as string;
        expect(restored).toHaveLength(payload.length);
        const heard = Buffer.from(restored, "base64");
        expect(heard.toString("base64")).toBe(restored);
        expect(heard).toHaveLength(bytes.length);
        if (level === 0) expect(heard.equals(bytes)).toBe(true);
        else if (samples > 1) expect(redact(media(restored), false).cuts[0]?.levelDb).toBeCloseTo(cuts[0]!.levelDb!, 0);
      }
    }
  });

  it("leaves a payload that is no base64 none", () => {
    for (const payload of ["A", "AAAAA", "====", "A===", "AB=C"]) {
      const { text, cuts } = redact(media(payload), false);
      const restored = JSON.parse(restore(text, cuts)).media.payload as string;
      expect(restored).toHaveLength(payload.length);
      expect(restored.replace(/\w/g, "A")).toBe(payload.replace(/\w/g, "A"));
    }
  });
});
