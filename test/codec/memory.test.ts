import { describe, expect, it } from "vitest";
import { type Codec, loadCodecSync, type Resampler, SAMPLE_RATES } from "../../src/codec/index.ts";
import { VARIANTS } from "../support/codecs.ts";
import { Random } from "../support/message-mutator.ts";

const CASES = SAMPLE_RATES.flatMap((a) =>
  SAMPLE_RATES.filter((b) => b !== a).flatMap((b) =>
    (["default", "low-delay"] as const).map((profile) => [a, b, { profile }] as const),
  ),
);

/** Bytes that one more resampler takes, to a hundredth; never more than it takes. */
function slotByteLength(codec: Codec, open: () => void): number {
  const grow = (byteLength: number) => {
    const start = codec.memoryByteLength;
    let count = 0;
    for (; codec.memoryByteLength - start < byteLength; count++) open();
    return (codec.memoryByteLength - start) / (count + 1);
  };
  open(); // the first makes the tap table, with memory that the next ones use up
  // From the first of a page of WebAssembly to the last of two: a hundred at the least.
  grow(1);
  return grow(2 * 65_536);
}

describe.each(VARIANTS)("memory (%s)", (variant) => {
  it("is at most 1 kB for a resampler with 24 kHz on a side, 1.25 kB for any", () => {
    for (const [a, b, options] of CASES) {
      const codec = loadCodecSync({ variant });
      const byteLength = slotByteLength(codec, () => codec.createResampler(a, b, options));
      const limit = a === 24000 || b === 24000 ? 1_024 : 1_280;
      expect(byteLength, `${a} → ${b} ${options.profile}`).toBeLessThanOrEqual(limit);
      // The history alone is 16 bits for each of 64 taps or more.
      expect(byteLength).toBeGreaterThan(120);
    }
  });

  it("is where it was after 100,000 lives of all CASES, ended in any order", () => {
    const codec = loadCodecSync({ variant });
    const random = new Random(1);
    // As many of each as are ever open together.
    const open = CASES.flatMap((one) => Array.from({ length: 16 }, () => codec.createResampler(...one)));
    for (const resampler of open) resampler.close();
    const before = codec.memoryByteLength;
    const alive: Resampler[] = [];
    for (let i = 0; i < 100_000; i++) {
      alive.push(codec.createResampler(...CASES[i % CASES.length]!));
      if (alive.length < CASES.length) continue;
      const index = random.below(alive.length);
      alive[index]!.close();
      alive[index] = alive.at(-1)!;
      alive.pop();
    }
    expect(codec.openResamplers).toBe(alive.length);
    for (const resampler of alive) resampler.close();
    expect(codec.openResamplers).toBe(0);
    expect(codec.memoryByteLength).toBe(before);
  });
});

describe.each(VARIANTS)("the tap table (%s)", (variant) => {
  it("takes 8 MB at most, with all pairs in all profiles", () => {
    const codec = loadCodecSync({ variant });
    const before = codec.memoryByteLength;
    for (const one of CASES) codec.createResampler(...one).process(new Int16Array(100));
    const grown = codec.memoryByteLength - before;
    expect(grown).toBeLessThanOrEqual(8_000_000);
    for (const one of CASES) codec.createResampler(...one).close();
    // The second of each shares its taps with the first.
    expect(codec.memoryByteLength - before).toBeLessThanOrEqual(grown + CASES.length * 1_280 + 65_536);
  });
});
