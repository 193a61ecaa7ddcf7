export { parseTrace, type Trace, TraceError, type TraceErrorCode } from "../wavix/trace/index.ts";
export type { ReadScope, SimulatedAccount } from "./account.ts";
export {
  type Behaviour,
  type CallEventType,
  defaultBehaviour,
} from "./behaviour.ts";
export { type CallOutcome, outcomeOf } from "./call-outcome.ts";
export { CallerAudio, prepareCallerAudio } from "./caller-audio.ts";
export { type CompareOptions, type Comparison, compareHeard } from "./compare.ts";
export { Ear } from "./ear.ts";
export { SimulatorError, type SimulatorErrorCode } from "./errors.ts";
export type { ApiOperation, Fault } from "./faults.ts";
export type { KeyPress } from "./key-presses.ts";
export type { Lateness } from "./lateness.ts";
export { type LoadFigures, LoadTally, type Percentiles } from "./load-figures.ts";
export { type LoadPlan, type LoadProgress, LoadRun } from "./load-run.ts";
export { MarkerEar, type MarkersHeard, markerAudio } from "./markers.ts";
export type {
  CallEnd,
  CallRecording,
  CallReport,
  PacketObserver,
  PlaceCallOptions,
  RecordedRequest,
  SimulatedCall,
  SimulatorOptions,
  SpokenClip,
  WavixSimulator,
  WebhookDelivery,
} from "./model.ts";
export { PlaybackBuffer, type PlaybackOptions } from "./playback-buffer.ts";
export { callIdOf, maxProcesses, openRestRouter, type RestRouter } from "./rest-router.ts";
export type { CallScript, ScriptedMessage } from "./script.ts";
export type { InvalidCause } from "./server-message.ts";
export { createWavixSimulator } from "./simulator.ts";
export { readSpeechRecording } from "./speech.ts";
export { incomingSteps, scriptOf, streamSteps, type TraceScriptOptions } from "./trace-script.ts";
export { parseWav, readWavFile, type WavRecording, writeWav } from "./wav.ts";
