import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Codec, loadCodec, loadCodecSync, SAMPLE_RATES } from "../../src/codec/index.ts";
import { noise } from "../support/signals.ts";

/** As in an engine that has never heard of it. */
async function withoutWebAssembly(run: () => void | Promise<void>): Promise<void> {
  const kept = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly") as PropertyDescriptor;
  Reflect.deleteProperty(globalThis, "WebAssembly");
  try {
    await run();
  } finally {
    Object.defineProperty(globalThis, "WebAssembly", kept);
  }
}

describe("the twin without WebAssembly", () => {
  it("is what auto means, and does the whole work", async () => {
    const expected = loadCodecSync({ variant: "simd" }).createResampler(24000, 16000).process(noise(480));
    await withoutWebAssembly(async () => {
      expect(typeof WebAssembly).toBe("undefined");
      for (const codec of [await loadCodec(), loadCodecSync(), await loadCodec({ variant: "js" })]) {
        expect(codec.variant).toBe("js");
        expect(codec.createResampler(24000, 16000).process(noise(480))).toEqual(expected);
        const writer = codec.createMediaWriter({ wireSampleRate: 24000, streamId: "s" });
        const reader = codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 24000 });
        writer.push(noise(480), 24000);
        expect(reader.read(writer.takeMessage() as string, null)).toBe("audio");
        expect(reader.audio).toEqual(noise(480));
      }
    });
  });

  it("is not put in place of what was asked for", async () => {
    const unsupported = expect.objectContaining({ code: "CODEC_UNSUPPORTED" });
    const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    await withoutWebAssembly(async () => {
      for (const options of [{ variant: "simd" }, { variant: "scalar" }, { module }] as const) {
        expect(() => loadCodecSync(options)).toThrowError(unsupported);
        await expect(loadCodec(options)).rejects.toThrowError(unsupported);
      }
    });
  });

  it("is not chosen where there is WebAssembly", () => {
    expect(loadCodecSync().variant).toBe("simd");
    expect(loadCodecSync({ variant: "js" }).variant).toBe("js");
  });
});

describe("the twin's slots", () => {
  it("count in its memory, and are used again", () => {
    const codec = loadCodecSync({ variant: "js" });
    codec.createResampler(24000, 16000).close();
    const before = codec.memoryByteLength;
    const open = Array.from({ length: 10 }, () => codec.createResampler(24000, 16000));
    expect(codec.memoryByteLength - before).toBeGreaterThanOrEqual(9 * 144 * 2);
    for (const resampler of open) resampler.close();
    const after = codec.memoryByteLength;
    for (let i = 0; i < 10; i++) codec.createResampler(24000, 16000);
    expect(codec.memoryByteLength).toBe(after);
  });

  it("refuse a handle for 4,095 generations, as assembly does", () => {
    for (const variant of ["simd", "js"] as const) {
      const { core } = loadCodecSync({ variant });
      const first = core.open(24000, 16000, "default");
      core.close(first);
      for (let life = 2; life <= 4_095; life++) {
        const handle = core.open(24000, 16000, "default");
        if (core.exports.reset(first) !== 0 || core.exports.reset(handle) !== 1) expect.unreachable(`life ${life}`);
        core.close(handle);
      }
      expect(core.open(24000, 16000, "default")).toBe(first);
    }
  });

  it("keep streams right that began before many other pairs came", () => {
    const codec = loadCodecSync({ variant: "js" });
    const simd = loadCodecSync({ variant: "simd" });
    const pair = [codec, simd].map((each) => each.createResampler(24000, 11025));
    const check = (seed: number) => {
      const [js, wasm] = pair.map((resampler) => resampler.process(noise(500, seed)));
      expect(js).toEqual(wasm);
    };
    check(1);
    for (const a of SAMPLE_RATES) {
      for (const b of SAMPLE_RATES) for (const each of [codec, simd]) each.createResampler(a, b).process(noise(9));
    }
    // Tap tables, buffers and windows.
    expect(codec.memoryByteLength).toBeLessThan(4_000_000);
    check(2);
    pair.push(...[codec, simd].map((each) => each.createResampler(24000, 11025)));
    pair.splice(0, 2);
    check(3);
  });
});

/** One random thing to do; what it gives is compared, and errors by what they say. */
type Step = (codec: Codec, streams: Streams) => unknown;

interface Streams {
  handles: number[];
  reader: ReturnType<Codec["createMediaReader"]>;
  writer: ReturnType<Codec["createMediaWriter"]>;
}

const rate = fc.constantFrom(...SAMPLE_RATES);
const seed = fc.nat({ max: 1_000 });
const which = fc.nat({ max: 20 });
/** Noise far above and far below full scale saturates often, or never. */
const samples = fc
  .record({ length: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 1_500 })), seed, loud: fc.boolean() })
  .map(({ length, seed, loud }) =>
    loud ? noise(length, seed).map((s) => (s < 0 ? -32_768 : 32_767)) : noise(length, seed),
  );

const base64 = (bytes: Int16Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

const pick = (streams: Streams, index: number) => streams.handles[index % streams.handles.length] ?? 0x7fffffff;

const message = fc
  .record({
    payload: fc.oneof(
      { weight: 3, arbitrary: samples.map(base64) },
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
      fc.string({ maxLength: 9 }),
    ),
    track: fc.constantFrom("inbound", "outbound", "both"),
    number: fc.oneof(fc.nat(), fc.constantFrom(999_999_999_999_999, 1e15, -1, 0.5)),
    members: fc.shuffledSubarray(["event_time", "call_id", "stream_id", "sequence_number", "media"], { minLength: 3 }),
    inner: fc.shuffledSubarray(["payload", "track", "timestamp", "chunk"], { minLength: 2 }),
    cut: fc.option(fc.nat({ max: 60 }), { freq: 6 }),
    flip: fc.option(fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: 255 })), { freq: 4 }),
  })
  .map(({ payload, track, number, members, inner, cut, flip }) => {
    const media = { payload, track, timestamp: number, chunk: 1 } as Record<string, unknown>;
    const all: Record<string, unknown> = { event_time: "t", call_id: "c", stream_id: "s", sequence_number: number };
    all.media = Object.fromEntries(inner.map((name) => [name, media[name]]));
    const entries = [["event", "media"], ...members.map((name) => [name, all[name]])];
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(Object.fromEntries(entries))));
    if (flip !== null) bytes[flip[0] % bytes.length] = flip[1];
    return cut === null ? bytes : bytes.subarray(0, Math.max(0, bytes.length - cut));
  });

const outcome = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
};

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(rate, rate, fc.constantFrom("default" as const, "low-delay" as const)).map(([a, b, profile]): Step => {
    return ({ core }, { handles }) => a !== b && handles.push(core.open(a, b, profile)) > 0;
  }),
  {
    weight: 4,
    arbitrary: fc.tuple(which, samples, fc.integer({ min: 1, max: 8 })).map(([index, input, channels]): Step => {
      return ({ core }, streams) => {
        core.pcm.set(input);
        const count = core.exports.convert(pick(streams, index), Math.floor(input.length / channels), channels);
        return [count, core.out.slice(0, Math.max(0, count))];
      };
    }),
  },
  fc.tuple(samples, fc.integer({ min: 1, max: 8 })).map(([input, channels]): Step => {
    return ({ core }) => {
      core.pcm.set(input);
      return core.out.slice(0, core.convert(0, Math.floor(input.length / channels), channels));
    };
  }),
  which.map(
    (index): Step =>
      ({ core }, streams) =>
        core.exports.reset(pick(streams, index)),
  ),
  // The handle stays in the list: it is stale from now on.
  which.map(
    (index): Step =>
      ({ core }, streams) =>
        core.exports.close(pick(streams, index)),
  ),
  {
    weight: 4,
    arbitrary: fc
      .tuple(message, fc.constantFrom("inbound" as const, "outbound" as const, null))
      .map(([data, track]): Step => {
        return (_codec, { reader }) => {
          const status = reader.read(data, track);
          const { sequenceNumber, chunk, timestamp, streamId, callId } = reader;
          return [
            status,
            status === "audio" && reader.audio,
            reader.track,
            sequenceNumber,
            chunk,
            timestamp,
            streamId,
            callId,
          ];
        };
      }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(message, fc.constantFrom(0, 1, 2), which).map(([data, track, index]): Step => {
      // Past the net: what the scanner itself says, also about a stale handle.
      return ({ core }, streams) => {
        core.message.set(data);
        const count = core.exports.readMedia(data.length, track, pick(streams, index));
        return count < 0
          ? count
          : [core.audio(count).slice(), [...core.resultNumbers.slice(1)], [...core.result.slice(8, 12)]];
      };
    }),
  },
  fc.tuple(fc.string({ maxLength: 20 }), which).map(([text, index]): Step => {
    return ({ core }, streams) => {
      core.message.set(Buffer.from(text));
      return core.exports.readPayload(Buffer.byteLength(text), pick(streams, index));
    };
  }),
  fc
    .tuple(samples, rate, fc.integer({ min: 1, max: 8 }), fc.boolean())
    .map(([input, inputRate, channels, flush]): Step => {
      return (_codec, { writer }) => {
        writer.push(new Uint8Array(input.buffer).subarray(0, input.length), inputRate, channels);
        if (flush) writer.flush();
        const messages: (string | null)[] = [];
        while (writer.packetCount > 0) messages.push(writer.takeMessage());
        return messages;
      };
    }),
  fc.constantFrom<Step>(
    (_codec, { reader }) => reader.reset(),
    (_codec, { writer }) => writer.clear(),
  ),
);

it("does what SIMD does, whatever is asked in whatever order", () => {
  const codecs = (["simd", "js"] as const).map((variant) => loadCodecSync({ variant }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const both = codecs.map((codec) => {
        const streams: Streams = {
          handles: [],
          reader: codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 16000 }),
          writer: codec.createMediaWriter({ wireSampleRate: 24000, streamId: "s" }),
        };
        return { codec, streams };
      });
      try {
        for (const run of steps) {
          const [simd, js] = both.map(({ codec, streams }) => outcome(() => run(codec, streams)));
          expect(js).toEqual(simd);
        }
      } finally {
        for (const { codec, streams } of both) {
          for (const handle of streams.handles) codec.core.close(handle);
          streams.reader.close();
          streams.writer.close();
        }
      }
      expect(codecs.map((codec) => codec.traps)).toEqual([0, 0]);
    }),
    { numRuns: 150 },
  );
}, 30_000);
