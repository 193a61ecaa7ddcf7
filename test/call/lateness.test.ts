import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LATENESS_BUCKETS_MS, Lateness } from "../../src/call/index.ts";
import { Playout } from "../../src/call/playout.ts";

describe("lateness", () => {
  it("counts each write in the first bucket that is not below it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -50, max: 3_000, noNaN: true }), fc.constantFrom(0, 5, 1_280))),
        (all) => {
          const lateness = new Lateness();
          for (const lateMs of all) lateness.add(lateMs);
          let below = 0;
          for (const [i, boundMs] of [...LATENESS_BUCKETS_MS, Number.POSITIVE_INFINITY].entries()) {
            below += lateness.counts[i]!;
            expect(below).toBe(all.filter((lateMs) => lateMs <= boundMs).length);
          }
          expect(lateness.sumMs).toBeCloseTo(all.reduce((sum, lateMs) => sum + Math.max(0, lateMs), 0));
        },
      ),
    );
  });

  it("is how long the caller had run dry in mid-utterance, once a write", () => {
    const lateness = new Lateness();
    const playout = new Playout({ sendAheadMs: 200, playoutDelayMs: 60 }, lateness);
    playout.sent(5, 1_000); // to 1,100
    playout.sent(5, 1_090);
    expect(lateness.counts[0]).toBe(2);
    playout.sent(1, 1_230); // 30 ms after 1,200
    expect(lateness.counts[LATENESS_BUCKETS_MS.indexOf(40)]).toBe(1);
    expect(lateness.sumMs).toBeCloseTo(30);
    playout.cleared(1_240);
    playout.sent(1, 5_000); // begins anew
    expect(lateness.counts[0]).toBe(3);
  });
});
