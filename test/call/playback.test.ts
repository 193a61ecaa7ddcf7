import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWavixTransport, packetClock, type Utterance, type WavixTransport } from "../../src/call/index.ts";
import { OutputAudioRawFrame, TTSStoppedFrame } from "../../src/pipecat/index.ts";
import { PlayingPeer } from "../support/playing-peer.ts";

/** What a mark's echo may be late by the peer's own step. */
const STEP_MS = 5;
const PACKET = 20;

let peer: PlayingPeer;
let transport: WavixTransport;

function open(delays: { thereMs?: number; backMs?: number } = {}): void {
  peer = new PlayingPeer(delays);
  transport = createWavixTransport({ socket: peer, idleTimeoutMs: 10 ** 9 });
  peer.start();
}

/** A sound that can be told from others. */
const sound = (value: number, ms: number) =>
  new OutputAudioRawFrame({ audio: new Int16Array(24 * ms).fill(value), sampleRate: 24000 });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function close(): Promise<void> {
  peer.cut();
  await pass(5_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(packetClock.size).toBe(0);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(async () => {
  await close();
  vi.useRealTimers();
});

describe("an utterance", () => {
  it("is followed by marks: where it is, and its end", async () => {
    open({ thereMs: 40, backMs: 40 });
    const utterance = transport.beginUtterance();
    await transport.send(sound(1, 1_010));
    await transport.send(new TTSStoppedFrame());
    expect(utterance).toMatchObject({ durationMs: 1_010, heardMs: 0, measuredBy: "clock" });
    await pass(600);
    expect(utterance.measuredBy).toBe("marks");
    expect(Math.abs(utterance.heardMs - peer.heardMs(1))).toBeLessThanOrEqual(PACKET + 80);
    await pass(480);
    // The caller has heard it, but that is not known yet.
    expect(peer.heardMs(1)).toBe(1_010);
    let end: unknown;
    void utterance.finished.then((value) => {
      end = value;
    });
    await pass(0);
    expect(end).toBeUndefined();
    await pass(40);
    expect(end).toEqual({ durationMs: 1_010, heardMs: 1_010, interrupted: false, measuredBy: "marks" });
    expect(utterance).toMatchObject({ durationMs: 1_010, heardMs: 1_010 });
    // 51 packets: a mark behind every twelfth, and the last.
    expect(peer.marks).toHaveLength(5);
    expect(transport.stats).toMatchObject({ marksEchoed: 5, marksMissed: 0 });
  });

  it("costs no mark when nobody follows it", async () => {
    open();
    void transport.send(sound(1, 2_000));
    await transport.send(new TTSStoppedFrame());
    await pass(2_500);
    expect(peer.marks).toEqual([]);
    const utterance = transport.beginUtterance();
    await transport.send(sound(2, 100));
    await transport.send(new TTSStoppedFrame());
    await pass(200);
    await utterance.finished;
    expect(peer.marks).toHaveLength(1);
    void transport.send(sound(3, 2_000));
    await pass(2_500);
    expect(peer.marks).toHaveLength(1);
  });

  it("that is cut off says how much of it was heard, and so do those behind it", async () => {
    open({ thereMs: 30, backMs: 50 });
    const utterances: Utterance[] = [];
    for (const [value, ms] of [
      [1, 400],
      [2, 600],
      [3, 300],
    ] as const) {
      utterances.push(transport.beginUtterance());
      await transport.send(sound(value, ms));
    }
    await transport.send(sound(3, 200));
    await pass(800);
    const { heardMs, droppedMs, utterances: cut } = transport.interrupt();
    await pass(200);
    expect(cut).toEqual(utterances.slice(1));
    const ends = await Promise.all(utterances.map(({ finished }) => finished));
    expect(ends[0]).toMatchObject({ heardMs: 400, interrupted: false });
    expect(ends[1]).toMatchObject({ durationMs: 600, interrupted: true, heardMs });
    expect(Math.abs(heardMs - peer.heardMs(2))).toBeLessThanOrEqual(PACKET + 80);
    expect(heardMs).toBeGreaterThan(250);
    expect(ends[2]).toEqual({ durationMs: 500, heardMs: 0, interrupted: true, measuredBy: "marks" });
    expect(400 + heardMs + droppedMs).toBeCloseTo(1_500, 0);
  });

  it("is not taken for heard by a mark of before the interruption", async () => {
    open({ thereMs: 100, backMs: 200 });
    const first = transport.beginUtterance();
    void transport.send(sound(1, 3_000));
    await pass(500);
    transport.interrupt();
    expect((await first.finished).interrupted).toBe(true);
    const second = transport.beginUtterance();
    void transport.send(sound(2, 3_000));
    // The clear has all marks of the first sent back now.
    await pass(350);
    expect(second.heardMs).toBeLessThanOrEqual(350);
    expect(second.measuredBy).toBe("clock");
    expect(transport.stats.marksEchoed).toBe(0);
    await pass(1_000);
    expect(Math.abs(second.heardMs - peer.heardMs(2))).toBeLessThanOrEqual(PACKET + 300);
  });

  it("of nothing ends at once, also behind others", async () => {
    open();
    const empty = transport.beginUtterance();
    const second = transport.beginUtterance();
    expect(await empty.finished).toMatchObject({ durationMs: 0, heardMs: 0, interrupted: false });
    await transport.send(sound(1, 200));
    const third = transport.beginUtterance();
    await transport.send(new TTSStoppedFrame());
    await pass(300);
    expect(await second.finished).toMatchObject({ heardMs: 200, interrupted: false });
    expect(await third.finished).toMatchObject({ durationMs: 0, interrupted: false });
  });

  it("has no part in what the codec refuses, however long that is", async () => {
    open();
    const utterance = transport.beginUtterance();
    for (const seconds of [0.1, 3]) {
      const frame = new OutputAudioRawFrame({ audio: new Int16Array(seconds * 12_345), sampleRate: 12_345 });
      await expect(transport.send(frame)).rejects.toThrow(RangeError);
    }
    await transport.send(sound(1, 200));
    await transport.send(new TTSStoppedFrame());
    await pass(300);
    expect(await utterance.finished).toMatchObject({ durationMs: 200, heardMs: 200, interrupted: false });
  });

  it("that turns out to be complete when its last mark is back ends then", async () => {
    open();
    const utterance = transport.beginUtterance();
    await transport.send(sound(1, 480));
    await pass(1_000);
    expect(utterance.heardMs).toBe(480);
    let finished = false;
    void utterance.finished.then(() => {
      finished = true;
    });
    await pass(0);
    expect(finished).toBe(false);
    await transport.send(new TTSStoppedFrame());
    await pass(20);
    expect(finished).toBe(true);
  });

  it("that is known to be complete long after it was heard makes the next none the later", async () => {
    open();
    transport.beginUtterance();
    await transport.send(sound(1, 500));
    await pass(1_500);
    await transport.send(new TTSStoppedFrame());
    await pass(50);
    const next = transport.beginUtterance();
    await transport.send(sound(2, 900));
    await pass(200);
    expect(Math.abs(next.heardMs - peer.heardMs(2))).toBeLessThanOrEqual(PACKET);
  });

  it("that begins after an interruption has nothing unheard before it", async () => {
    open({ thereMs: 150, backMs: 150 });
    transport.beginUtterance();
    void transport.send(sound(1, 3_000));
    await pass(1_500);
    transport.interrupt();
    transport.beginUtterance();
    expect(transport.unheardMs).toBe(0);
  });

  it("goes by the clock alone when the peer sends no mark back, and says so", async () => {
    open({ thereMs: 10 });
    peer.echoes = false;
    const utterance = transport.beginUtterance();
    void transport.send(sound(1, 5_000));
    await transport.send(new TTSStoppedFrame());
    for (let i = 0; i < 20; i++) {
      await pass(237);
      expect(Math.abs(utterance.heardMs - peer.heardMs(1))).toBeLessThanOrEqual(PACKET);
      expect(utterance.measuredBy).toBe("clock");
    }
    await pass(300);
    // No waiting for what never comes: there was time to find that out.
    expect(await utterance.finished).toEqual({
      ...{ durationMs: 5_000, heardMs: 5_000, interrupted: false, measuredBy: "clock" },
    });
    expect(transport.stats).toMatchObject({ marksEchoed: 0 });
    expect(transport.stats.marksMissed).toBeGreaterThan(5);
  });

  it("goes back to the clock when marks stay away, and to marks when they come again", async () => {
    open();
    const utterance = transport.beginUtterance();
    void transport.send(sound(1, 10_000));
    await pass(1_000);
    expect(utterance.measuredBy).toBe("marks");
    peer.echoes = false;
    await pass(1_000);
    // What the last mark says holds: the caller has not been heard to be further.
    expect(utterance.heardMs).toBeLessThan(1_300);
    await pass(2_000);
    expect(utterance.measuredBy).toBe("clock");
    expect(Math.abs(utterance.heardMs - peer.heardMs(1))).toBeLessThanOrEqual(PACKET);
    peer.echoes = true;
    await pass(500);
    expect(utterance.measuredBy).toBe("marks");
  });

  it("knows of a peer that plays late, which the clock does not", async () => {
    open({ thereMs: 400, backMs: 10 });
    const utterance = transport.beginUtterance();
    void transport.send(sound(1, 4_000));
    await pass(2_000);
    expect(transport.unheardMs).toBeGreaterThanOrEqual(2_380);
    expect(Math.abs(utterance.heardMs - peer.heardMs(1))).toBeLessThanOrEqual(PACKET + 20);
  });

  it("is over with the call, and none begins after it", async () => {
    open();
    const utterance = transport.beginUtterance();
    void transport.send(sound(1, 3_000));
    await pass(500);
    void transport.end({ endedBy: "server", reason: "test", now: true });
    const { heardMs, interrupted } = await utterance.finished;
    expect(interrupted).toBe(true);
    expect(Math.abs(heardMs - 500)).toBeLessThanOrEqual(PACKET + STEP_MS);
    expect(() => transport.beginUtterance()).toThrow(expect.objectContaining({ code: "CALL_OVER" }));
  });

  it("says what a socket that did not drain kept from the caller", async () => {
    open();
    const utterance = transport.beginUtterance();
    void transport.send(sound(1, 2_000));
    await transport.send(new TTSStoppedFrame());
    await pass(500);
    peer.bufferedAmount = 600_000;
    await pass(400);
    peer.bufferedAmount = 0;
    await pass(3_600);
    const { heardMs, durationMs } = await utterance.finished;
    const { packetsDropped } = transport.stats;
    // Some 400 ms, by when the batches went.
    expect(packetsDropped).toBeGreaterThanOrEqual(15);
    expect(packetsDropped).toBeLessThanOrEqual(25);
    expect(durationMs).toBe(2_000);
    expect(heardMs).toBe(2_000 - 20 * packetsDropped);
    expect(peer.heardMs(1)).toBe(heardMs);
  });
});

describe("waiting for playout", () => {
  it("is not over early because a mark of the position comes back first", async () => {
    open({ thereMs: 20, backMs: 20 });
    transport.beginUtterance();
    await transport.send(sound(1, 1_000));
    let over = false;
    void transport.waitForPlayout().then(() => {
      over = true;
    });
    await pass(900);
    expect(peer.marks.length).toBeGreaterThan(2);
    expect(over).toBe(false);
    await pass(200);
    expect(over).toBe(true);
  });

  it("waits for the mark when the caller is behind the clock", async () => {
    open({ thereMs: 300, backMs: 300 });
    const utterance = transport.beginUtterance();
    await transport.send(sound(1, 1_000));
    await transport.send(new TTSStoppedFrame());
    await pass(1_100);
    let over = false;
    void transport.waitForPlayout().then(() => {
      over = true;
    });
    await pass(100);
    expect(over).toBe(false);
    await pass(500);
    await utterance.finished;
    expect(over).toBe(true);
  });

  it("costs one mark for all who wait for the same, and ends with the interruption for all", async () => {
    open();
    await transport.send(sound(1, 1_000));
    const waits = Array.from({ length: 2_000 }, () => transport.waitForPlayout());
    await transport.send(sound(2, 1_000));
    const later = transport.waitForPlayout();
    await pass(1_100);
    await Promise.all(waits);
    expect(peer.marks).toHaveLength(1);
    transport.interrupt();
    await later;
  });
});

describe("any conversation", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ say: fc.integer({ min: 5, max: 900 }) }) },
    { weight: 3, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 700 }) }) },
    { weight: 2, arbitrary: fc.constant("begin" as const) },
    { weight: 1, arbitrary: fc.constant("stop" as const) },
    { weight: 1, arbitrary: fc.constant("interrupt" as const) },
  );

  it("has its positions right to a packet and the round trip, with marks and without", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.nat(150),
        fc.nat(150),
        fc.boolean(),
        async (steps, thereMs, backMs, echoes) => {
          open({ thereMs, backMs });
          peer.echoes = echoes;
          const utterances: Utterance[] = [];
          let following = false;
          const exactMs = PACKET + thereMs + backMs + STEP_MS;
          const check = () => {
            utterances.forEach((utterance, i) => {
              expect(Math.abs(utterance.heardMs - peer.heardMs(i + 1))).toBeLessThanOrEqual(exactMs);
            });
          };
          for (const act of steps) {
            if (act === "begin") {
              utterances.push(transport.beginUtterance());
              following = true;
            } else if (act === "stop") {
              await transport.send(new TTSStoppedFrame());
              following = false;
            } else if (act === "interrupt") {
              const { utterances: cut } = transport.interrupt();
              following = false;
              for (const utterance of cut) expect(utterance.heardMs).toBeLessThan(utterance.durationMs);
            } else if ("say" in act) {
              // What is said outside of utterances has a value of its own.
              await transport.send(sound(following ? utterances.length : 9_999, act.say));
            } else await pass(act.wait);
            check();
          }
          await transport.send(new TTSStoppedFrame());
          await pass(40_000);
          check();
          const ends = await Promise.all(utterances.map(({ finished }) => finished));
          ends.forEach(({ durationMs, heardMs, interrupted }) => {
            expect(interrupted).toBe(heardMs < durationMs);
          });
          if (!echoes) expect(ends.every(({ measuredBy }) => measuredBy === "clock")).toBe(true);
          expect(transport.unheardMs).toBe(0);
          await close();
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
