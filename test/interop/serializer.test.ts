import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import {
  InputAudioRawFrame,
  InterruptionFrame,
  OutputAudioRawFrame,
  StartFrame,
  WavixFrameSerializer,
} from "../../src/index.ts";
import { fitSine } from "../support/measure.ts";
import { concat, expectSameSamples, noise, sine } from "../support/signals.ts";
import { OriginalSerializer } from "./original-serializer.ts";
import { describeWith } from "./suite.ts";

const STREAM = "stream-1";
const PACKET = 480;

const open: WavixFrameSerializer[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function ours(sampleRate: number): WavixFrameSerializer {
  const serializer = new WavixFrameSerializer({ streamId: STREAM });
  serializer.setup(new StartFrame({ audioInSampleRate: sampleRate, audioOutSampleRate: 24_000 }));
  open.push(serializer);
  return serializer;
}

const packetsOf = (samples: Int16Array) =>
  Array.from({ length: samples.length / PACKET }, (_, i) => samples.subarray(i * PACKET, (i + 1) * PACKET));

/** What our side sends, and what Wavix would make of it for the other: the same media message with a track. */
const asFromWavix = (message: string) => {
  const parsed = JSON.parse(message);
  return JSON.stringify({ ...parsed, media: { ...parsed.media, track: "inbound" } });
};

describeWith("original", (python) => {
  let original: OriginalSerializer;
  beforeAll(() => {
    original = OriginalSerializer.start(python);
  });
  afterAll(() => original.close());

  async function theirs(sampleRate: number): Promise<OriginalSerializer> {
    await original.setup(STREAM, sampleRate);
    return original;
  }

  it("hears our media bit for bit at Wavix's rate, and we hear its", async () => {
    const [us, them] = [ours(24_000), await theirs(24_000)];
    const audio = noise(PACKET * 50, 1);
    const toThem: Int16Array[] = [];
    const toUs: Int16Array[] = [];
    for (const packet of packetsOf(audio)) {
      const messages = us.serialize(new OutputAudioRawFrame({ audio: packet, sampleRate: 24_000 }));
      expect(messages).toHaveLength(1);
      for (const message of messages) {
        const heard = await them.deserialize(message);
        expect(heard).toMatchObject({ type: "InputAudioRawFrame", sampleRate: 24_000, numChannels: 1 });
        toThem.push(heard?.samples as Int16Array);
      }
      const message = await them.serialize(packet, 24_000);
      const frame = us.deserialize(asFromWavix(message as string));
      expect(frame).toBeInstanceOf(InputAudioRawFrame);
      toUs.push((frame as InputAudioRawFrame).audio);
    }
    expectSameSamples(concat(toThem), audio);
    expectSameSamples(concat(toUs), audio);
  });

  it("writes the same message as we do, but for white space", async () => {
    const [us, them] = [ours(24_000), await theirs(24_000)];
    const packet = noise(PACKET, 2);
    const [message] = us.serialize(new OutputAudioRawFrame({ audio: packet, sampleRate: 24_000 }));
    expect(JSON.parse(message as string)).toEqual(JSON.parse((await them.serialize(packet, 24_000)) as string));
  });

  it("resamples to the same tone at 16 kHz, in both directions", async () => {
    const [us, them] = [ours(16_000), await theirs(16_000)];
    const tone = sine(1000, 24_000, PACKET * 100, -6);
    const narrow = sine(1000, 16_000, 320 * 100, -6);
    const heard: Record<string, Int16Array[]> = { "ours in": [], "theirs in": [], "ours out": [], "theirs out": [] };
    for (const [i, packet] of packetsOf(tone).entries()) {
      const message = asFromWavix((await them.serialize(packet, 24_000)) as string);
      heard["ours in"]?.push((us.deserialize(message) as InputAudioRawFrame).audio);
      heard["theirs in"]?.push((await them.deserialize(message))?.samples ?? new Int16Array());

      const audio = narrow.subarray(i * 320, (i + 1) * 320);
      for (const out of us.serialize(new OutputAudioRawFrame({ audio, sampleRate: 16_000 }))) {
        heard["ours out"]?.push(payloadOf(out));
      }
      const out = await them.serialize(audio, 16_000);
      if (out !== null) heard["theirs out"]?.push(payloadOf(out));
    }
    for (const [name, pieces] of Object.entries(heard)) {
      const rate = name.endsWith("in") ? 16_000 : 24_000;
      const all = concat(pieces);
      // Theirs lacks what its filter still holds: up to 100 ms.
      expect(all.length, name).toBeGreaterThan(1.9 * rate);
      expect(all.length, name).toBeLessThanOrEqual(2 * rate);
      // In the middle second, the tone is there with its level, within a tenth of a dB.
      const { amplitude } = fitSine(all.subarray(rate / 2, rate * 1.5), 1000, rate);
      expect(Math.abs(20 * Math.log10(amplitude / 32_767) + 6), name).toBeLessThan(0.1);
    }
  });

  it("says clear as we do", async () => {
    const [us, them] = [ours(16_000), await theirs(16_000)];
    const [clear] = us.serialize(new InterruptionFrame());
    expect(JSON.parse(clear as string)).toEqual(JSON.parse(await them.interrupt()));
    expect(await them.deserialize(clear as string)).toBeNull(); // a clear is for Wavix: to a bot it means nothing
    expect(us.deserialize(await them.interrupt())).toBeNull();
  });

  it("passes over the same messages as we do", async () => {
    const [us, them] = [ours(24_000), await theirs(24_000)];
    const payload = Buffer.alloc(2 * PACKET).toString("base64");
    const messages = [
      { event: "connected" },
      { event: "start", stream_id: STREAM, call_id: "call-1" },
      { event: "media", stream_id: STREAM, media: { payload, track: "outbound" } },
      { event: "media", stream_id: STREAM, media: { payload: "" } },
      { event: "media", stream_id: STREAM, media: {} },
      { event: "unheard-of", stream_id: STREAM },
    ].map((message) => JSON.stringify(message));
    for (const message of [...messages, "no JSON"]) {
      expect(us.deserialize(message), message).toBeNull();
      expect(await them.deserialize(message), message).toBeNull();
    }
    // Both go on.
    const [message] = us.serialize(new OutputAudioRawFrame({ audio: new Int16Array(PACKET), sampleRate: 24_000 }));
    expect((await them.deserialize(message as string))?.samples).toHaveLength(PACKET);
  });
});

function payloadOf(message: string): Int16Array {
  const bytes = Buffer.from(JSON.parse(message).media.payload, "base64");
  return new Int16Array(Uint8Array.from(bytes).buffer);
}
