import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Codec, CodecError, createResamplerStream, type ResamplerStreamOptions } from "../../src/codec/index.ts";
import { codecs } from "../support/codecs.ts";
import { concat, expectSameSamples, noise, split } from "../support/signals.ts";

async function collect(readable: ReadableStream<Int16Array>): Promise<Int16Array[]> {
  const chunks: Int16Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return chunks;
}

function from(chunks: Iterable<Int16Array>): ReadableStream<Int16Array> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull: (controller) => {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function oneShot(codec: Codec, input: Int16Array, a: number, b: number): Int16Array {
  using resampler = codec.createResampler(a, b);
  return concat([resampler.process(input), resampler.flush()]);
}

/** Lets everything that is not waiting for somebody come to rest. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe.each(codecs)("a resampler stream (%s)", (_variant, codec) => {
  const open = (options: ResamplerStreamOptions = {}) => createResamplerStream(24000, 16000, { codec, ...options });

  afterEach(() => {
    vi.restoreAllMocks();
    expect(codec.openResamplers).toBe(0);
  });

  it("gives for any split what one shot gives, the tail included", async () => {
    const input = noise(5_000, 11);
    const expected = oneShot(codec, input, 24000, 16000);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(900), { minLength: 1, maxLength: 20 }), async (lengths) => {
        fc.pre(lengths.some((length) => length > 0));
        const chunks = await collect(from(split(input, lengths)).pipeThrough(open()));
        expect(chunks.every((chunk) => chunk.length > 0)).toBe(true);
        expectSameSamples(concat(chunks), expected);
      }),
      { numRuns: codec.variant !== "simd" ? 10 : 40 },
    );
  });

  it("works with others before and behind it, and keeps two apart", async () => {
    const input = noise(4_800, 12);
    const chunks = () => from(split(input, [480]));
    const twice = chunks()
      .pipeThrough(open())
      .pipeThrough(createResamplerStream(16000, 8000, { codec }));
    const other = chunks().pipeThrough(createResamplerStream(24000, 48000, { codec, profile: "low-delay" }));
    const [a] = await Promise.all([collect(twice), collect(other)]);
    expectSameSamples(concat(a), oneShot(codec, oneShot(codec, input, 24000, 16000), 16000, 8000));
  });

  it("holds a writer back until somebody reads", async () => {
    const { readable, writable } = open();
    const writer = writable.getWriter();
    let written = 0;
    for (let i = 0; i < 3; i++) writer.write(new Int16Array(480)).then(() => written++);
    await settle();
    expect(written).toBe(0);
    expect(writer.desiredSize).toBe(-2);
    const reader = readable.getReader();
    expect((await reader.read()).value?.length).toBe(320);
    await settle();
    expect(written).toBe(1);
    const closed = writer.close();
    for (const length of [320, 320, 48]) expect((await reader.read()).value?.length).toBe(length);
    expect(await reader.read()).toEqual({ value: undefined, done: true });
    await closed;
    expect(written).toBe(3);
  });

  it("answers reads that were there first", async () => {
    const { readable, writable } = open();
    const reader = readable.getReader();
    const reads = [reader.read(), reader.read(), reader.read()];
    const writer = writable.getWriter();
    // One sample gives one; the next two give one; an empty chunk gives none.
    for (const length of [0, 1, 2, 0]) await writer.write(new Int16Array(length));
    await writer.close();
    expect((await Promise.all(reads)).map(({ value }) => value?.length)).toEqual([1, 1, 48]);
    expect((await reader.read()).done).toBe(true);
  });

  it("ends at once when it is aborted, also under a write that waits for a reader", async () => {
    for (const writes of [0, 1, 3]) {
      const { readable, writable } = open();
      const writer = writable.getWriter();
      const reason = new Error("hung up");
      const outcomes = Array.from({ length: writes }, () => writer.write(new Int16Array(480)));
      for (const outcome of outcomes) outcome.catch(() => {});
      await settle();
      await writer.abort(reason);
      expect(codec.openResamplers).toBe(0);
      for (const outcome of outcomes) await expect(outcome).rejects.toBe(reason);
      await expect(readable.getReader().read()).rejects.toBe(reason);
    }
  });

  it("ends when it is cancelled, and says so to the writer", async () => {
    for (const writes of [0, 1, 3]) {
      const { readable, writable } = open();
      const writer = writable.getWriter();
      const reason = new Error("heard enough");
      const outcomes = Array.from({ length: writes }, () => writer.write(new Int16Array(480)));
      for (const outcome of outcomes) outcome.catch(() => {});
      await settle();
      const closed = expect(writer.closed).rejects.toBe(reason);
      await readable.cancel(reason);
      expect(codec.openResamplers).toBe(0);
      for (const outcome of outcomes) await expect(outcome).rejects.toBe(reason);
      await closed;
      await expect(writer.write(new Int16Array(1))).rejects.toBe(reason);
    }
  });

  it("ends with a pipe that breaks on either side", async () => {
    const reason = new Error("broken");
    const failing = new ReadableStream<Int16Array>({
      start: (controller) => controller.enqueue(new Int16Array(480)),
      pull: (controller) => controller.error(reason),
    });
    await expect(collect(failing.pipeThrough(open()))).rejects.toBe(reason);
    const endless = new ReadableStream<Int16Array>({ pull: (controller) => controller.enqueue(new Int16Array(480)) });
    for await (const chunk of endless.pipeThrough(open())) {
      expect(chunk.length).toBe(320);
      break;
    }
    await settle();
  });

  it("may be cancelled with the tail unread, and closed without a sample", async () => {
    const { readable, writable } = open();
    await writable.getWriter().close();
    expect(codec.openResamplers).toBe(0);
    await readable.cancel();
    expect(concat(await collect(from([]).pipeThrough(open()))).length).toBe(48);
  });

  it("fails on both sides for a chunk it cannot use", async () => {
    const { readable, writable } = open();
    const writer = writable.getWriter();
    const reading = expect(readable.getReader().read()).rejects.toThrow("input must be an Int16Array, got string");
    await expect(writer.write("AAAA" as never)).rejects.toThrow(TypeError);
    await reading;
    expect(codec.openResamplers).toBe(0);
    await expect(writer.close()).rejects.toThrow(TypeError);
  });

  it("refuses other rates and profiles before anything is opened", () => {
    expect(() => createResamplerStream(24000, 1, { codec })).toThrow(RangeError);
    expect(() => open({ profile: "fast" as never })).toThrow(RangeError);
  });

  it("passes on what happens at the end", async () => {
    const { readable, writable } = open();
    const trap = new CodecError("CODEC_TRAP", "injected");
    vi.spyOn(Object.getPrototypeOf(codec.createResampler(8000, 8000)), "flush").mockImplementation(() => {
      throw trap;
    });
    await expect(writable.getWriter().close()).rejects.toBe(trap);
    await expect(readable.getReader().read()).rejects.toBe(trap);
  });
});
