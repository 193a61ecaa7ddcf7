import fc from "fast-check";
import { expect, it } from "vitest";
import { MessageReader } from "../../src/simulator/message-reader.ts";
import { parseServerMessage } from "../../src/simulator/server-message.ts";

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  fc.string({ maxLength: 20, unit: fc.constantFrom("A", "=", "-", "_", '"', "\\", "}", " ", "é", ",", "\\u0041") }),
);
/** Some ways of writing it; `P` stands for the payload, raw. */
const shapes = fc.constantFrom(
  '{"event":"media","stream_id":"s","media":{"payload":"P"}}',
  '{"event":"media","stream_id":"t","media":{"payload":"P"}}',
  '{"event":"media","media":{"payload":"P"}}',
  '{"media":{"payload":"P"},"event":"media"}',
  '{"event":"media","event":"mark","media":{"payload":"P"}}',
  '{"event":"mark","mark":{"name":"m"},"media":{"payload":"P"}}',
  '{"event":"media","x":"\\u00e9 é","media":{"payload":"P"}}',
  '{"event":"media","x":{"media":{"payload":"P"}},"media":{"payload":"P"}}',
  '{"event":"media","media":{"payload":"P"}} ',
  '{"event":"media","media":{"payload":"P"}}}',
  '{"event":"media","media":{"x":"P"}}',
  '"}}',
  "",
);

it("reads any sequence of messages as the parser does", () => {
  const message = fc.tuple(shapes, payloads).map(([shape, payload]) => shape.replaceAll("P", () => payload));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      const reader = new MessageReader();
      for (const text of messages) expect(reader.read(Buffer.from(text))).toEqual(parseServerMessage(text));
    }),
    { numRuns: 2_000 },
  );
});

it("takes the short cut from the second packet on", () => {
  const bytes = Buffer.from('{"event":"media","stream_id":"s","media":{"payload":"AAAA"}}');
  const reader = new MessageReader();
  reader.read(bytes);
  // Only the long way makes a text of all of it.
  const original = bytes.toString.bind(bytes);
  bytes.toString = (encoding, ...range) =>
    range.length > 0 ? original(encoding, ...range) : expect.fail("was parsed");
  expect(reader.read(bytes)).toEqual({ event: "media", streamId: "s", audio: Buffer.alloc(3) });
});
