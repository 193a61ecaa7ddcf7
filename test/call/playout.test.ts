import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Playout, type PlayoutQueue } from "../../src/call/playout.ts";

/** A queue of packets with a rest in ms. */
class FakeQueue implements PlayoutQueue {
  packetCount = 0;
  restMs = 0;
  get hasRest() {
    return this.restMs > 0;
  }
  flush() {
    if (this.restMs > 0) this.packetCount++;
    this.restMs = 0;
  }
  push(ms: number) {
    this.restMs += ms;
    this.packetCount += Math.floor(this.restMs / 20);
    this.restMs %= 20;
  }
}

let queue: FakeQueue;
let playout: Playout;

function open(sendAheadMs: number, playoutDelayMs: number) {
  queue = new FakeQueue();
  playout = new Playout({ sendAheadMs, playoutDelayMs });
}

function push(ms: number, nowMs: number): number {
  const before = queue.packetCount;
  queue.push(ms);
  playout.pushed(ms, before, nowMs);
  return step(nowMs);
}

function step(nowMs: number): number {
  let total = 0;
  for (let due = playout.due(queue, nowMs); due > 0; due = playout.due(queue, nowMs)) {
    queue.packetCount -= due;
    playout.sent(due, nowMs);
    total += due;
  }
  return total;
}

describe("playout", () => {
  beforeEach(() => open(200, 60));

  it("sends what is early up to sendAheadMs, and again, several at once, whenever half of it was heard", () => {
    expect(push(2_000, 0)).toBe(10);
    expect(playout.levelMs(0)).toBe(200);
    expect(step(99)).toBe(0);
    const steps = Array.from({ length: 90 }, (_, i) => step(20 * (i + 1)));
    expect(steps.slice(0, 10)).toEqual([0, 0, 0, 0, 5, 0, 0, 0, 0, 5]);
    expect(10 + steps.reduce((sum, sent) => sum + sent)).toBe(100);
    expect(playout.levelMs(1_800)).toBe(200);
    expect(playout.starvations).toBe(0);
  });

  it("gathers playoutDelayMs from a source in real time, and keeps that cushion", () => {
    const sent = [0, 20, 40, 60, 80].map((now) => push(20, now));
    expect(sent).toEqual([0, 0, 3, 1, 1]);
    expect(playout.levelMs(80)).toBe(60);
  });

  it("starts a short sound after playoutDelayMs though it never fills the cushion", () => {
    expect(push(20, 0)).toBe(0);
    expect(step(40)).toBe(0);
    expect(step(60)).toBe(1);
  });

  it("gathers nothing when the utterance is known to be complete", () => {
    push(20, 0);
    playout.ended();
    expect(step(1)).toBe(1);
  });

  it("sends the rest of a packet when the caller is about to hear the end, not before", () => {
    push(40, 0);
    push(30, 0);
    expect(queue.restMs).toBe(10);
    expect(playout.levelMs(0)).toBe(60);
    expect(step(20)).toBe(0);
    expect(step(40)).toBe(1);
    expect(queue.restMs).toBe(0);
  });

  it("does not pad a source in mid-speech that sends odd lengths", () => {
    let now = 0;
    let padded = 0;
    const flush = queue.flush.bind(queue);
    queue.flush = () => {
      padded++;
      flush();
    };
    for (let i = 0; i < 500; i++, now += 30) push(30, now);
    expect(padded).toBe(0);
    expect(playout.starvations).toBe(0);
    step(now + 40);
    expect(padded).toBe(0);
    push(10, now + 41);
    step(now + 81);
    expect(padded).toBe(1);
  });

  it("gathers anew after the caller ran dry, and counts the gap", () => {
    for (let now = 0; now <= 200; now += 20) push(20, now);
    // The source falls silent for 200 ms, the caller runs dry at 260.
    expect([400, 420, 440].map((now) => push(20, now))).toEqual([0, 0, 3]);
    expect(playout.starvations).toBe(1);
    expect(playout.maxLatenessMs).toBe(180);
  });

  it("counts no gap between utterances, and none after a clear", () => {
    for (let now = 0; now <= 200; now += 20) push(20, now);
    for (let now = 1_000; now <= 1_200; now += 20) push(20, now);
    expect(playout.starvations).toBe(0);
    playout.cleared(1_200);
    queue.packetCount = 0;
    for (let now = 1_300; now <= 1_400; now += 20) push(20, now);
    expect(playout.starvations).toBe(0);
  });

  it("makes up for a late clock at once", () => {
    push(2_000, 0);
    expect(step(150)).toBe(8);
    expect(step(1_000)).toBe(10);
    expect(playout.starvations).toBe(1);
    expect(playout.maxLatenessMs).toBe(1_000 - 360);
  });

  it("keeps its cushion for a source whose frames are longer than it", () => {
    for (const ms of [60, 100, 150]) {
      open(200, 60);
      // Half of the frames come 15 ms late.
      const pushes = Array.from({ length: 200 }, (_, i) => [i * ms + (i % 2) * 15, ms] as const);
      for (let now = 0, i = 0; now < 200 * ms; now += 5) {
        for (; i < pushes.length && pushes[i]![0] <= now; i++) push(ms, now);
        if (now % 20 === 0) step(now);
      }
      expect(playout.starvations).toBe(0);
    }
  });

  it("starts a frame that nobody sends in real time at once", () => {
    expect(push(400, 0)).toBe(10);
  });

  it("counts what was heard by utterance, and a pause between two as no gap", () => {
    push(200, 0);
    playout.ended();
    for (let now = 20; now <= 500; now += 20) step(now);
    push(200, 500);
    playout.ended();
    step(500);
    expect(playout.heardMs(600)).toBe(100);
    expect(playout.starvations).toBe(0);
    push(200, 600);
    step(600);
    expect(playout.heardMs(720)).toBe(20);
  });

  it("knows how much was heard", () => {
    push(2_000, 0);
    expect(playout.heardMs(0)).toBe(0);
    step(100);
    expect(playout.heardMs(100)).toBe(100);
    playout.cleared(100);
    expect(playout.levelMs(100)).toBe(0);
    expect(playout.heardMs(100)).toBe(0);
  });

  it("never starves a caller while there is audio, and never runs further ahead than it may", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 300 }),
        fc.integer({ min: 0, max: 200 }),
        fc.array(
          fc.tuple(fc.integer({ min: 1, max: 20 }), fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 }))),
          {
            minLength: 1,
            maxLength: 60,
          },
        ),
        (sendAheadMs, playoutDelayMs, events) => {
          open(sendAheadMs, playoutDelayMs);
          let now = 0;
          let pushed = 0;
          let sent = 0;
          for (const [wait, ms] of events) {
            // The clock steps at least every 20 ms while something waits.
            now += wait;
            pushed += ms;
            sent += ms > 0 ? push(ms, now) : step(now);
            expect(playout.levelMs(now)).toBeLessThan(Math.max(sendAheadMs, playoutDelayMs, 20) + 20);
            if (queue.packetCount > 0) expect(playout.levelMs(now) > 0 || playoutDelayMs > 0).toBe(true);
          }
          for (let i = 0; i < 400; i++) {
            now += 20;
            sent += step(now);
          }
          // Everything came out, at most padded: each packet once, and nothing is left behind.
          expect(queue.packetCount).toBe(0);
          expect(queue.restMs).toBe(0);
          expect(sent * 20).toBeGreaterThanOrEqual(pushed);
        },
      ),
    );
  });
});
