import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { loadCodecSync } from "../../../src/codec/index.ts";
import { InputAudioRawFrame, InterruptionFrame, OutputAudioRawFrame, StartFrame } from "../../../src/pipecat/frames.ts";
import { parseWavixMessage, readJsonObject } from "../../../src/wavix/wire/messages.ts";
import { WavixFrameSerializer } from "../../../src/wavix/wire/serializer.ts";
import { cutIntoMessages, mixToMono, samplesOf } from "../../reference/serializer.ts";

const codec = loadCodecSync();
afterAll(() => expect(codec.openResamplers).toBe(0));

/** Runs `body` with serializers that are set up and closed again. */
function withSerializer<T>(params: object, body: (serializer: WavixFrameSerializer) => T): T {
  const serializer = new WavixFrameSerializer({ codec, streamId: "str-456", params });
  serializer.setup(new StartFrame());
  try {
    return body(serializer);
  } finally {
    serializer.close();
  }
}

/** From plain noise to things that are nearly right. */
const networkData = fc.oneof(
  fc.string(),
  fc.uint8Array({ maxLength: 200 }),
  fc.json(),
  fc
    .record(
      {
        event: fc.constantFrom("connected", "start", "media", "mark", "stop", "dtmf", null, 5),
        call_id: fc.oneof(fc.string(), fc.jsonValue()),
        stream_id: fc.oneof(fc.string(), fc.jsonValue()),
        sequence_number: fc.oneof(fc.integer(), fc.jsonValue()),
        media: fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              payload: fc.oneof(fc.base64String(), fc.string(), fc.jsonValue()),
              track: fc.constantFrom("inbound", "outbound", "both", null),
              timestamp: fc.oneof(fc.integer(), fc.jsonValue()),
              chunk: fc.jsonValue(),
            },
            { requiredKeys: [] },
          ),
        ),
        mark: fc.oneof(fc.jsonValue(), fc.record({ name: fc.oneof(fc.string(), fc.jsonValue()) })),
      },
      { requiredKeys: [] },
    )
    .chain((message) =>
      fc.constantFrom(
        JSON.stringify(message),
        JSON.stringify(message, null, 2),
        new TextEncoder().encode(JSON.stringify(message)),
      ),
    ),
  // A good message with one byte changed, or cut short.
  fc.tuple(fc.nat(), fc.nat(255), fc.boolean()).map(([at, byte, cut]) => {
    const text =
      '{"event":"media","stream_id":"str-456","media":{"payload":"AAECAwQFBgcICQ==","track":"inbound","chunk":1}}';
    const bytes = new TextEncoder().encode(text);
    if (cut) return bytes.subarray(0, at % bytes.length);
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

test("whatever the network sends, deserialize does not throw and accounts for it", () => {
  const track = fc.constantFrom("inbound", "outbound", null);
  fc.assert(
    fc.property(fc.array(networkData, { maxLength: 20 }), track, fc.boolean(), (messages, audioTrack, setup) => {
      const serializer = new WavixFrameSerializer({ codec, params: { audioTrack } });
      if (setup) serializer.setup(new StartFrame());
      let accounted = 0;
      try {
        for (const data of messages) {
          const object = readJsonObject(data);
          const event = typeof object === "string" ? undefined : parseWavixMessage(object)?.event;
          const frame = serializer.deserialize(data);
          const silent = event === "connected" || event === "start";
          if (silent) expect(frame).toBeNull();
          if (silent || (frame !== null && !(frame instanceof InputAudioRawFrame))) accounted++;
        }
        const { mediaIn, dropped } = serializer.counters;
        const dropCount = Object.values(dropped).reduce((sum, count) => sum + count, 0);
        expect(accounted + mediaIn + dropCount).toBe(messages.length);
        expect(dropped["codec-failed"]).toBe(0);
        // Whatever it learned from all that, what it says is JSON.
        for (const text of serializer.serialize(new InterruptionFrame())) JSON.parse(text);
      } finally {
        serializer.close();
      }
    }),
    { numRuns: 300 },
  );
});

test("setup or not, the same message meets the same fate", () => {
  fc.assert(
    fc.property(networkData, (data) => {
      const early = new WavixFrameSerializer({ codec, params: { audioTrack: null } });
      const earlyFrame = early.deserialize(data);
      withSerializer({ audioTrack: null }, (late) => {
        const lateFrame = late.deserialize(data);
        if (early.counters.dropped["media-before-setup"] > 0) return;
        expect(earlyFrame?.constructor).toBe(lateFrame?.constructor);
        expect(late.counters).toEqual(early.counters);
        expect([late.start, late.connected, late.callId]).toEqual([early.start, early.connected, early.callId]);
      });
    }),
    { numRuns: 300 },
  );
});

/** Bytes and where to cut them. */
const cutBytes = fc.tuple(fc.uint8Array({ maxLength: 6000, size: "max" }), fc.array(fc.nat(6000), { maxLength: 8 }));

function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const marks = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  // In a larger buffer at an odd offset, as pooled buffers are.
  const pooled = new Uint8Array(bytes.length + 1);
  pooled.set(bytes, 1);
  return marks.slice(1).map((end, i) => pooled.subarray(1 + (marks[i] ?? 0), 1 + end));
}

test("wire audio, cut anywhere, gives the oracle's messages", () => {
  fc.assert(
    fc.property(cutBytes, fc.integer({ min: 1, max: 4 }), ([bytes, cuts], numChannels) => {
      withSerializer({}, (serializer) => {
        const messages = pieces(bytes, cuts).flatMap((audio) =>
          serializer.serialize(new OutputAudioRawFrame({ audio, sampleRate: 24000, numChannels })),
        );
        const mono = mixToMono(samplesOf(bytes), numChannels);
        const wanted = cutIntoMessages(mono, 24000, "str-456");
        expect(messages).toEqual(wanted.messages);
        const padded = wanted.rest.length === 0 ? [] : [...wanted.rest, ...new Array(480 - wanted.rest.length).fill(0)];
        expect(serializer.flush()).toEqual(cutIntoMessages(padded, 24000, "str-456").messages);
      });
    }),
    { numRuns: 60 },
  );
});

test("audio at any rate, cut anywhere, gives the messages of one shot", () => {
  const rate = fc.constantFrom(8000, 11025, 12000, 16000, 22050, 32000, 44100, 48000);
  fc.assert(
    fc.property(cutBytes, rate, fc.integer({ min: 1, max: 3 }), ([bytes, cuts], sampleRate, numChannels) => {
      const send = (audios: Uint8Array[]) =>
        withSerializer({}, (serializer) => [
          ...audios.flatMap((audio) =>
            serializer.serialize(new OutputAudioRawFrame({ audio, sampleRate, numChannels })),
          ),
          ...serializer.flush(),
        ]);
      expect(send(pieces(bytes, cuts))).toEqual(send([bytes]));
    }),
    { numRuns: 60 },
  );
});
