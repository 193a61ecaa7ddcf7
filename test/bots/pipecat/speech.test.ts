import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noBridgeCounts } from "../../../src/bots/pipecat/counters.ts";
import { Speech } from "../../../src/bots/pipecat/speech.ts";
import type { Call } from "../../../src/call/index.ts";
import { type Frame, OutputAudioRawFrame } from "../../../src/pipecat/index.ts";

/** What a bot's speech needs of a call. Nothing is heard unless the test says so. */
function fakeCall() {
  const call = {
    sent: [] as Frame[],
    unheardMs: 0,
    interruptions: 0,
    utterances: 0,
    signal: new AbortController().signal,
    async send(frame: Frame) {
      call.sent.push(frame);
      if (frame instanceof OutputAudioRawFrame) call.unheardMs += (frame.numFrames * 1_000) / frame.sampleRate;
    },
    beginUtterance() {
      call.utterances++;
      return { finished: new Promise(() => undefined) };
    },
    interrupt() {
      call.interruptions++;
      call.unheardMs = 0;
    },
  };
  return call;
}

const counters = noBridgeCounts();
const second = new Int16Array(8_000).fill(1_000);

function open() {
  const call = fakeCall();
  const full: boolean[] = [];
  const options = { call: call as unknown as Call, counters, onHeard: () => undefined };
  const speech = new Speech({ ...options, onFull: (isFull) => full.push(isFull) });
  return { call, full, speech };
}

describe("a bot's speech", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("has the bot rest when 20 s of it wait, until half of that has been heard", () => {
    const { call, full, speech } = open();
    for (let i = 0; i < 20; i++) speech.say(second, 8_000, 1);
    expect(full).toEqual([]);
    speech.say(second, 8_000, 1);
    speech.say(second, 8_000, 1);
    expect(full).toEqual([true]);
    call.unheardMs = 10_500;
    vi.advanceTimersByTime(5_000);
    expect(full).toEqual([true]);
    call.unheardMs = 10_000;
    vi.advanceTimersByTime(500);
    expect(full).toEqual([true, false]);
    vi.advanceTimersByTime(5_000);
    expect(full).toEqual([true, false]);
    expect(call.sent).toHaveLength(22);
  });

  it("is one utterance until the bot stops, is interrupted, or pauses for a second", () => {
    const { call, speech } = open();
    speech.say(second, 8_000, 1);
    speech.say(second, 8_000, 1);
    expect(call.utterances).toBe(1);
    speech.stopped();
    speech.stopped();
    speech.say(second, 8_000, 1);
    expect(call.utterances).toBe(2);
    speech.interrupt();
    speech.say(second, 8_000, 1);
    expect(call.utterances).toBe(3);
    vi.advanceTimersByTime(1_001);
    speech.say(second, 8_000, 1);
    // Nothing of it has been heard yet: this is no pause.
    expect(call.utterances).toBe(3);
    call.unheardMs = 0;
    vi.advanceTimersByTime(1_001);
    speech.say(second, 8_000, 1);
    expect(call.utterances).toBe(4);
  });

  it("is held back from where it ends in a second of silence, until something comes behind it", () => {
    const { call, speech } = open();
    const lengths = () => call.sent.map((frame) => (frame as OutputAudioRawFrame).audio.length);
    const goodbye = new Int16Array(3 * 8_000).map((_, i) => (i < 100 ? 1_000 : i % 2 ? 8 : -8));
    speech.say(goodbye, 8_000, 1);
    expect(lengths()).toEqual([100]);
    speech.say(second, 8_000, 1);
    expect(lengths()).toEqual([100, 23_900, 8_000]);
    const stereo = new Int16Array(2 * 8_000 + 2).fill(1_000, 0, 1);
    speech.say(stereo, 8_000, 2);
    expect(lengths().at(-1)).toBe(2);
  });

  it("is not put off by a silence that has passed when it goes on", () => {
    const { call, speech } = open();
    const lengths = () => call.sent.map((frame) => (frame as OutputAudioRawFrame).audio?.length);
    const goodbye = new Int16Array(2 * 8_000).fill(1_000, 0, 4_000);
    speech.say(goodbye, 8_000, 1);
    // The silence begins 500 ms from now, and is 1500 ms long.
    vi.advanceTimersByTime(1_500);
    call.unheardMs = 0;
    speech.say(second, 8_000, 1);
    expect(lengths()).toEqual([4_000, 4_000, 8_000]);
    call.unheardMs = 0;
    speech.say(goodbye, 8_000, 1);
    vi.advanceTimersByTime(60_000);
    call.unheardMs = 0;
    speech.say(second, 8_000, 1);
    expect(lengths().slice(3)).toEqual([4_000, 8_000]);
  });

  it("is not taken back where there is nothing to take back", () => {
    const { call, speech } = open();
    speech.interrupt();
    expect(call.interruptions).toBe(0);
  });
});
