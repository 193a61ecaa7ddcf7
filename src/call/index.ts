/**
 * The transport of one call: pacing, interruption, playout, and an end that is the same on both sides.
 *
 * @module pipecat-wavix/transport
 */
export { type BotReport, type FigureSummary, REPORT_LIMITS, type ReportSummary } from "./bot-notes.ts";
export {
  type Bot,
  type Call,
  type CallControl,
  type CallEnd,
  CallError,
  type CallFacts,
  type EndedBy,
  type Interruption,
  type Utterance,
  type UtteranceEnd,
} from "./call.ts";
export { CallInput } from "./call-input.ts";
export { CallOutput } from "./call-output.ts";
export { type CollectedDigits, DigitCollector } from "./digit-collector.ts";
export { LATENESS_BUCKETS_MS, Lateness } from "./lateness.ts";
export { PACKET_MS, PacketClock, packetClock, type Ticker } from "./packet-clock.ts";
export { TokenBucket } from "./token-bucket.ts";
export { createWavixTransport, WavixTransport } from "./transport.ts";
export type { EndOptions, TransportSocket, TransportStats, WavixTransportOptions } from "./transport-options.ts";
