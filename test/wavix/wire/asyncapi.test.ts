import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Codec, loadCodecSync } from "../../../src/codec/index.ts";
import {
  EndFrame,
  InputAudioRawFrame,
  InterruptionFrame,
  MarkFrame,
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  StartFrame,
} from "../../../src/pipecat/frames.ts";
import { clearMessage, markMessage, parseWavixMessage } from "../../../src/wavix/wire/messages.ts";
import { WavixFrameSerializer } from "../../../src/wavix/wire/serializer.ts";

// Wavix's own description of the stream. "Outgoing" and "Incoming" there are as Wavix sees it: Outgoing comes to us.
const specification = parse(
  readFileSync(new URL("../../fixtures/wavix/asyncapi-call-streaming.yaml", import.meta.url), "utf8"),
) as {
  components: {
    messages: Record<string, { payload: { $ref: string }; examples: { payload: Record<string, unknown> }[] }>;
  };
};

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addFormat("date-time", (text) => !Number.isNaN(Date.parse(text)));
ajv.addFormat("int64", { type: "number", validate: Number.isInteger });
ajv.addSchema(specification, "asyncapi");

function schema(name: string): ValidateFunction {
  return ajv.compile({ $ref: `asyncapi#/components/schemas/${name}` });
}

function example(name: string): Record<string, unknown> {
  const payload = specification.components.messages[name]?.examples[0]?.payload;
  if (payload === undefined) throw new Error(`the specification has no example of ${name}`);
  return payload;
}

let codec: Codec;
let serializer: WavixFrameSerializer;
beforeAll(() => {
  codec = loadCodecSync();
  serializer = new WavixFrameSerializer({ streamId: "str-456", codec });
  serializer.setup(new StartFrame());
});
afterAll(() => serializer.close());

const FROM_WAVIX = ["ConnectedEvent", "StartEvent", "OutgoingMediaEvent", "OutgoingMarkEvent", "StopEvent"];

describe("from Wavix", () => {
  test.each(FROM_WAVIX)("the published example of %s is parsed, every field of it", (name) => {
    expect(schema(name)(example(name)), name).toBe(true);
    expect(parseWavixMessage(example(name))).toEqual(example(name));
  });

  test("what the specification calls a message is parsed, every field of it", () => {
    const id = fc.string({ minLength: 1, maxLength: 40 });
    const count = fc.maxSafeNat();
    const time = fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") })
      .map((d) => d.toISOString());
    const stream = { event_time: time, call_id: id, stream_id: id, sequence_number: count };
    const track = fc.constantFrom("inbound", "outbound");
    const messages = {
      ConnectedEvent: fc.record({ event: fc.constant("connected"), event_time: time }),
      StartEvent: fc.record({
        event: fc.constant("start"),
        ...stream,
        stream_type: fc.constantFrom("oneway", "twoway"),
        channel: fc.constantFrom("inbound", "outbound", "both"),
      }),
      OutgoingMediaEvent: fc.record({
        event: fc.constant("media"),
        ...stream,
        media: fc.record({ payload: fc.base64String(), track, timestamp: count, chunk: count }),
      }),
      OutgoingMarkEvent: fc.record({ event: fc.constant("mark"), ...stream, mark: fc.record({ name: id }) }),
      StopEvent: fc.record({ event: fc.constant("stop"), ...stream }),
    };
    for (const [name, arbitrary] of Object.entries(messages)) {
      const validate = schema(name);
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<object>, (message) => {
          expect(validate(message), ajv.errorsText(validate.errors)).toBe(true);
          expect(parseWavixMessage(message)).toEqual(message);
        }),
        { numRuns: 50 },
      );
    }
  });

  test("the published examples become the frames they stand for", () => {
    const bytes = Buffer.alloc(960, 1).toString("base64");
    const media = {
      ...example("OutgoingMediaEvent"),
      media: { ...(example("OutgoingMediaEvent").media as object), payload: bytes },
    };
    const give = (message: object) => serializer.deserialize(JSON.stringify(message));
    expect(give(example("ConnectedEvent"))).toBeNull();
    expect(give(example("StartEvent"))).toBeNull();
    expect(serializer.connected).toEqual(example("ConnectedEvent"));
    expect(serializer.start).toEqual(example("StartEvent"));
    expect(give(media)).toBeInstanceOf(InputAudioRawFrame);
    const mark = give(example("OutgoingMarkEvent"));
    expect(mark).toBeInstanceOf(MarkFrame);
    expect((mark as MarkFrame).markName).toBe("end-of-greeting");
    const end = give(example("StopEvent"));
    expect(end).toBeInstanceOf(EndFrame);
    expect((end as EndFrame).reason).toBe("stop");
  });

  test("the payload of the published media example is abridged, so it is no base64: dropped, counted", () => {
    const before = serializer.counters.dropped["bad-base64"];
    expect(serializer.deserialize(JSON.stringify(example("OutgoingMediaEvent")))).toBeNull();
    expect(serializer.counters.dropped["bad-base64"]).toBe(before + 1);
  });
});

describe("to Wavix", () => {
  function expectValid(name: string, text: string | undefined): void {
    const validate = schema(name);
    expect(validate(JSON.parse(text ?? "null")), ajv.errorsText(validate.errors)).toBe(true);
  }

  test("media is as specified, with and without a stream id", () => {
    const audio = new OutputAudioRawFrame({ audio: new Int16Array(960).fill(7), sampleRate: 24000, numChannels: 1 });
    for (const streamId of ["str-456", undefined]) {
      const own = new WavixFrameSerializer({ streamId, codec });
      own.setup(new StartFrame());
      const messages = own.serialize(audio);
      expect(messages).toHaveLength(2);
      for (const message of messages) expectValid("IncomingMediaEvent", message);
      expect("stream_id" in JSON.parse(messages[0] ?? "")).toBe(streamId !== undefined);
      own.close();
    }
  });

  test("clear and mark are as specified, and like the published examples", () => {
    const [clear] = serializer.serialize(new InterruptionFrame());
    expectValid("ClearEvent", clear);
    expect(JSON.parse(clear ?? "")).toEqual(example("ClearEvent"));
    expectValid("ClearEvent", clearMessage());
    expectValid("IncomingMarkEvent", markMessage("mark-1"));
    expect(JSON.parse(markMessage("mark-1", "str-456"))).toEqual(example("IncomingMarkEvent"));
    const message = example("IncomingMarkEvent");
    expect(serializer.serialize(new OutputTransportMessageFrame({ message }))).toEqual([
      markMessage("mark-1", "str-456"),
    ]);
  });
});

test("the validator does refuse what is wrong", () => {
  expect(schema("ClearEvent")({ event: "clean" })).toBe(false);
  expect(schema("IncomingMediaEvent")({ event: "media", media: {} })).toBe(false);
  expect(schema("StartEvent")({ ...example("StartEvent"), sequence_number: "1" })).toBe(false);
});
