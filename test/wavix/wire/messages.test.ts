import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clearMessage,
  MAX_ID_LENGTH,
  MAX_MARK_NAME_LENGTH,
  MAX_MESSAGE_LENGTH,
  markMessage,
  parseWavixMessage,
  readJsonObject,
} from "../../../src/wavix/wire/messages.ts";

describe("parseWavixMessage", () => {
  test("takes numbers written as strings, as the guide writes them", () => {
    expect(
      parseWavixMessage({
        event: "media",
        sequence_number: "2",
        media: { payload: "AAA=", track: "inbound", timestamp: "160", chunk: "1" },
      }),
    ).toEqual({
      event: "media",
      sequence_number: 2,
      media: { payload: "AAA=", track: "inbound", timestamp: 160, chunk: 1 },
    });
  });

  test.each([
    -1,
    1.5,
    Number.NaN,
    2 ** 53,
    "",
    "1.5",
    "-1",
    "0x10",
    " 7",
    "12345678901234567",
    "9999999999999999",
    null,
    [],
    true,
  ])("leaves out a number that is none: %j", (sequence_number) => {
    expect(parseWavixMessage({ event: "stop", sequence_number })).toEqual({ event: "stop" });
  });

  test("takes -0 as 0", () => {
    expect(parseWavixMessage(JSON.parse('{"event":"stop","sequence_number":-0}'))).toEqual({
      event: "stop",
      sequence_number: 0,
    });
  });

  test("tolerates missing fields and leaves out unknown ones", () => {
    expect(parseWavixMessage({ event: "connected" })).toEqual({ event: "connected" });
    expect(parseWavixMessage({ event: "start", media_format: { rate: 8000 } })).toEqual({ event: "start" });
    expect(parseWavixMessage({ event: "media", media: { payload: "" } })).toEqual({
      event: "media",
      media: { payload: "" },
    });
    expect(
      parseWavixMessage({ event: "start", stream_type: "threeway", channel: 1, call_id: {}, stream_id: "" }),
    ).toEqual({
      event: "start",
    });
  });

  test("keeps a reason if stop has one", () => {
    expect(parseWavixMessage({ event: "stop", reason: "hangup" })).toEqual({ event: "stop", reason: "hangup" });
  });

  test("bounds ids and names", () => {
    const longest = "x".repeat(MAX_ID_LENGTH);
    expect(parseWavixMessage({ event: "start", stream_id: longest, call_id: `${longest}x` })).toEqual({
      event: "start",
      stream_id: longest,
    });
    const name = "n".repeat(MAX_MARK_NAME_LENGTH);
    expect(parseWavixMessage({ event: "mark", mark: { name } })).toEqual({ event: "mark", mark: { name } });
    expect(parseWavixMessage({ event: "mark", mark: { name: `${name}n` } })).toBeNull();
  });

  test.each([
    null,
    undefined,
    7,
    "start",
    true,
    [],
    [{ event: "start" }],
    {},
    { event: null },
    { event: 1 },
    { event: "dtmf" },
    { event: "START" },
    { event: "toString" },
    { event: ["start"] },
    { event: "media" },
    { event: "media", media: null },
    { event: "media", media: [] },
    { event: "media", media: "AAA=" },
    { event: "media", media: { payload: 5 } },
    { event: "mark" },
    { event: "mark", mark: null },
    { event: "mark", mark: { name: "" } },
    { event: "mark", mark: { name: 5 } },
  ])("gives null for %j", (value) => {
    expect(parseWavixMessage(value)).toBeNull();
  });

  test("never throws, whatever JSON holds", () => {
    const event = fc.constantFrom("connected", "start", "media", "mark", "stop");
    const shape = fc.record(
      {
        event,
        media: fc.jsonValue(),
        mark: fc.jsonValue(),
        stream_id: fc.jsonValue(),
        sequence_number: fc.jsonValue(),
      },
      { requiredKeys: ["event"] },
    );
    fc.assert(
      fc.property(fc.oneof(shape, fc.jsonValue()), (value) => {
        const message = parseWavixMessage(value);
        // What was parsed is a fixed point: parsed again it is the same.
        if (message !== null) expect(parseWavixMessage(JSON.parse(JSON.stringify(message)))).toEqual(message);
      }),
    );
  });
});

describe("readJsonObject", () => {
  test("reads text and bytes alike, bytes of a larger buffer too", () => {
    const text = '{"event":"mark","mark":{"name":"Begrüßung 👋"}}';
    const bytes = new Uint8Array([0xff, ...new TextEncoder().encode(text), 0xff]).subarray(1, -1);
    expect(readJsonObject(text)).toEqual(JSON.parse(text));
    expect(readJsonObject(bytes)).toEqual(JSON.parse(text));
  });

  test("says why something is no object", () => {
    expect(readJsonObject("")).toBe("bad-json");
    expect(readJsonObject('{"event":')).toBe("bad-json");
    expect(readJsonObject(new Uint8Array([0xff, 0xfe]))).toBe("bad-json");
    for (const text of ["null", "1", '"start"', "true", "[]"]) expect(readJsonObject(text)).toBe("not-an-object");
    expect(readJsonObject("{}".padEnd(MAX_MESSAGE_LENGTH))).toEqual({});
    expect(readJsonObject(new TextEncoder().encode("{}".padEnd(MAX_MESSAGE_LENGTH)))).toEqual({});
    expect(readJsonObject(JSON.stringify({ pad: "x".repeat(MAX_MESSAGE_LENGTH) }))).toBe("oversized");
    expect(readJsonObject(new Uint8Array(MAX_MESSAGE_LENGTH + 1))).toBe("oversized");
  });
});

describe("what goes to Wavix", () => {
  test("has Wavix's own shape, with the stream id if there is one", () => {
    expect(clearMessage("str-456")).toBe('{"event":"clear","stream_id":"str-456"}');
    expect(clearMessage()).toBe('{"event":"clear"}');
    expect(markMessage("mark-1", "str-456")).toBe('{"event":"mark","stream_id":"str-456","mark":{"name":"mark-1"}}');
    expect(markMessage("mark-1")).toBe('{"event":"mark","mark":{"name":"mark-1"}}');
  });

  test("escapes what has to be escaped", () => {
    const nasty = '"},\n\u0000\ud800\\';
    expect(JSON.parse(markMessage(nasty, nasty))).toEqual({ event: "mark", stream_id: nasty, mark: { name: nasty } });
  });

  test("refuses a mark without a usable name", () => {
    expect(() => markMessage("")).toThrow(new RangeError("name must have 1 to 256 characters, got 0"));
    expect(() => markMessage("n".repeat(257))).toThrow(RangeError);
    expect(() => markMessage(1 as unknown as string)).toThrow(new TypeError("name must be a string, got number"));
  });
});
