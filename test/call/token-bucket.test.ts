import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { TokenBucket } from "../../src/call/index.ts";
import { MessageLimit } from "../../src/call/message-limit.ts";

describe("a token bucket", () => {
  it("never gives more than the burst and the rate, and no less to who waits", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 30 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), steps, (rate, burst, waits) => {
        const bucket = new TokenBucket(rate, burst);
        let nowMs = 1_000;
        let given = 0;
        for (const [waitMs, wanted] of waits) {
          nowMs += waitMs;
          const empty = bucket.isEmpty(nowMs);
          for (let i = 0; i < wanted; i++) {
            const took = bucket.take(nowMs);
            if (i === 0) expect(took).toBe(!empty);
            if (took) given++;
          }
          expect(given).toBeLessThanOrEqual(burst + ((nowMs - 1_000) * rate) / 1_000 + 1e-6);
        }
        nowMs += Math.ceil((burst * 1_000) / rate) + 1;
        let atOnce = 0;
        while (bucket.take(nowMs)) atOnce++;
        expect(atOnce).toBe(burst);
      }),
    );
  });

  it("refuses what cannot work", () => {
    expect(() => new TokenBucket(0, 1)).toThrow("ratePerSecond must be above 0, got 0");
    expect(() => new TokenBucket(1, 0)).toThrow("burst must be at least 1, got 0");
  });
});

describe("the limit of a stream's messages", () => {
  it("lets ten seconds' worth come at once, counts the rest, and calls ten seconds of it a flood", () => {
    const flooded = vi.fn();
    const limit = new MessageLimit(200, flooded);
    let read = 0;
    for (let i = 0; i < 5_000; i++) if (limit.take(0)) read++;
    expect([read, limit.dropped]).toEqual([2_000, 3_000]);
    // Ten times real time.
    let nowMs = 0;
    while (flooded.mock.calls.length === 0 && nowMs < 60_000) {
      nowMs += 2;
      limit.take(nowMs);
    }
    expect(nowMs).toBeGreaterThan(10_000);
    expect(nowMs).toBeLessThan(10_100);
  });

  it("forgives who comes down to the rate again", () => {
    const flooded = vi.fn();
    const limit = new MessageLimit(200, flooded);
    let nowMs = 0;
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 2_500; i++) limit.take(nowMs);
      // Real time, 50 a second.
      for (let i = 0; i < 1_000; i++) {
        nowMs += 20;
        limit.take(nowMs);
      }
    }
    // The last one of each round has not come back when the next begins.
    expect(limit.dropped).toBe(500 + 9 * 501);
    expect(flooded).not.toHaveBeenCalled();
  });

  it("is none when it is 0", () => {
    const limit = new MessageLimit(0, vi.fn());
    for (let i = 0; i < 100_000; i++) limit.take(0);
    expect(limit.dropped).toBe(0);
  });
});
