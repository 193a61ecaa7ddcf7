import { afterEach, describe, expect, test } from "vitest";
import { type Codec, CodecError, loadCodecSync } from "../../../src/codec/index.ts";
import {
  BotStartedSpeakingFrame,
  CancelFrame,
  EndFrame,
  ErrorFrame,
  type Frame,
  InputAudioRawFrame,
  InterruptionFrame,
  MarkFrame,
  OutputAudioRawFrame,
  OutputDTMFFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  StartFrame,
  TextFrame,
  TTSAudioRawFrame,
  TTSStoppedFrame,
} from "../../../src/pipecat/frames.ts";
import type { DropCause } from "../../../src/wavix/wire/counters.ts";
import { MAX_MESSAGE_LENGTH } from "../../../src/wavix/wire/messages.ts";
import { WavixFrameSerializer, type WavixFrameSerializerOptions } from "../../../src/wavix/wire/serializer.ts";
import { cutIntoMessages, messageOf, mixToMono } from "../../reference/serializer.ts";

const codec = loadCodecSync();
const open: WavixFrameSerializer[] = [];
afterEach(() => {
  for (const serializer of open.splice(0)) serializer.close();
  expect(codec.openResamplers).toBe(0);
});

/** A serializer, set up unless told otherwise; closed after the test. */
function make(
  params: WavixFrameSerializerOptions["params"] = {},
  { streamId, setup = true }: { streamId?: string; setup?: boolean } = {},
): WavixFrameSerializer {
  const serializer = new WavixFrameSerializer({ streamId, codec, params });
  open.push(serializer);
  if (setup) serializer.setup(new StartFrame());
  return serializer;
}

function ramp(length: number, step = 37): Int16Array {
  return Int16Array.from({ length }, (_, i) => ((i * step) % 20_000) - 10_000);
}

function base64(samples: Int16Array): string {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");
}

/** A media message as Wavix sends it. */
function media(samples: Int16Array, fields: object = {}, mediaFields: object = {}): string {
  return JSON.stringify({
    event: "media",
    call_id: "abc-123",
    stream_id: "str-456",
    ...fields,
    media: { payload: base64(samples), track: "inbound", ...mediaFields },
  });
}

/** The causes that were counted, without the zeros. */
function drops(serializer: WavixFrameSerializer): Partial<Record<DropCause, number>> {
  return Object.fromEntries(Object.entries(serializer.counters.dropped).filter(([, count]) => count > 0));
}

function output(audio: Int16Array | Uint8Array, sampleRate = 24000, numChannels = 1): OutputAudioRawFrame {
  return new OutputAudioRawFrame({ audio, sampleRate, numChannels });
}

function expectAudio(frame: Frame | null): InputAudioRawFrame {
  expect(frame).toBeInstanceOf(InputAudioRawFrame);
  return frame as InputAudioRawFrame;
}

describe("media from Wavix", () => {
  test("becomes InputAudioRawFrame, mono, at the StartFrame's rate", () => {
    const serializer = make();
    const frame = expectAudio(serializer.deserialize(media(ramp(480))));
    expect(frame).toMatchObject({ sampleRate: 16000, numChannels: 1, numFrames: 320, transportSource: "inbound" });
    expect(serializer.counters.mediaIn).toBe(1);
    expect(drops(serializer)).toEqual({});
  });

  test("goes by the parameter's rate rather than the StartFrame's", () => {
    expect(expectAudio(make({ sampleRate: 8000 }).deserialize(media(ramp(480))))).toMatchObject({
      sampleRate: 8000,
      numFrames: 160,
    });
  });

  test("is, at the wire's rate, bit for bit what Node decodes", () => {
    const serializer = make({ sampleRate: 24000 });
    for (const length of [1, 2, 3, 479, 480, 481, 4801]) {
      const samples = ramp(length, 7919);
      expect(expectAudio(serializer.deserialize(media(samples))).audio).toEqual(samples);
    }
  });

  test("is resampled as one stream, however it was cut", () => {
    const serializer = make();
    const samples = ramp(9600);
    const resampler = codec.createResampler(24000, 16000);
    const wanted = resampler.process(samples);
    resampler.close();
    const got: number[] = [];
    for (let begin = 0, cut = 1; begin < samples.length; begin += cut, cut = (cut * 7) % 1000) {
      const frame = serializer.deserialize(media(samples.subarray(begin, begin + cut)));
      if (frame !== null) got.push(...expectAudio(frame).audio);
    }
    expect(Int16Array.from(got)).toEqual(wanted);
  });

  test("is taken as text, as bytes, and as bytes of a larger buffer", () => {
    const serializer = make({ sampleRate: 24000 });
    const text = media(ramp(480));
    const pooled = Buffer.from(`x${text}x`).subarray(1, -1);
    for (const data of [text, new TextEncoder().encode(text), pooled]) {
      expect(expectAudio(serializer.deserialize(data)).audio).toEqual(ramp(480));
    }
  });

  test("leaves frames that stay as they are when the next one comes", () => {
    const serializer = make({ sampleRate: 24000 });
    const first = expectAudio(serializer.deserialize(media(ramp(480))));
    serializer.deserialize(media(new Int16Array(480).fill(-1)));
    expect(first.audio).toEqual(ramp(480));
  });

  test("has a pts in nanoseconds: the samples delivered before it", () => {
    const serializer = make({ sampleRate: 16000 });
    const pts = Array.from({ length: 4 }, () => serializer.deserialize(media(ramp(480)))?.pts);
    expect(pts).toEqual([0, 20_000_000, 40_000_000, 60_000_000]);
  });

  test("keeps its pts exact where a packet is no whole number of nanoseconds", () => {
    const serializer = make({ sampleRate: 11025 });
    let sampleCount = 0n;
    for (let i = 0; i < 300; i++) {
      const frame = expectAudio(serializer.deserialize(media(ramp(300 + i))));
      // Rounded to the nearest; a half cannot come up at this rate.
      expect(frame.pts).toBe(Number((2n * sampleCount * 1_000_000_000n + 11025n) / 22050n));
      sampleCount += BigInt(frame.audio.length);
    }
  });

  test("that is empty gives no frame and is no mistake", () => {
    const serializer = make();
    expect(serializer.deserialize(media(new Int16Array(0)))).toBeNull();
    expect(serializer.counters.mediaIn).toBe(1);
    expect(drops(serializer)).toEqual({});
  });
});

describe("audioTrack", () => {
  const inbound = media(ramp(480));
  const outbound = media(ramp(480, 11), {}, { track: "outbound" });
  const unnamed = media(ramp(480), {}, { track: undefined });

  test("is inbound unless told otherwise; media that names no track counts as inbound", () => {
    const serializer = make();
    expectAudio(serializer.deserialize(inbound));
    expectAudio(serializer.deserialize(unnamed));
    expect(serializer.deserialize(outbound)).toBeNull();
    expect(drops(serializer)).toEqual({ "other-track": 1 });
  });

  test("outbound takes the other leg only", () => {
    const serializer = make({ audioTrack: "outbound" });
    expect(expectAudio(serializer.deserialize(outbound)).transportSource).toBe("outbound");
    expect(serializer.deserialize(inbound)).toBeNull();
    expect(drops(serializer)).toEqual({ "other-track": 1 });
  });

  test("null takes both, named, each with a resampler and a clock of its own", () => {
    const both = make({ audioTrack: null });
    const alone = { inbound: make(), outbound: make({ audioTrack: "outbound" }) };
    for (let i = 0; i < 5; i++) {
      for (const [track, message] of [["inbound", inbound] as const, ["outbound", outbound] as const]) {
        const frame = expectAudio(both.deserialize(message));
        const wanted = expectAudio(alone[track].deserialize(message));
        expect(frame.transportSource).toBe(track);
        expect(frame.audio).toEqual(wanted.audio);
        expect(frame.pts).toBe(wanted.pts);
      }
    }
    expect(both.counters.mediaIn).toBe(10);
    expect(drops(both)).toEqual({});
  });

  test("refuses another value", () => {
    expect(() => make({ audioTrack: "both" as "inbound" })).toThrow(
      new TypeError('audioTrack must be "inbound", "outbound" or null'),
    );
  });
});

describe("the other messages from Wavix", () => {
  test("stop becomes EndFrame, with its reason if there is one", () => {
    const serializer = make();
    for (const [message, reason] of [
      ['{"event":"stop"}', "stop"],
      ['{"event":"stop","reason":"hangup"}', "hangup"],
    ] as const) {
      const frame = serializer.deserialize(message);
      expect(frame).toBeInstanceOf(EndFrame);
      expect((frame as EndFrame).reason).toBe(reason);
    }
  });

  test("mark becomes a frame that names the mark", () => {
    const frame = make().deserialize('{"event":"mark","mark":{"name":"end-of-greeting"}}');
    expect(frame).toBeInstanceOf(MarkFrame);
    expect((frame as MarkFrame).markName).toBe("end-of-greeting");
  });

  test.each([true, false])("connected and start are parsed and offered, also before setup (set up: %s)", (setup) => {
    const serializer = make({}, { setup });
    expect([serializer.connected, serializer.start, serializer.streamId, serializer.callId]).toEqual([
      null,
      null,
      undefined,
      undefined,
    ]);
    expect(serializer.deserialize('{"event":"connected","event_time":"now"}')).toBeNull();
    expect(
      serializer.deserialize('{"event":"start","call_id":"abc-123","stream_id":"str-456","sequence_number":"1"}'),
    ).toBeNull();
    expect(serializer.connected).toEqual({ event: "connected", event_time: "now" });
    expect(serializer.start).toEqual({ event: "start", call_id: "abc-123", stream_id: "str-456", sequence_number: 1 });
    expect([serializer.streamId, serializer.callId]).toEqual(["str-456", "abc-123"]);
    expect(drops(serializer)).toEqual({});
  });

  test("mark and stop are not lost before setup", () => {
    const serializer = make({}, { setup: false });
    expect(serializer.deserialize('{"event":"mark","mark":{"name":"m"}}')).toBeInstanceOf(MarkFrame);
    expect(serializer.deserialize('{"event":"stop"}')).toBeInstanceOf(EndFrame);
  });
});

describe("anything else is null and counted by its cause", () => {
  const odd = Buffer.from([1, 2, 3]).toString("base64");
  const cases: [DropCause, string | Uint8Array][] = [
    ["bad-json", ""],
    ["bad-json", "{"],
    ["bad-json", '{"event":"stop"'],
    ["bad-json", new Uint8Array([0xff, 0x00])],
    ["not-an-object", "[]"],
    ["not-an-object", '[{"event":"stop"}]'],
    ["not-an-object", "null"],
    ["not-an-object", "5"],
    ["not-an-object", '"stop"'],
    ["unknown-event", "{}"],
    ["unknown-event", '{"event":null}'],
    ["unknown-event", '{"event":"dtmf"}'],
    ["unknown-event", '{"event":"__proto__"}'],
    ["bad-message", '{"event":"mark"}'],
    ["bad-message", '{"event":"mark","mark":null}'],
    ["bad-message", '{"event":"mark","mark":{"name":7}}'],
    ["bad-media", '{"event":"media"}'],
    ["bad-media", '{"event":"media","media":null}'],
    ["bad-media", '{"event":"media","media":[]}'],
    ["bad-media", '{"event":"media","media":{"payload":null}}'],
    ["bad-media", '{"event":"media","media":{"track":"inbound"}}'],
    ["bad-base64", '{"event":"media","media":{"payload":"A"}}'],
    ["bad-base64", '{"event":"media","media":{"payload":"AA*A"}}'],
    ["bad-base64", '{"event":"media","media":{"payload":"AAEC/f7..."}}'],
    ["odd-length", `{"event":"media","media":{"payload":"${odd}"}}`],
    ["oversized", media(new Int16Array(MAX_MESSAGE_LENGTH))],
    ["oversized", Buffer.alloc(MAX_MESSAGE_LENGTH + 1, " ")],
  ];

  test.each(cases)("%s: %s", (cause, data) => {
    const serializer = make();
    expect(serializer.deserialize(data)).toBeNull();
    expect(drops(serializer)).toEqual({ [cause]: 1 });
    // The next message is as good as ever.
    expectAudio(serializer.deserialize(media(ramp(480))));
  });

  test.each(cases)("before setup too, %s: %s", (cause, data) => {
    const serializer = make({}, { setup: false });
    expect(serializer.deserialize(data)).toBeNull();
    const early = cause === "bad-base64" || cause === "odd-length" ? "media-before-setup" : cause;
    expect(drops(serializer)).toEqual({ [early]: 1 });
  });

  test.each([true, false])("the longest message is not oversized (set up: %s)", (setup) => {
    const serializer = make({}, { setup });
    expect(serializer.deserialize('{"event":"stop"}'.padEnd(MAX_MESSAGE_LENGTH))).toBeInstanceOf(EndFrame);
    expect(serializer.deserialize(Buffer.from('{"event":"stop"}'.padEnd(MAX_MESSAGE_LENGTH)))).toBeInstanceOf(EndFrame);
  });

  test("media before setup, from which the ids are learned all the same", () => {
    const serializer = make({}, { setup: false });
    expect(serializer.deserialize(media(ramp(480)))).toBeNull();
    expect(drops(serializer)).toEqual({ "media-before-setup": 1 });
    expect([serializer.streamId, serializer.callId]).toEqual(["str-456", "abc-123"]);
  });

  test.each([undefined, null, 5, {}, [], new ArrayBuffer(2)])("what is neither text nor bytes: %s", (data) => {
    const serializer = make();
    expect(serializer.deserialize(data as string)).toBeNull();
    expect(drops(serializer)).toEqual({ "not-text": 1 });
  });
});

describe("audio for Wavix", () => {
  test("of any length becomes whole packets; the rest waits for the next frame", () => {
    const serializer = make({}, { streamId: "str-456" });
    const samples = ramp(2000);
    const messages = [
      ...serializer.serialize(output(samples.subarray(0, 479))),
      ...serializer.serialize(output(samples.subarray(479, 480))),
      ...serializer.serialize(output(samples.subarray(480))),
    ];
    expect(messages).toEqual(cutIntoMessages([...samples], 24000, "str-456").messages);
    expect(messages).toHaveLength(4);
    expect(serializer.counters.mediaOut).toBe(4);
  });

  test("gives no message for less than a packet", () => {
    const serializer = make();
    expect(serializer.serialize(output(new Int16Array(0)))).toEqual([]);
    expect(serializer.serialize(output(ramp(479)))).toEqual([]);
  });

  test("may be a minute long", () => {
    const samples = ramp(24000 * 60);
    const messages = make().serialize(output(samples));
    expect(messages).toHaveLength(3000);
    expect(messages[2999]).toBe(messageOf([...samples.subarray(-480)], undefined));
  });

  test("may be bytes, cut within a sample", () => {
    const serializer = make({}, { streamId: "str-456" });
    const samples = ramp(960);
    const bytes = new Uint8Array(samples.buffer);
    const messages = [0, 1, 960, 963].flatMap((begin, i, cuts) =>
      serializer.serialize(output(bytes.subarray(begin, cuts[i + 1] ?? bytes.length))),
    );
    expect(messages).toEqual(cutIntoMessages([...samples], 24000, "str-456").messages);
  });

  test.each([1, 2, 3, 8])("of %d channels is mixed to one", (numChannels) => {
    const samples = ramp(480 * numChannels, 7919);
    const messages = make().serialize(output(samples, 24000, numChannels));
    expect(messages).toEqual([messageOf(mixToMono(samples, numChannels), undefined)]);
  });

  test.each([8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])(
    "at %d Hz comes out in real time",
    (sampleRate) => {
      const serializer = make();
      const messages = serializer.serialize(output(ramp(sampleRate), sampleRate));
      expect(messages).toHaveLength(50);
      const bytes = messages.map((text) => Buffer.from(JSON.parse(text).media.payload, "base64"));
      expect(bytes.every(({ length }) => length === 960)).toBe(true);
      const resampler = codec.createResampler(sampleRate, 24000);
      const wanted = resampler.process(ramp(sampleRate));
      resampler.close();
      expect(Buffer.concat(bytes)).toEqual(Buffer.from(wanted.buffer, wanted.byteOffset, wanted.byteLength));
    },
  );

  test("may be the caller's own frame or a synthesizer's", () => {
    const serializer = make();
    const options = { audio: ramp(480), sampleRate: 24000, numChannels: 1 };
    for (const frame of [new InputAudioRawFrame(options), new TTSAudioRawFrame(options)]) {
      expect(serializer.serialize(frame)).toEqual([messageOf([...ramp(480)], undefined)]);
    }
  });

  test("at a rate the codec does not know is the caller's mistake and leaves the rest in order", () => {
    const serializer = make();
    serializer.serialize(output(ramp(100)));
    expect(() => serializer.serialize(output(ramp(480), 23_999))).toThrow(RangeError);
    expect(() => serializer.serialize(output(ramp(480), 24_000, 99))).toThrow(RangeError);
    expect(serializer.serialize(output(ramp(480).subarray(100)))).toEqual([
      messageOf([...ramp(100), ...ramp(480).subarray(100)], undefined),
    ]);
  });

  test("before setup is dropped and counted", () => {
    const serializer = make({}, { setup: false });
    expect(serializer.serialize(output(ramp(480)))).toEqual([]);
    expect(serializer.flush()).toEqual([]);
    expect(drops(serializer)).toEqual({ "audio-before-setup": 1 });
  });
});

describe("flush", () => {
  test("pads the last packet with silence", () => {
    const serializer = make();
    serializer.serialize(output(ramp(100)));
    expect(serializer.flush()).toEqual([messageOf([...ramp(100), ...new Array(380).fill(0)], undefined)]);
    expect(serializer.flush()).toEqual([]);
    expect(serializer.counters.mediaOut).toBe(1);
  });

  test("gets the resampler's tail out", () => {
    const serializer = make();
    const click = new Int16Array(320);
    click[319] = 30_000;
    const [before] = serializer.serialize(output(click, 16000));
    const energy = (text: string | undefined) =>
      Buffer.from(JSON.parse(text ?? "").media.payload, "base64").reduce((sum, byte) => sum + byte, 0);
    expect(energy(before)).toBe(0);
    const tail = serializer.flush();
    expect(tail).toHaveLength(1);
    expect(energy(tail[0])).toBeGreaterThan(0);
  });
});

describe("the stream id", () => {
  const packet = output(ramp(480));
  const idOf = (messages: string[]) => JSON.parse(messages[0] ?? "{}").stream_id;

  test("is left out until it is known, then learned from start", () => {
    const serializer = make();
    expect(idOf(serializer.serialize(packet))).toBeUndefined();
    expect(serializer.serialize(new InterruptionFrame())).toEqual(['{"event":"clear"}']);
    serializer.deserialize('{"event":"start","stream_id":"str-456"}');
    expect(idOf(serializer.serialize(packet))).toBe("str-456");
    expect(idOf(serializer.serialize(new InterruptionFrame()))).toBe("str-456");
  });

  test.each(["inbound", "outbound"])("is learned from the first media, here of the %s track", (track) => {
    const serializer = make();
    serializer.deserialize(media(ramp(480), {}, { track }));
    expect([serializer.streamId, serializer.callId]).toEqual(["str-456", "abc-123"]);
    expect(idOf(serializer.serialize(packet))).toBe("str-456");
  });

  test("learned before setup is used after it", () => {
    const serializer = make({}, { setup: false });
    serializer.deserialize('{"event":"start","stream_id":"str-456"}');
    serializer.setup(new StartFrame());
    expect(idOf(serializer.serialize(packet))).toBe("str-456");
  });

  test("of start goes before that of the constructor: Wavix drops messages with another one", () => {
    const serializer = make({}, { streamId: "old" });
    serializer.deserialize(media(ramp(480)));
    expect(idOf(serializer.serialize(packet))).toBe("old");
    serializer.deserialize('{"event":"start","stream_id":"str-456"}');
    expect(idOf(serializer.serialize(packet))).toBe("str-456");
    serializer.deserialize('{"event":"start"}');
    expect(serializer.streamId).toBe("str-456");
  });

  test("of the constructor stays when early media has another one", () => {
    const serializer = make({}, { streamId: "old", setup: false });
    serializer.deserialize(media(ramp(480)));
    expect(serializer.streamId).toBe("old");
  });

  test("is not learned when it is too long, and does no harm", () => {
    const serializer = make();
    serializer.deserialize(media(ramp(480), { stream_id: "x".repeat(5000), call_id: "y".repeat(5000) }));
    expect([serializer.streamId, serializer.callId]).toEqual([undefined, undefined]);
    serializer.deserialize(JSON.stringify({ event: "start", stream_id: "x".repeat(5000) }));
    expect(idOf(serializer.serialize(packet))).toBeUndefined();
  });

  test.each(['quote " and backslash \\', "line\nand\u0000", "Gespräch 👋", "\u0000".repeat(128)])(
    "is escaped: %j",
    (streamId) => {
      const serializer = make({}, { streamId });
      expect(JSON.parse(serializer.serialize(packet)[0] ?? "")).toEqual({
        event: "media",
        stream_id: streamId,
        media: { payload: base64(ramp(480)) },
      });
      expect(idOf(serializer.serialize(new InterruptionFrame()))).toBe(streamId);
    },
  );

  test("given to the constructor must be one", () => {
    expect(() => make({}, { streamId: 5 as unknown as string })).toThrow(
      new TypeError("streamId must be a string, got number"),
    );
    expect(() => make({}, { streamId: "" })).toThrow(new RangeError("streamId must have 1 to 128 characters, got 0"));
    expect(() => make({}, { streamId: "x".repeat(129) })).toThrow(RangeError);
  });
});

describe("the other frames for Wavix", () => {
  test("InterruptionFrame becomes clear, and the unsent rest is dropped", () => {
    const serializer = make({}, { streamId: "str-456" });
    serializer.serialize(output(new Int16Array(100).fill(9)));
    expect(serializer.serialize(new InterruptionFrame())).toEqual(['{"event":"clear","stream_id":"str-456"}']);
    expect(serializer.counters.clearedSampleCount).toBe(100);
    expect(serializer.serialize(output(ramp(480)))).toEqual([messageOf([...ramp(480)], "str-456")]);
    expect(serializer.flush()).toEqual([]);
  });

  test("InterruptionFrame leaves nothing of the old audio in the resampler or in a half sample", () => {
    const [interrupted, fresh] = [make(), make()];
    interrupted.serialize(output(new Int16Array(333).fill(20_000), 16000));
    interrupted.serialize(output(new Uint8Array([1, 2, 3]), 16000));
    interrupted.serialize(new InterruptionFrame());
    const bytes = new Uint8Array(ramp(640).buffer);
    expect(interrupted.serialize(output(bytes, 16000))).toEqual(fresh.serialize(output(bytes, 16000)));
  });

  test("InterruptionFrame says clear before setup too", () => {
    expect(make({}, { setup: false }).serialize(new InterruptionFrame())).toEqual(['{"event":"clear"}']);
  });

  test.each([OutputTransportMessageFrame, OutputTransportMessageUrgentFrame])(
    "%o passes through as JSON",
    (MessageFrame) => {
      const serializer = make();
      for (const message of [{ event: "mark", mark: { name: "m" } }, [1], "text", null, { label: "other" }]) {
        expect(serializer.serialize(new MessageFrame({ message }))).toEqual([JSON.stringify(message)]);
      }
    },
  );

  test.each([OutputTransportMessageFrame, OutputTransportMessageUrgentFrame])(
    "%o with RTVI is held back, unless wanted",
    (MessageFrame) => {
      const message = { label: "rtvi-ai", type: "bot-ready" };
      const serializer = make();
      expect(serializer.serialize(new MessageFrame({ message }))).toEqual([]);
      expect(drops(serializer)).toEqual({ "rtvi-message": 1 });
      expect(make({ ignoreRtviMessages: false }).serialize(new MessageFrame({ message }))).toEqual([
        JSON.stringify(message),
      ]);
    },
  );

  test("a transport message that is no JSON is the caller's mistake", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const message of [undefined, () => {}, circular, 1n]) {
      expect(() => make().serialize(new OutputTransportMessageFrame({ message }))).toThrow(TypeError);
    }
  });

  test("others give nothing", () => {
    const serializer = make();
    for (const frame of [
      new EndFrame(),
      new CancelFrame(),
      new MarkFrame({ markName: "m" }),
      new TextFrame({ text: "hello" }),
      new TTSStoppedFrame(),
      new BotStartedSpeakingFrame(),
      new OutputDTMFFrame({ buttons: "1" }),
    ]) {
      expect(serializer.serialize(frame)).toEqual([]);
    }
    expect(drops(serializer)).toEqual({});
  });
});

describe("setup", () => {
  test("by a StartFrame given to serialize is as good", () => {
    const serializer = make({}, { setup: false });
    expect(serializer.serialize(new StartFrame({ audioInSampleRate: 8000 }))).toEqual([]);
    expect(expectAudio(serializer.deserialize(media(ramp(480)))).sampleRate).toBe(8000);
  });

  test("again at the same rate changes nothing, at another rate changes the caller's audio alone", () => {
    const serializer = make();
    const twin = make();
    serializer.deserialize(media(ramp(480)));
    twin.deserialize(media(ramp(480)));
    serializer.serialize(output(ramp(100)));
    serializer.setup(new StartFrame());
    const wanted = expectAudio(twin.deserialize(media(ramp(480))));
    const frame = expectAudio(serializer.deserialize(media(ramp(480))));
    expect([frame.audio, frame.pts]).toEqual([wanted.audio, wanted.pts]);
    serializer.setup(new StartFrame({ audioInSampleRate: 8000 }));
    expect(expectAudio(serializer.deserialize(media(ramp(480))))).toMatchObject({
      sampleRate: 8000,
      numFrames: 160,
      pts: 0,
    });
    expect(serializer.serialize(output(ramp(380)))).toHaveLength(1);
  });

  test("at a rate the codec does not know is refused and can be mended", () => {
    const serializer = make({ audioTrack: null }, { setup: false });
    expect(() => serializer.setup(new StartFrame({ audioInSampleRate: 12_345 }))).toThrow(RangeError);
    serializer.setup(new StartFrame());
    expectAudio(serializer.deserialize(media(ramp(480))));
  });

  test("loads a codec of its own if none was given", () => {
    const serializer = new WavixFrameSerializer();
    serializer.setup(new StartFrame());
    expectAudio(serializer.deserialize(media(ramp(480))));
    expect(codec.openResamplers).toBe(0);
    serializer.close();
  });

  test("takes another wire rate", () => {
    const serializer = make({ wavixSampleRate: 16000, sampleRate: 16000 });
    expect(expectAudio(serializer.deserialize(media(ramp(320)))).audio).toEqual(ramp(320));
    expect(serializer.serialize(output(ramp(320), 16000))).toEqual([messageOf([...ramp(320)], "str-456")]);
  });
});

describe("close", () => {
  test("gives the slots back, is idempotent, and afterwards there is nothing, counted", () => {
    const serializer = make({ audioTrack: null });
    serializer.serialize(output(ramp(100), 16000));
    expect(codec.openResamplers).toBe(3);
    serializer.close();
    serializer.close();
    expect(codec.openResamplers).toBe(0);
    expect(serializer.deserialize(media(ramp(480)))).toBeNull();
    expect(serializer.deserialize('{"event":"stop"}')).toBeNull();
    expect(serializer.serialize(output(ramp(480)))).toEqual([]);
    expect(serializer.serialize(new InterruptionFrame())).toEqual([]);
    expect(serializer.flush()).toEqual([]);
    expect(drops(serializer)).toEqual({ closed: 4 });
    expect(serializer.counters.clearedSampleCount).toBe(150);
    serializer.setup(new StartFrame());
    expect(codec.openResamplers).toBe(0);
  });
});

describe("a codec that fails", () => {
  test("gives one fatal ErrorFrame, then nulls, and never an exception", () => {
    const failure = new CodecError("CODEC_TRAP", "unreachable");
    const broken = {
      createMediaReader: () => ({
        read() {
          throw failure;
        },
        close() {},
      }),
      createMediaWriter: () => ({ queuedSampleCount: 0, close() {} }),
    } as unknown as Codec;
    const serializer = new WavixFrameSerializer({ codec: broken });
    serializer.setup(new StartFrame());
    const frame = serializer.deserialize(media(ramp(480)));
    expect(frame).toBeInstanceOf(ErrorFrame);
    expect(frame).toMatchObject({ fatal: true, exception: failure });
    expect(serializer.deserialize(media(ramp(480)))).toBeNull();
    expect(drops(serializer)).toEqual({ "codec-failed": 2 });
  });

  test("leaves no slot behind when the second track finds no room", () => {
    let opened = 0;
    const full = {
      createMediaReader: () => {
        if (++opened === 2) throw new CodecError("CODEC_OUT_OF_MEMORY", "full");
        return { close: () => opened-- };
      },
      createMediaWriter: () => ({}),
    } as unknown as Codec;
    const serializer = new WavixFrameSerializer({ codec: full, params: { audioTrack: null } });
    expect(() => serializer.setup(new StartFrame())).toThrow("full");
    expect(opened).toBe(1);
  });
});

test("the counters are one plain object with a zero for every cause", () => {
  const serializer = make();
  const { counters } = serializer;
  serializer.deserialize("");
  expect(serializer.counters).toBe(counters);
  const json = JSON.parse(JSON.stringify(counters));
  expect(json).toMatchObject({
    mediaIn: 0,
    mediaOut: 0,
    clearedSampleCount: 0,
    dropped: { "bad-json": 1, "not-an-object": 0 },
  });
});
