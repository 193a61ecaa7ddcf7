import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseServerMessage } from "../../src/simulator/server-message.ts";

describe("parseServerMessage", () => {
  // The examples of the AsyncAPI description, the payload replaced by one that is base64.
  it.each([
    [
      '{"event":"media","stream_id":"str-456","media":{"payload":"AAEC/f7/"}}',
      { event: "media", streamId: "str-456", audio: Buffer.from([0, 1, 2, 0xfd, 0xfe, 0xff]) },
    ],
    [
      '{"event":"mark","stream_id":"str-456","mark":{"name":"mark-1"}}',
      { event: "mark", streamId: "str-456", name: "mark-1" },
    ],
    ['{"event":"clear"}', { event: "clear", streamId: undefined }],
  ])("reads %s", (text, expected) => {
    expect(parseServerMessage(text)).toEqual(expected);
  });

  it.each([
    ["", "json"],
    ["{", "json"],
    ["[]", "not-an-object"],
    ["null", "not-an-object"],
    ["{}", "event"],
    ['{"event":"stop"}', "event"],
    ['{"event":"clear","stream_id":5}', "stream-id"],
    ['{"event":"media"}', "payload"],
    ['{"event":"media","media":null}', "payload"],
    ['{"event":"media","media":{"payload":[]}}', "payload"],
    ['{"event":"media","media":{"payload":"AAA"}}', "base64"],
    ['{"event":"media","media":{"payload":"AA=A"}}', "base64"],
    ['{"event":"media","media":{"payload":"AA A"}}', "base64"],
    ['{"event":"media","media":{"payload":"AA-_"}}', "base64"],
    ['{"event":"media","media":{"payload":"===="}}', "base64"],
    ['{"event":"mark","mark":{}}', "mark-name"],
    ['{"event":"mark","mark":{"name":7}}', "mark-name"],
  ])("refuses %s because of its %s", (text, cause) => {
    expect(parseServerMessage(text)).toBe(cause);
  });

  it("takes any bytes as base64, and nothing that was damaged", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(),
        fc.constantFrom("!", "-", "_", " ", "é"),
        (bytes, at, bad) => {
          const payload = Buffer.from(bytes).toString("base64");
          const media = (text: string) =>
            parseServerMessage(JSON.stringify({ event: "media", media: { payload: text } }));
          expect(media(payload)).toEqual({ event: "media", streamId: undefined, audio: Buffer.from(bytes) });
          const where = at % payload.length;
          expect(media(payload.slice(0, where) + bad + payload.slice(where + 1))).toBe("base64");
        },
      ),
    );
  });
});
