import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { noise } from "../src/web/bench/signals.ts";
import { wavixMessage } from "../src/web/bench/wavix-message.ts";
import { importCodec } from "./peers/codec.ts";
import type { Peer } from "./peers/peer.ts";
import type { MessageResult } from "./report.ts";
import { type RoundOptions, type Timed, timeInRounds } from "./rounds.ts";

/** Different messages, so that nothing is learned by heart. */
const MESSAGES = 64;
const WIRE = { inputRate: 24_000, outputRate: 16_000 };
const BOT = { inputRate: 16_000, outputRate: 24_000 };

/** A way from or to the bytes of a message: does the n-th of {@link MESSAGES}, and returns what came out. */
type Way = (index: number) => ArrayLike<number>;

/**
 * Times the ways from a message's bytes to samples and back, in variant `auto`, against what one writes without a
 * codec: `JSON.parse` and `Buffer` in, `Buffer` and `JSON.stringify` out. That they agree is asserted first.
 *
 * @param speex npm speex-resampler, for the usual way with resampling; without it its rows are left out
 */
export async function measureMessagePath(speex: Peer | undefined, rounds: RoundOptions): Promise<MessageResult[]> {
  const { ways, expected } = await makeWays(speex);
  assertAgreement(ways, expected);
  const names = Object.keys(ways);
  const times = await timeInRounds(Object.values(ways).map(timed), rounds);
  const nsOf = (name: string) => times[names.indexOf(name)]!;
  const row = (name: string, way: string, usual: string): MessageResult => {
    return { name, nsPerMessage: nsOf(way), ratioToUsual: nsOf(way) / nsOf(usual) };
  };
  const rows = names.map((name) => row(name, name, name.includes("out") ? "usual out" : "usual in"));
  if (speex === undefined) return rows;
  return [
    ...rows,
    row("in 16k vs speex-resampler", "in 16k", "usual in, speex-resampler"),
    row("out 16k vs speex-resampler", "out 16k", "usual out, speex-resampler"),
  ];
}

function timed(way: Way): Timed {
  let index = 0;
  return (count) => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) way(index++ % MESSAGES);
    return (performance.now() - startedAt) * 1e6;
  };
}

interface Ways {
  readonly ways: Record<string, Way>;
  /** What the codec's ways must give: the same, put together from the usual way and a plain resampler. */
  readonly expected: Record<string, Way>;
}

async function makeWays(speex: Peer | undefined): Promise<Ways> {
  const codec = await (await importCodec()).loadCodec();
  const streamId = "3f0c7c1e-8a4e-4ac4-9a26-5b7a3c5d2e10";
  const wire = Array.from({ length: MESSAGES }, (_, i) => noise(480 * (i + 1)).slice(-480));
  const bot = Array.from({ length: MESSAGES }, (_, i) => noise(320 * (i + 1)).slice(-320));
  const media = wire.map((samples, i) => wavixMessage(streamId, base64(samples), i));
  const plain = asReceived(media.map((message) => JSON.stringify(message)));
  // Wavix writes no white space: the scanner does not know it, JSON.parse does.
  const spaced = asReceived(media.map((message) => JSON.stringify(message, null, 1)));

  const readers = {
    to24: codec.createMediaReader({ wireSampleRate: 24_000, sampleRate: 24_000 }),
    to16: codec.createMediaReader({ wireSampleRate: 24_000, sampleRate: 16_000 }),
    net: codec.createMediaReader({ wireSampleRate: 24_000, sampleRate: 24_000 }),
  };
  const read = (reader: (typeof readers)["to24"], messages: readonly Buffer[]): Way => {
    return (index) => {
      reader.read(messages[index]!, "inbound");
      return reader.audio;
    };
  };
  const write = (audio: readonly Int16Array[], sampleRate: number): Way => {
    const writer = codec.createMediaWriter({ wireSampleRate: 24_000, streamId });
    const target = Buffer.alloc(writer.messageByteLength);
    return (index) => {
      writer.push(audio[index]!, sampleRate);
      writer.takeMessages(target, 1);
      return target;
    };
  };
  const usualIn = (index: number): Int16Array => {
    const message = JSON.parse(plain[index]!.toString()) as ReturnType<typeof wavixMessage>;
    if (message.event !== "media") return new Int16Array(0);
    const bytes = Buffer.from(message.media.payload, "base64");
    return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  };
  const usualOut = (samples: Int16Array): Buffer => {
    const payload = base64(samples);
    return Buffer.from(JSON.stringify({ event: "media", stream_id: streamId, media: { payload } }));
  };
  const speexIn = await speex?.open(WIRE);
  const speexOut = await speex?.open(BOT);
  const ways: Record<string, Way> = {
    "usual in": usualIn,
    "in 24k": read(readers.to24, plain),
    "in 16k": read(readers.to16, plain),
    "in 24k, JSON net": read(readers.net, spaced),
    ...(speexIn && { "usual in, speex-resampler": (index) => speexIn.process(usualIn(index), wire[0]!) }),
    "usual out": (index) => usualOut(wire[index]!),
    "out 24k": write(wire, 24_000),
    "out 16k": write(bot, 16_000),
    ...(speexOut && { "usual out, speex-resampler": (index) => usualOut(speexOut.process(bot[index]!, wire[0]!)) }),
  };
  const down = codec.createResampler(WIRE.inputRate, WIRE.outputRate);
  const up = codec.createResampler(BOT.inputRate, BOT.outputRate);
  const expected: Record<string, Way> = {
    "in 24k": usualIn,
    "in 24k, JSON net": usualIn,
    "in 16k": (index) => down.process(usualIn(index)),
    "out 24k": (index) => usualOut(wire[index]!),
    "out 16k": (index) => usualOut(up.process(bot[index]!)),
  };
  return { ways, expected };
}

const base64 = (samples: Int16Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");

/** Views of one buffer at any offset, as `ws` hands messages out. */
function asReceived(messages: readonly string[]): Buffer[] {
  const header = 4;
  const all = Buffer.from(messages.map((message) => "\0".repeat(header) + message).join(""));
  let end = 0;
  return messages.map((message) => {
    end += header + message.length;
    return all.subarray(end - message.length, end);
  });
}

/** Samples are compared as they are, messages by what they carry: the codec's have their keys in another order. */
function assertAgreement(ways: Record<string, Way>, expected: Record<string, Way>): void {
  for (let index = 0; index < MESSAGES; index++) {
    for (const [name, expectedWay] of Object.entries(expected)) {
      const [actual, wanted] = [ways[name]!(index), expectedWay(index)].map((result) => {
        return result instanceof Uint8Array ? JSON.parse(Buffer.from(result).toString()) : Array.from(result);
      });
      assert.deepEqual(actual, wanted, `${name}, message ${index}`);
    }
  }
}
