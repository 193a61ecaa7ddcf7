import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArrivalRhythm } from "../../src/call/arrival-rhythm.ts";
import { Concealment } from "../../src/call/concealment.ts";
import { Inbound } from "../../src/call/inbound.ts";
import { InboundTimeline } from "../../src/call/inbound-timeline.ts";
import { InputAudioRawFrame, StartFrame } from "../../src/pipecat/index.ts";
import { WavixFrameSerializer } from "../../src/wavix/wire/index.ts";
import { concat, expectSameSamples, noise } from "../support/signals.ts";

const PACKET = 480;

/** A stream as a bot gets it. */
class Stream {
  readonly frames: InputAudioRawFrame[] = [];
  readonly inbound: Inbound;
  readonly #serializer: WavixFrameSerializer;

  constructor(sampleRate = 24_000, audioTrack: "inbound" | null = "inbound", wavixSampleRate = 24_000) {
    this.#serializer = new WavixFrameSerializer({ params: { sampleRate, audioTrack, wavixSampleRate } });
    this.#serializer.setup(new StartFrame());
    this.inbound = new Inbound(wavixSampleRate, (frame) => this.frames.push(frame));
    this.#serializer.watch(this.inbound);
  }

  say(message: object, nowMs: number): void {
    this.inbound.nowMs = nowMs;
    const frame = this.#serializer.deserialize(JSON.stringify(message));
    if (frame instanceof InputAudioRawFrame) this.frames.push(frame);
  }

  media(samples: Int16Array, fields: { chunk?: unknown; sequence_number?: unknown; track?: string }, nowMs: number) {
    const { sequence_number, ...media } = fields;
    const payload = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");
    this.say({ event: "media", stream_id: "s", sequence_number, media: { payload, ...media } }, nowMs);
  }

  get audio(): Int16Array {
    return concat(this.frames.map(({ audio }) => audio));
  }
  get counts() {
    const { lost, late, duplicated, discontinuities } = this.inbound.timeline;
    return { lost, late, duplicated, discontinuities };
  }
  close() {
    this.#serializer.close();
  }
}

const none = { lost: 0, late: 0, duplicated: 0, discontinuities: 0 };
const packet = (number: number) => noise(PACKET, number + 1);

describe("lost, late and duplicated packets", () => {
  it.each(["integers", "strings"])("are told apart by chunk, given as %s, from any number on", (kind) => {
    const stream = new Stream();
    const numbers = [1_000, 1_001, 1_004, 1_002, 1_004, 1_002, 1_005];
    for (const n of numbers) stream.media(packet(n), { chunk: kind === "strings" ? `${n}` : n }, (n - 1_000) * 20);
    expect(stream.counts).toEqual({ lost: 2, late: 1, duplicated: 2, discontinuities: 0 });
    const { audio } = stream;
    expect(audio).toHaveLength(6 * PACKET);
    expectSameSamples(audio.subarray(0, 2 * PACKET), concat([packet(1_000), packet(1_001)]));
    expectSameSamples(audio.subarray(4 * PACKET), concat([packet(1_004), packet(1_005)]));
    expect(stream.frames.map(({ metadata }) => metadata.concealed === true)).toEqual([
      ...[false, false, true, true, false, false],
    ]);
    expect(stream.frames.map(({ pts }) => pts)).toEqual([0, 1, 2, 3, 4, 5].map((i) => i * 20_000_000));
    stream.close();
  });

  it("are told apart by sequence_number where there is no chunk, and marks are no gap", () => {
    const stream = new Stream();
    stream.say({ event: "start", stream_id: "s", sequence_number: 1 }, 0);
    stream.media(packet(2), { sequence_number: 2 }, 0);
    stream.say({ event: "mark", stream_id: "s", sequence_number: 3, mark: { name: "here" } }, 10);
    stream.media(packet(4), { sequence_number: 4 }, 20);
    stream.media(packet(4), { sequence_number: 4 }, 20);
    stream.media(packet(6), { sequence_number: 6 }, 60);
    expect(stream.counts).toEqual({ ...none, lost: 1, duplicated: 1 });
    expect(stream.audio).toHaveLength(4 * PACKET);
    stream.close();
  });

  it("cannot be told without numbers: such a stream is left as it is", () => {
    const stream = new Stream();
    for (const i of [1, 1, 3]) stream.media(packet(i), {}, 0);
    expect(stream.counts).toEqual(none);
    expectSameSamples(stream.audio, concat([packet(1), packet(1), packet(3)]));
    stream.close();
  });

  it.each([
    ["of which one is wanted, counted together", "inbound", 1],
    ["of which one is wanted, counted apart", "inbound", 2],
    ["which are both wanted, counted together", null, 1],
    ["which are both wanted, counted apart", null, 2],
  ] as const)("cannot be told of two tracks %s", (_, wanted, perChunk) => {
    const stream = new Stream(24_000, wanted);
    for (let i = 0; i < 8; i++) {
      const fields = { chunk: Math.floor(i / perChunk), track: i % 2 === 0 ? "inbound" : "outbound" };
      stream.media(packet(i), fields, i * 10);
    }
    expect(stream.counts).toEqual(none);
    expect(stream.frames).toHaveLength(wanted === null ? 8 : 4);
    stream.close();
  });

  it("leave no trace in the resampler", () => {
    const [with_, without] = [new Stream(16_000), new Stream(16_000)];
    for (const n of [1, 2, 1, 3, 3, 2, 4]) with_.media(packet(n), { chunk: n }, n * 20);
    for (const n of [1, 2, 3, 4]) without.media(packet(n), { chunk: n }, n * 20);
    expectSameSamples(with_.audio, without.audio);
    expect(with_.counts).toEqual({ ...none, duplicated: 3 });
    with_.close();
    without.close();
  });

  it("in a gap of more than a second are not made up, but counted as one jump", () => {
    const stream = new Stream();
    stream.media(packet(1), { chunk: 1 }, 0);
    stream.media(packet(52), { chunk: 52 }, 1_020);
    expect(stream.counts).toEqual({ ...none, lost: 50 });
    stream.media(packet(104), { chunk: 104 }, 2_060);
    stream.media(packet(1), { chunk: 1 }, 2_080);
    stream.media(packet(2), { chunk: 2 }, 2_100);
    expect(stream.counts).toEqual({ ...none, lost: 50, discontinuities: 2 });
    expect(stream.audio).toHaveLength(55 * PACKET);
    stream.close();
  });

  it("fill a whole second at the highest rate", () => {
    const stream = new Stream(44_100, "inbound", 48_000);
    stream.media(noise(960), { chunk: 1 }, 0);
    stream.media(noise(960), { chunk: 52 }, 1_020);
    expect(stream.audio).toHaveLength(52 * 882);
    stream.close();
  });

  it("make no audio out of nothing: what is filled in stays within a second of the clock", () => {
    const stream = new Stream();
    for (let i = 0; i < 1_000; i++) stream.media(packet(i), { chunk: i * 40 }, i);
    const concealed = stream.frames.filter(({ metadata }) => metadata.concealed === true).length;
    expect(concealed).toBeGreaterThan(30);
    expect(concealed * 20).toBeLessThanOrEqual(2_000);
    expect(stream.frames.length - concealed).toBe(1_000);
    stream.close();
  });

  it("are not believed in when nearly everything would be one: the caller is heard", () => {
    const stream = new Stream();
    for (let i = 0; i < 200; i++) stream.media(packet(i), { chunk: 1 }, i * 20);
    expect(stream.frames.length).toBeGreaterThanOrEqual(170);
    expect(stream.counts.discontinuities).toBe(1);
    stream.close();
  });
});

describe("any disorder", () => {
  /** Each packet: how many copies of it arrive, and how many places late each is. */
  const disorder = fc.array(fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(8)), { maxLength: 3 }), {
    minLength: 1,
    maxLength: 80,
  });
  const arrivalsOf = (copies: number[][]) =>
    copies
      .flatMap((delays, number) => delays.map((delay) => ({ number, at: number + delay })))
      .sort((a, b) => a.at - b.at);

  it("leaves the bot's timeline as long as the true one, and untouched where packets came in their turn", () => {
    fc.assert(
      fc.property(disorder, fc.integer({ min: 0, max: 2 ** 40 }), (copies, first) => {
        const arrivals = arrivalsOf(copies);
        // The oracle: a packet has its place if none behind it came before it.
        const inTurn = arrivals.filter(({ number }, i) => arrivals.slice(0, i).every((other) => other.number < number));
        const gaps = inTurn.map(({ number }, i) => (i === 0 ? 0 : number - inTurn[i - 1]!.number - 1));
        fc.pre(gaps.every((gap) => gap <= 50));

        const stream = new Stream();
        for (const { number, at } of arrivals) stream.media(packet(number), { chunk: first + number }, at * 20);
        const { audio, counts } = stream;
        stream.close();
        const begin = inTurn[0]?.number ?? 0;
        const end = inTurn.at(-1)?.number ?? -1;
        expect(audio).toHaveLength((end - begin + 1) * PACKET);
        for (const { number } of inTurn) {
          expectSameSamples(audio.subarray((number - begin) * PACKET).subarray(0, PACKET), packet(number));
        }
        expect(counts.lost).toBe(gaps.reduce((sum, gap) => sum + gap, 0));
        // Every message is accounted for.
        expect(counts.late + counts.duplicated).toBe(arrivals.length - inTurn.length);
        const late = new Set(arrivals.map(({ number }) => number)).size - inTurn.length;
        const beforeTheFirst = new Set(arrivals.map(({ number }) => number).filter((number) => number < begin)).size;
        expect(counts.late).toBe(late - beforeTheFirst);
        expect(counts.discontinuities).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it.each([8_000, 11_025, 16_000, 48_000])("keeps the time at %i Hz to the sample", (sampleRate) => {
    fc.assert(
      fc.property(disorder, (copies) => {
        const arrivals = arrivalsOf(copies);
        const stream = new Stream(sampleRate);
        for (const { number, at } of arrivals) stream.media(packet(number), { chunk: number }, at * 20);
        const inTurn = arrivals.filter(({ number }, i) => arrivals.slice(0, i).every((other) => other.number < number));
        const packets = inTurn.length === 0 ? 0 : inTurn.at(-1)!.number - inTurn[0]!.number + 1;
        expect(stream.audio).toHaveLength(Math.ceil((packets * PACKET * sampleRate) / 24_000));
        let sampleCount = 0;
        for (const { audio, pts } of stream.frames) {
          expect(pts).toBe(Math.round((sampleCount * 1e9) / sampleRate));
          expect(audio.length).toBeLessThanOrEqual(Math.ceil(sampleRate / 50));
          sampleCount += audio.length;
        }
        stream.close();
      }),
      { numRuns: 50 },
    );
  });

  it("never throws away more than half a second in a row, whatever the numbers", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: -1, max: 40 }), fc.maxSafeNat()), { maxLength: 300 }),
        (numbers) => {
          const timeline = new InboundTimeline();
          let leftOut = 0;
          for (const number of numbers) {
            const missing = timeline.judge(number);
            leftOut = missing === null ? leftOut + 1 : 0;
            expect(leftOut).toBeLessThanOrEqual(25);
            if (missing !== null) expect(missing >= 0 && missing <= 50).toBe(true);
          }
        },
      ),
    );
  });
});

describe("concealment", () => {
  it("goes on from the last sample, fades within 8 ms, and is silent from there", () => {
    const concealment = new Concealment(24_000);
    const last = Int16Array.from({ length: PACKET }, (_, i) => 10_000 * Math.sin(i * 0.05) + 300);
    concealment.heard(last);
    const filled = concealment.fill(2 * PACKET);
    const joined = concat([last, filled]);
    const steps = joined.slice(1).map((sample, i) => Math.abs(sample - joined[i]!));
    expect(Math.max(...steps)).toBeLessThan(700);
    expect(Math.max(...filled.subarray(0, 96))).toBeGreaterThan(1_000);
    expect(filled.subarray(192).every((sample) => sample === 0)).toBe(true);
    expect(concealment.fill(PACKET).every((sample) => sample === 0)).toBe(true);
  });

  it("keeps no hold of what it was lent", () => {
    const concealment = new Concealment(24_000);
    const lent = new Int16Array(PACKET).fill(1_000);
    concealment.heard(lent);
    concealment.heard(lent.fill(2_000));
    lent.fill(30_000);
    expect(Math.max(...concealment.fill(PACKET))).toBeLessThanOrEqual(2_000);
  });
});

describe("the rhythm of arrivals", () => {
  it("has the jitter of RFC 3550", () => {
    const rhythm = new ArrivalRhythm();
    const lateMs = [0, 16, 0, 16, 5, 5, 40];
    let expected = 0;
    lateMs.forEach((late, i) => {
      rhythm.arrived(i * 20, i * 20 + late);
      // J(i) = J(i−1) + (|D(i−1, i)| − J(i−1)) / 16
      if (i > 0) expected += (Math.abs(late - lateMs[i - 1]!) - expected) / 16;
      expect(rhythm.jitterMs).toBeCloseTo(expected, 10);
    });
    expect(expected).toBeGreaterThan(3);
  });

  it("has no jitter from lost packets, nor from a pause", () => {
    const stream = new Stream();
    for (const n of [1, 2, 5, 6, 90, 91, 150, 151]) stream.media(packet(n), { chunk: n }, n * 20);
    expect(stream.inbound.rhythm.jitterMs).toBe(0);
    const paused = new Stream();
    for (const [i, at] of [0, 20, 5_000, 5_020].entries()) paused.media(packet(i), { chunk: i }, at);
    expect(paused.inbound.rhythm.jitterMs).toBe(0);
    stream.close();
    paused.close();
  });

  it("notices a stream that is idle, while it is", () => {
    const rhythm = new ArrivalRhythm();
    expect(rhythm.pauses(5_000)).toBe(0);
    rhythm.arrived(0, 5_000);
    expect(rhythm.pauses(5_999)).toBe(0);
    expect(rhythm.pauses(6_500)).toBe(1);
    expect(rhythm.longestPauseMs(6_500)).toBe(1_500);
    rhythm.arrived(20, 7_000);
    expect(rhythm.pauses(7_001)).toBe(1);
    expect(rhythm.longestPauseMs(7_001)).toBe(2_000);
  });
});
