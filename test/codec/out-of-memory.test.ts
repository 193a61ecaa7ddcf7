import { describe, expect, it } from "vitest";
import { type Codec, loadCodecSync, type Resampler, SAMPLE_RATES } from "../../src/codec/index.ts";
import { StreamReference } from "../reference/stream.ts";
import { boundedModule } from "../support/bounded-module.ts";
import { VARIANTS } from "../support/codecs.ts";
import { noise } from "../support/signals.ts";

const outOfMemory = expect.objectContaining({ code: "CODEC_OUT_OF_MEMORY" });

/** A stream that was there before, and is to hear nothing of it. */
function bystander(codec: Codec) {
  const resampler = codec.createResampler(24000, 16000);
  const reference = new StreamReference(24000, 16000, "default");
  let seed = 0;
  return () => {
    const input = noise(480, ++seed);
    expect(resampler.process(input)).toEqual(reference.push(input));
    expect([codec.traps, resampler.discontinuities]).toEqual([0, 0]);
  };
}

/** Opens as many as there is memory for. */
function openAll(codec: Codec): Resampler[] {
  const open: Resampler[] = [];
  try {
    for (;;) open.push(codec.createResampler(24000, 16000));
  } catch (error) {
    expect(error).toEqual(outOfMemory);
    return open;
  }
}

describe.each(["simd", "scalar"] as const)("an engine without more memory (%s)", (variant) => {
  it("refuses the pairs there is no room to design, and does the others", () => {
    // One page more than the module begins with.
    const codec = loadCodecSync({ module: boundedModule(variant, 16) });
    const goesOn = bystander(codec);
    goesOn();
    const refused = SAMPLE_RATES.filter((rate) => rate !== 48000).filter((rate) => {
      try {
        codec.createResampler(48000, rate).close();
        return false;
      } catch (error) {
        expect(error).toEqual(outOfMemory);
        return true;
      } finally {
        goesOn();
      }
    });
    expect(refused).toEqual([11025, 22050, 44100]);
    expect(codec.openResamplers).toBe(1);
  });

  it("refuses one resampler too many, and lets it in when another has left", () => {
    const codec = loadCodecSync({ module: boundedModule(variant, 16) });
    const goesOn = bystander(codec);
    goesOn();
    const open = openAll(codec);
    expect(open.length).toBeGreaterThan(100);
    goesOn();
    for (const resampler of open.splice(0, 10)) resampler.close();
    expect(openAll(codec).length).toBe(10);
    goesOn();
    // There is no room for another table either.
    expect(() => codec.createResampler(16000, 24000)).toThrowError(outOfMemory);
    expect(() => codec.createMediaReader({ wireSampleRate: 24000, sampleRate: 8000 })).toThrowError(outOfMemory);
    goesOn();
  });
});

describe.each(VARIANTS)("the tap tables at their limit (%s)", (variant) => {
  it("stay there, and the pairs that have theirs go on", () => {
    const codec = loadCodecSync({ variant });
    const goesOn = bystander(codec);
    const before = codec.memoryByteLength;
    const { core } = codec;
    let tables = 0;
    // Of one pair again and again, as no host does: 44100 from 48000 Hz.
    while (core.exports.design(147, 160, 48, 93, 0.959, 10.4) !== 0) tables++;
    expect(tables).toBeGreaterThan(50);
    for (let i = 0; i < 10; i++) expect(core.exports.design(147, 160, 48, 93, 0.959, 10.4)).toBe(0);
    // 8 MB, and scratch memory for one more.
    expect(codec.memoryByteLength - before).toBeLessThan((8 << 20) + 500_000);
    expect(() => codec.createResampler(48000, 44100)).toThrowError(outOfMemory);
    // Another resampler of a known pair makes the host look at its memory anew.
    codec.createResampler(24000, 16000).close();
    goesOn();
  });
});
