import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Codec,
  loadCodecSync,
  type MediaReader,
  type MediaWriter,
  type Resampler,
  type ResamplerProfile,
  SAMPLE_RATES,
} from "../../src/codec/index.ts";
import { StreamReference } from "../reference/stream.ts";
import { VARIANTS } from "../support/codecs.ts";
import { concat, expectSameSamples, noise } from "../support/signals.ts";

// Many streams of all kinds on one codec, opened, fed, reset, flushed, closed in any order, with traps between: each
// must give what the definition gives for its own audio, as if it were alone in the world.

/** How a kind of stream is used; what comes out is samples, whatever the wrapping. */
interface Stream {
  readonly discontinuities: number;
  feed(input: Int16Array, manner: number): Int16Array;
  reset(): void;
  flush(): Int16Array;
  close(): void;
}

const base64 = (samples: Int16Array) =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");

class ResamplerStream implements Stream {
  readonly #resampler: Resampler;
  constructor(codec: Codec, a: number, b: number, profile: ResamplerProfile) {
    this.#resampler = codec.createResampler(a, b, { profile });
  }
  get discontinuities() {
    return this.#resampler.discontinuities;
  }
  feed(input: Int16Array, manner: number): Int16Array {
    const resampler = this.#resampler;
    if (manner === 0) return resampler.process(input);
    const length = resampler.outputLength(input.length);
    if (manner === 1) return resampler.process(input, new Int16Array(length + 7));
    // Too short a target takes nothing.
    if (length > 0) expect(() => resampler.process(input, new Int16Array(length - 1))).toThrow(RangeError);
    return resampler.process(input, new Int16Array(length));
  }
  reset() {
    this.#resampler.reset();
  }
  flush() {
    return this.#resampler.flush();
  }
  close() {
    this.#resampler.close();
  }
}

class ReaderStream implements Stream {
  readonly #reader: MediaReader;
  constructor(codec: Codec, a: number, b: number, profile: ResamplerProfile) {
    this.#reader = codec.createMediaReader({ wireSampleRate: a, sampleRate: b, profile });
  }
  get discontinuities() {
    return this.#reader.discontinuities;
  }
  /** Through the scanner or through the net, as text or as bytes; a message of the other leg leaves no trace. */
  feed(input: Int16Array, manner: number): Int16Array {
    const message = (track: string, audio: Int16Array) =>
      `{"event":"media",${manner === 1 ? " " : ""}"media":{"payload":"${base64(audio)}","track":"${track}"}}`;
    expect(this.#reader.read(message("outbound", noise(9)), "inbound")).toBe("other-track");
    const text = message("inbound", input);
    expect(this.#reader.read(manner === 2 ? Buffer.from(text) : text, "inbound")).toBe("audio");
    return this.#reader.audio;
  }
  reset() {
    this.#reader.reset();
  }
  flush() {
    this.#reader.reset();
    return new Int16Array(0);
  }
  close() {
    this.#reader.close();
  }
}

class WriterStream implements Stream {
  readonly #writer: MediaWriter;
  readonly #rate: number;
  constructor(codec: Codec, a: number, b: number, profile: ResamplerProfile) {
    this.#rate = a;
    this.#writer = codec.createMediaWriter({ wireSampleRate: b, profile });
  }
  get discontinuities() {
    return this.#writer.discontinuities;
  }
  /** What is whole packets. As mono or as two channels of the same, as samples or as bytes. */
  feed(input: Int16Array, manner: number): Int16Array {
    const twice = Int16Array.from({ length: 2 * input.length }, (_, i) => input[i >> 1]!);
    if (manner === 0) this.#writer.push(input, this.#rate);
    else if (manner === 1) this.#writer.push(twice, this.#rate, 2);
    else this.#writer.push(new Uint8Array(input.slice().buffer), this.#rate, 1);
    return this.#take();
  }
  #take(): Int16Array {
    const packets: Int16Array[] = [];
    for (let text = this.#writer.takeMessage(); text !== null; text = this.#writer.takeMessage()) {
      const { payload } = (JSON.parse(text) as { media: { payload: string } }).media;
      packets.push(new Int16Array(Uint8Array.from(Buffer.from(payload, "base64")).buffer));
    }
    return concat(packets);
  }
  reset() {
    this.#writer.clear();
  }
  flush() {
    this.#writer.flush();
    return this.#take();
  }
  close() {
    this.#writer.close();
  }
}

/** What one stream should give. */
class Expected {
  readonly #reference: StreamReference;
  readonly #kind: Kind;
  readonly #packet: number;
  #rest: Int16Array = new Int16Array(0);
  /** A writer has no slot until it is fed, and needs none for a tail when nothing sounds. */
  #sounding = false;
  discontinuities = 0;
  /** The instance that holds its slot; −1: none does. */
  instance: number;

  constructor(kind: Kind, a: number, b: number, profile: ResamplerProfile, instance: number) {
    this.#reference = new StreamReference(a, b, profile);
    this.#kind = kind;
    this.#packet = b / 50;
    this.instance = kind === "writer" ? -1 : instance;
  }
  holdsSlotIn(instance: number): boolean {
    return this.instance === instance && this.#reference.inputRate !== this.#reference.outputRate;
  }
  /** To be called before whatever reaches for the slot. */
  #touch(instance: number): void {
    if (this.instance !== -1 && this.instance !== instance) {
      this.discontinuities++;
      this.#reference.reset();
    }
    this.instance = instance;
  }
  feed(input: Int16Array, instance: number): Int16Array {
    // A push of nothing makes a writer's slot but does not reach for it.
    if (this.#kind !== "writer" || input.length > 0 || this.instance === -1) this.#touch(instance);
    this.#sounding ||= input.length > 0;
    const output = this.#reference.push(input);
    return this.#kind === "writer" ? this.#packets(output) : output;
  }
  #packets(output: Int16Array): Int16Array {
    const all = concat([this.#rest, output]);
    const whole = all.length - (all.length % this.#packet);
    this.#rest = all.slice(whole);
    return all.slice(0, whole);
  }
  reset(instance: number): void {
    if (this.instance !== -1 || this.#kind !== "writer") this.#touch(instance);
    this.#reference.reset();
    this.#rest = new Int16Array(0);
    this.#sounding = false;
  }
  flush(instance: number): Int16Array {
    if (this.#kind === "reader") {
      this.reset(instance);
      return new Int16Array(0);
    }
    if (this.#kind === "resampler") {
      this.#touch(instance);
      return this.#reference.flush();
    }
    const { inputRate, outputRate } = this.#reference;
    let tail: Int16Array = new Int16Array(0);
    if (this.#sounding && inputRate !== outputRate) {
      this.#touch(instance);
      tail = this.#reference.flush().slice();
      this.#sounding = false;
    }
    const waiting = this.#rest.length + tail.length;
    const silence = (this.#packet - (waiting % this.#packet)) % this.#packet;
    return this.#packets(concat([tail, new Int16Array(silence)]));
  }
}

const KINDS = { resampler: ResamplerStream, reader: ReaderStream, writer: WriterStream };
type Kind = keyof typeof KINDS;

interface World {
  /** How many instances have been retired. */
  instance: number;
  streams: Expected[];
}
interface Reality {
  readonly codec: Codec;
  streams: Stream[];
}
type Command = fc.Command<World, Reality>;

/** A command for one of the streams that are open, if any is. */
function forOne(
  name: string,
  which: number,
  run: (expected: Expected, stream: Stream, world: World, reality: Reality) => void,
): Command {
  return {
    check: ({ streams }) => streams.length > 0,
    run(world, reality) {
      const index = which % world.streams.length;
      run(world.streams[index]!, reality.streams[index]!, world, reality);
      expect(reality.codec.core.failed).toBe(false);
      expect(reality.codec.openResamplers).toBe(world.streams.filter((s) => s.holdsSlotIn(world.instance)).length);
    },
    toString: () => name,
  };
}

const which = fc.nat(11);
const commands = [
  fc
    .tuple(
      fc.constantFrom<Kind>("resampler", "reader", "writer"),
      fc.constantFrom(...SAMPLE_RATES),
      fc.constantFrom(...SAMPLE_RATES),
      fc.constantFrom<ResamplerProfile>("default", "low-delay"),
    )
    .filter(([kind, , b]) => kind !== "writer" || b !== 11025)
    .map(
      ([kind, a, b, profile]): Command => ({
        check: ({ streams }) => streams.length < 12,
        run(world, { codec, streams }) {
          streams.push(new KINDS[kind](codec, a, b, profile));
          world.streams.push(new Expected(kind, a, b, profile, world.instance));
        },
        toString: () => `open ${kind} ${a} ${b} ${profile}`,
      }),
    ),
  ...Array.from({ length: 4 }, () =>
    fc.tuple(which, fc.oneof(fc.nat(4), fc.nat(700)), fc.nat(2), fc.nat(1_000)).map(([index, length, manner, seed]) =>
      forOne(`feed ${index} ${length} ${manner} ${seed}`, index, (expected, stream, world) => {
        const input = noise(length, seed);
        expectSameSamples(stream.feed(input, manner), expected.feed(input, world.instance));
        expect(stream.discontinuities).toBe(expected.discontinuities);
      }),
    ),
  ),
  which.map((index) =>
    forOne(`reset ${index}`, index, (expected, stream, world) => {
      stream.reset();
      expected.reset(world.instance);
    }),
  ),
  which.map((index) =>
    forOne(`flush ${index}`, index, (expected, stream, world) => {
      expectSameSamples(stream.flush(), expected.flush(world.instance));
    }),
  ),
  which.map((index) =>
    forOne(`close ${index}`, index, (expected, stream, world, reality) => {
      stream.close();
      stream.close();
      expect(() => stream.feed(noise(10), 0)).toThrowError(expect.objectContaining({ code: "CODEC_CLOSED" }));
      world.streams = world.streams.filter((other) => other !== expected);
      reality.streams = reality.streams.filter((other) => other !== stream);
    }),
  ),
  fc.constant<Command>({
    check: () => true,
    run(world, { codec }) {
      codec.core.trapped(new Error("injected"));
      world.instance++;
      expect(codec.traps).toBe(world.instance);
    },
    toString: () => "trap",
  }),
];

describe("any number of streams, whatever is done to them", () => {
  it.each(VARIANTS)("each give what the definition gives (%s)", (variant) => {
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 60, size: "max" }), (list) => {
        fc.modelRun(
          () => ({
            model: { instance: 0, streams: [] as Expected[] },
            real: { codec: loadCodecSync({ variant }), streams: [] as Stream[] },
          }),
          list,
        );
      }),
      { numRuns: 100 },
    );
  });
});
