export { WavixApiError, type WavixApiErrorCode, type WavixApiErrorDetails, type WavixOperation } from "./api-error.ts";
export {
  type CallEvent,
  type CallEventKind,
  callEventKind,
  type InCallPayload,
  isCallOver,
  overEventTypes,
  setupEventTypes,
} from "./call-event.ts";
export { isCallId, maxCallIdLength } from "./call-id.ts";
export { toE164 } from "./phone-number.ts";
export type {
  AnswerOptions,
  CollectOptions,
  PlayOptions,
  PromptVoice,
  StreamChannel,
  StreamOptions,
  StreamType,
} from "./request-bodies.ts";
export { type RequestOptions, WavixRestClient, type WavixRestClientOptions } from "./rest-client.ts";
export {
  createStreamTokenSigner,
  type StreamTokenSigner,
  type StreamTokenSignerOptions,
  type VerifiedStreamToken,
} from "./stream-token.ts";
export { type ParsedCallEvent, parseCallEvent } from "./webhook.ts";
