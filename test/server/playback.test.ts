import { describe, expect } from "vitest";
import type { Bot, UtteranceEnd } from "../../src/call/index.ts";
import { InputAudioRawFrame, OutputAudioRawFrame, TTSStoppedFrame } from "../../src/pipecat/index.ts";
import { prepareCallerAudio } from "../../src/simulator/index.ts";
import { it } from "../support/open-server.ts";
import { expectSameSamples, noise } from "../support/signals.ts";

const speech = (ms: number) => new OutputAudioRawFrame({ audio: noise(24 * ms), sampleRate: 24_000 });

describe("a stream in disorder", () => {
  it("is heard in its true time, untouched where it arrived, and all of it is accounted for", async ({ open }) => {
    const callerSamples = noise(24_000 * 3);
    const frames: InputAudioRawFrame[] = [];
    const bot: Bot = async (call) => {
      for await (const frame of call.frames()) if (frame instanceof InputAudioRawFrame) frames.push(frame);
    };
    const behaviour = { losesEveryPacket: 11, repeatsEveryPacket: 7, swapsEveryPacket: 13, numbersAsStrings: true };
    const { placeCall, log } = await open({ bot, sampleRate: 24_000 }, { behaviour });
    const { sent } = await placeCall({
      callerAudio: prepareCallerAudio(callerSamples),
      hangUpAfterMs: 2_500,
    }).ended;
    const line = await log.line("call ended");
    const count = (name: string) => (line as unknown as Record<string, number>)[name] as number;
    const [packetsIn, packetsLost] = [count("packetsIn"), count("packetsLost")];
    expect(sent.packets).toBeGreaterThan(100);
    // What is lost at the very end leaves no trace.
    expect(sent.packets - (packetsIn + packetsLost)).toBeLessThanOrEqual(2);
    expect(packetsLost).toBeGreaterThan(8);
    expect(count("packetsLate")).toBeGreaterThan(5);
    expect(count("packetsDuplicated")).toBeGreaterThan(10);
    expect(line).toMatchObject({ numberJumps: 0, framesDropped: 0, inputPauses: 0 });
    expect(count("jitterMs")).toBeGreaterThan(0);
    expect(frames).toHaveLength(packetsIn + packetsLost);
    expect(frames.filter(({ metadata }) => metadata.concealed === true)).toHaveLength(packetsLost);
    let compared = 0;
    frames.forEach(({ audio, pts, metadata }, i) => {
      expect(pts).toBe(i * 20_000_000);
      const said = callerSamples.subarray(i * 480, (i + 1) * 480);
      if (metadata.concealed === true || said.length < 480) return;
      expectSameSamples(audio, said);
      compared++;
    });
    expect(compared).toBeGreaterThan(80);
  });
});

describe("an utterance on a real socket", () => {
  it.for([
    ["marks", true],
    ["clock", false],
  ] as const)("is measured by %s when they are echoed: %s", async ([measuredBy, echoMarks], { open }) => {
    const ends: UtteranceEnd[] = [];
    let cutOff = false;
    const bot: Bot = async (call) => {
      const first = call.beginUtterance();
      await call.send(speech(600));
      const second = call.beginUtterance();
      await call.send(speech(900));
      await call.send(new TTSStoppedFrame());
      while (second.heardMs < 200) await new Promise((resolve) => setTimeout(resolve, 10));
      const { utterances } = call.interrupt();
      ends.push(await first.finished, await second.finished);
      cutOff = utterances.length === 1 && utterances[0] === second;
    };
    const { placeCall, log } = await open({ bot }, { behaviour: { echoMarks } });
    const { playout, received } = await placeCall().ended;
    expect(ends[0]).toEqual({ durationMs: 600, heardMs: 600, interrupted: false, measuredBy });
    expect(ends[1]).toMatchObject({ durationMs: 900, interrupted: true, measuredBy });
    const heardMs = (ends[0]?.heardMs ?? 0) + (ends[1]?.heardMs ?? 0);
    expect(cutOff).toBe(true);
    expect(Math.abs(playout.playedMs - heardMs)).toBeLessThan(250);
    expect(received.marks).toBeGreaterThanOrEqual(4);
    expect(await log.line("call ended")).toMatchObject({ endedBy: "bot", reason: "bot-ended" });
  });
});
