/**
 * What goes over a WebSocket to a Pipecat bot and back: protobuf frames, and RTVI messages inside of them. Runs anywhere.
 *
 * @module
 */
export type { AudioFrame, MalformedFrame, MalformedReason } from "./audio-frame.ts";
export { AudioFrameWriter, encodeAudioFrame } from "./audio-frame-writer.ts";
export * from "./rtvi.ts";
export * from "./rtvi-requests.ts";
export * from "./server-request.ts";
export * from "./wire-frame.ts";
