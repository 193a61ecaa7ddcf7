import { describe, expect, test } from "vitest";
import * as frames from "../../src/pipecat/frames.ts";
import {
  BotStartedSpeakingFrame,
  CancelFrame,
  ControlFrame,
  DataFrame,
  EndFrame,
  ErrorFrame,
  Frame,
  InputAudioRawFrame,
  InputDTMFFrame,
  InterruptionFrame,
  type KeypadEntry,
  MarkFrame,
  OutputAudioRawFrame,
  OutputDTMFFrame,
  OutputDTMFUrgentFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  StartFrame,
  StopFrame,
  SystemFrame,
  TextFrame,
  TranscriptionFrame,
  TTSAudioRawFrame,
  TTSStartedFrame,
  TTSStoppedFrame,
} from "../../src/pipecat/frames.ts";

describe("every frame", () => {
  test("has a rising id, a name made of class and id, no pts and empty metadata", () => {
    const first = new InterruptionFrame();
    const second = new TextFrame({ text: "hello" });
    expect(second.id).toBe(first.id + 1);
    expect(second.name).toBe(`TextFrame#${second.id}`);
    expect(second.pts).toBeNull();
    expect(second.transportSource).toBeNull();
    expect(second.metadata).toEqual({});
  });

  test("keeps its metadata, and its own", () => {
    const [one, other] = [new TextFrame({ text: "a" }), new TextFrame({ text: "b" })];
    one.metadata.turn = 3;
    expect(one.metadata).toEqual({ turn: 3 });
    expect(other.metadata).toEqual({});
  });

  test("of an application's own is named after its class", () => {
    class SurveyFrame extends DataFrame {}
    expect(new SurveyFrame().name).toMatch(/^SurveyFrame#\d+$/);
  });

  // The categories decide what an interruption drops: they are Pipecat's (frames.py).
  test.each([
    [SystemFrame, ["StartFrame", "CancelFrame", "ErrorFrame", "InputAudioRawFrame", "InterruptionFrame"]],
    [SystemFrame, ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame", "MarkFrame", "OutputDTMFUrgentFrame"]],
    [SystemFrame, ["UserStartedSpeakingFrame", "UserStoppedSpeakingFrame", "InputDTMFFrame"]],
    [SystemFrame, ["InputTransportMessageFrame", "OutputTransportMessageUrgentFrame"]],
    [DataFrame, ["OutputAudioRawFrame", "TTSAudioRawFrame", "TextFrame", "TranscriptionFrame", "OutputDTMFFrame"]],
    [DataFrame, ["OutputTransportMessageFrame"]],
    [ControlFrame, ["EndFrame", "StopFrame", "TTSStartedFrame", "TTSStoppedFrame"]],
  ])("belongs to Pipecat's category: %o", (category, names) => {
    const exported = frames as unknown as Record<string, { prototype: unknown } | undefined>;
    for (const name of names) expect(exported[name]?.prototype, name).toBeInstanceOf(category);
  });
});

describe("audio frames", () => {
  test("count samples per channel", () => {
    const audio = new Int16Array(960);
    expect(new InputAudioRawFrame({ audio, sampleRate: 16000, numChannels: 2 }).numFrames).toBe(480);
    expect(new OutputAudioRawFrame({ audio: new Uint8Array(961), sampleRate: 24000, numChannels: 2 }).numFrames).toBe(
      240,
    );
    expect(new OutputAudioRawFrame({ audio, sampleRate: 24000 }).numFrames).toBe(960);
  });

  test("hold the audio they were given, without a copy", () => {
    const audio = new Int16Array([1, -2]);
    const frame = new TTSAudioRawFrame({ audio, sampleRate: 8000, numChannels: 1, contextId: "greeting" });
    expect(frame.audio).toBe(audio);
    expect(frame).toMatchObject({ sampleRate: 8000, numChannels: 1, contextId: "greeting" });
    expect(frame).toBeInstanceOf(OutputAudioRawFrame);
  });

  test.each([
    ["a list", [1, 2]],
    ["floats", new Float32Array(2)],
    ["nothing", undefined],
    ["null", null],
    ["an object without a prototype", Object.create(null)],
  ])("refuse %s as audio", (_, audio) => {
    const options = { audio: audio as Int16Array, sampleRate: 16000, numChannels: 1 };
    expect(() => new InputAudioRawFrame(options)).toThrow(/^audio must be an Int16Array, got /);
    expect(() => new OutputAudioRawFrame(options)).toThrow(/^audio must be an Int16Array or a Uint8Array, got /);
    expect(() => new InputAudioRawFrame(options)).toThrow(TypeError);
  });

  test("refuse bytes as the caller's audio", () => {
    const audio = new Uint8Array(2) as unknown as Int16Array;
    expect(() => new InputAudioRawFrame({ audio, sampleRate: 16000 })).toThrow(
      "audio must be an Int16Array, got Uint8Array",
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuse %d as a rate or a number of channels",
    (value) => {
      const audio = new Int16Array(2);
      const wanted = `must be an integer of at least 1, got ${value}`;
      expect(() => new InputAudioRawFrame({ audio, sampleRate: value })).toThrow(
        new RangeError(`sampleRate ${wanted}`),
      );
      expect(() => new OutputAudioRawFrame({ audio, sampleRate: 8000, numChannels: value })).toThrow(
        new RangeError(`numChannels ${wanted}`),
      );
      expect(() => new StartFrame({ audioInSampleRate: value })).toThrow(new RangeError(`audioInSampleRate ${wanted}`));
    },
  );

  test("refuse a rate that is no number", () => {
    const sampleRate = "16000" as unknown as number;
    expect(() => new InputAudioRawFrame({ audio: new Int16Array(1), sampleRate })).toThrow(
      new TypeError("sampleRate must be a number, got string"),
    );
  });
});

describe("the other frames", () => {
  test("StartFrame has Pipecat's default rates", () => {
    expect(new StartFrame()).toMatchObject({ audioInSampleRate: 16000, audioOutSampleRate: 24000 });
    expect(new StartFrame({ audioInSampleRate: 8000 })).toMatchObject({
      audioInSampleRate: 8000,
      audioOutSampleRate: 24000,
    });
  });

  test("EndFrame and CancelFrame carry a reason, or null", () => {
    expect(new EndFrame().reason).toBeNull();
    expect(new EndFrame({ reason: "stop" }).reason).toBe("stop");
    expect(new CancelFrame({ reason: "drain" }).reason).toBe("drain");
  });

  test("ErrorFrame carries what was thrown", () => {
    const exception = new Error("gone");
    expect(new ErrorFrame({ error: "gone", fatal: true, exception })).toMatchObject({
      error: "gone",
      fatal: true,
      exception,
    });
    expect(new ErrorFrame({ error: "gone" }).fatal).toBe(false);
  });

  test("keys are 0 to 9, * and #", () => {
    expect(new InputDTMFFrame({ button: "#" }).button).toBe("#");
    expect(new OutputDTMFFrame({ buttons: "0123456789*#" }).buttons).toEqual([..."0123456789*#"]);
    expect(new OutputDTMFUrgentFrame({ buttons: ["1", "2"] }).buttons).toEqual(["1", "2"]);
    for (const bad of ["", "A", "12", 5]) {
      expect(() => new InputDTMFFrame({ button: bad as KeypadEntry })).toThrow(RangeError);
    }
    expect(() => new OutputDTMFFrame({ buttons: "1-2" })).toThrow("button must be one of 0123456789*#");
    expect(() => new OutputDTMFFrame({ buttons: 12 as unknown as string })).toThrow(TypeError);
  });

  test("messages pass as they are", () => {
    const message = { type: "anything" };
    expect(new OutputTransportMessageFrame({ message }).message).toBe(message);
    expect(new OutputTransportMessageUrgentFrame({ message }).message).toBe(message);
  });

  test("text is text", () => {
    expect(new TranscriptionFrame({ text: "yes", userId: "caller", timestamp: "2024-01-15T10:30:00Z" })).toMatchObject({
      text: "yes",
      userId: "caller",
      language: null,
    });
    expect(() => new TextFrame({ text: 1 as unknown as string })).toThrow(
      new TypeError("text must be a string, got number"),
    );
    expect(() => new MarkFrame({ markName: undefined as unknown as string })).toThrow(/^markName must be a string/);
  });

  test("an utterance may be named", () => {
    expect(new TTSStartedFrame({ contextId: "greeting" }).contextId).toBe("greeting");
    expect(new TTSStoppedFrame().contextId).toBeNull();
  });

  test("frames without fields are made without arguments", () => {
    for (const frame of [new StopFrame(), new InterruptionFrame(), new BotStartedSpeakingFrame()]) {
      expect(frame).toBeInstanceOf(Frame);
    }
  });
});
