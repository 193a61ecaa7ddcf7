/** The events of a call's life that Wavix posts to a webhook (Wavix OpenAPI: `Call.event_type`). */
export type CallEventType =
  | "call_setup"
  | "ringing"
  | "early_media"
  | "answered"
  | "completed"
  | "busy"
  | "cancelled"
  | "rejected"
  | "on_call_event";

/**
 * Everything Wavix leaves undocumented, as switches. The published descriptions fix status codes, JSON shapes, message
 * names and the audio format; what they do not say is decided here and nowhere else. The defaults are the plainest
 * reading of the documents; a server that wants to be safe passes its tests with every other value too.
 *
 * A call may be given its own values; those of the section on REST that are about calls which are not there, and the
 * texts, are the simulator's.
 *
 * @example
 * const simulator = await createWavixSimulator({ behaviour: { callIdFields: "id", serverCloseEndsCall: true } });
 */
export interface Behaviour {
  // --- webhooks ---

  /** Events posted while the call rings, in this order. Default `["call_setup", "ringing"]`. */
  eventsBeforeAnswer: readonly CallEventType[];
  /** Events posted once the call is answered. Default `["answered"]`. */
  eventsOnAnswer: readonly CallEventType[];
  /** Posted when an answered call ends. Default `"completed"`; `null` posts nothing. */
  eventWhenCompleted: CallEventType | null;
  /** Posted when the caller gives up before the answer. Default `"cancelled"`; `null` posts nothing. */
  eventWhenCallerGaveUp: CallEventType | null;
  /** Posted when an unanswered call is hung up over REST. Default `"rejected"`; `null` posts nothing. */
  eventWhenRejected: CallEventType | null;
  /** Names under which a call's id is sent: `id` (current), `uuid` (deprecated), or both. Default `"both"`. */
  callIdFields: "both" | "id" | "uuid";
  /** How many times each webhook is posted. Default 1; 2 makes every event arrive twice. */
  webhookCopies: number;
  /**
   * `"in-order"` (default): an event is posted when the one before it was replied to, and what the answer has overtaken
   * is left out. `"at-once"`: nothing waits, so that events of one call may overtake each other.
   */
  webhookOrder: "in-order" | "at-once";
  /** How often a webhook is posted again when the reply is not 200 or does not come. Default 0. */
  webhookRetries: number;
  /** Wait before such a repetition, in ms. Default 1000. */
  webhookRetryDelayMs: number;
  /** How long a reply to a webhook is waited for, in ms. Default 15000. */
  webhookTimeoutMs: number;
  /** An account webhook of type `on-call` that gets every event as well. Default `null`: only the number's URL does. */
  accountWebhookUrl: string | null;

  // --- opening the stream ---

  /** How long the WebSocket handshake may take, in ms. Default 10000. */
  connectTimeoutMs: number;
  /** Keep the query string of `stream_url`. Default true. */
  keepStreamUrlQuery: boolean;
  /**
   * When `/answer` and `/streams` reply: `false` (default) at once, `true` when the socket is open; a socket that cannot
   * be opened is then a 400.
   */
  replyAfterSocket: boolean;
  /** The call ends when `stream_url` cannot be reached. Default false: the caller sits on a silent line. */
  failedStreamEndsCall: boolean;
  /** Send `connected`. Documented as always sent; `false` is for tests. Default true. */
  sendConnected: boolean;
  /** Send `start`. Documented as always sent; `false` is for tests. Default true. */
  sendStart: boolean;

  // --- media ---

  /** Send media while the caller says nothing. Default true. */
  mediaDuringSilence: boolean;
  /**
   * Unit of `media.timestamp`: the AsyncAPI calls it an RTP timestamp and shows 160, the guide milliseconds. Default
   * `"rtp-8khz"` (160 a packet); `"rtp-24khz"` is 480 a packet, `"ms"` 20.
   */
  timestampUnit: "rtp-8khz" | "rtp-24khz" | "ms";
  /** `media.timestamp` of the first packet. Default 160, as in the AsyncAPI example. */
  timestampStart: number;
  /** Write `sequence_number`, `chunk` and `timestamp` as strings, as the guide shows them. Default false: as integers. */
  numbersAsStrings: boolean;
  /** A one-way stream of both tracks counts their chunks together (default true) or each track on its own. */
  tracksShareChunkCount: boolean;
  /** Every so many-th media message is lost on the way; its numbers are used up. Default 0: none. */
  losesEveryPacket: number;
  /** Every so many-th media message is sent twice. Default 0: none. */
  repeatsEveryPacket: number;
  /** Every so many-th media message changes places with the one behind it. Default 0: none. */
  swapsEveryPacket: number;

  // --- playback ---

  /** Audio the playback buffer holds, in ms; what comes when it is full is dropped. Default 600000. */
  maxBufferedMs: number;
  /** Media that is not exactly 20 ms long: `"play"` it (default) or `"drop"` it. Counted either way. */
  offSizeMedia: "play" | "drop";
  /** Media of an odd byte count: `"trim"` the last byte (default) or `"drop"` the message. Counted either way. */
  oddByteMedia: "trim" | "drop";
  /** Send marks back. Documented as always done; `false` is for tests. Default true. */
  echoMarks: boolean;
  /** Extra time between the end of playback and the echo of a mark, in ms, to the next 20 ms. Default 0. */
  markEchoDelayMs: number;
  /** Order in which queued marks come back on `clear`. Default `"in-order"`. */
  marksOnClear: "in-order" | "reversed";
  /** Largest message taken from the server, in bytes; a larger one closes the socket with 1009. Default 1 MiB. */
  maxMessageBytes: number;

  // --- end of stream and call ---

  /** How a stream ends: `stop` and then close (default), without `stop`, or with the close left to the server. */
  streamEnd: "stop-then-close" | "close-only" | "stop-only";
  /** Close code of a socket that Wavix closes. Default 1000. */
  closeCode: number;
  /** The socket is closed after `DELETE …/streams/{id}`. Default true; false sends `stop` only. */
  stoppedStreamCloses: boolean;
  /** At the end of a call the stream ends before (default) or after the last webhook is posted. */
  endOrder: "stream-first" | "webhook-first";
  /**
   * A socket closed by the server ends the call. Default false: the call stays up, silent, until it is hung up over
   * REST. Either way what was queued for playback is not heard any more.
   */
  serverCloseEndsCall: boolean;

  // --- REST ---

  /** Which generation of 401 and 404 texts is sent: of June 2026 (default) or of April 2026. */
  errorTexts: "2026-06" | "2026-04";
  /** Fields a request body does not know: refused with 400 (default; `additionalProperties: false`) or ignored. */
  unknownBodyFields: "refuse" | "ignore";
  /** Status of `/streams` for a call that is not there: 404 (default) or 400. */
  unknownCallOnStreams: 400 | 404;
  /** Status of `DELETE …/streams/{id}` for a stream that is not there: 200 (default; no 404 is listed) or 404. */
  unknownStreamOnDelete: 200 | 404;
  /** `/streams` before the answer: `"refuse"` with 400 (default) or `"accept"`. */
  streamBeforeAnswer: "refuse" | "accept";
  /** A second two-way stream: `"refuse"` with 400 (default), `"replace"` the first, or `"accept"`. */
  secondTwoWayStream: "refuse" | "replace" | "accept";
  /** A sixth one-way stream: `"refuse"` with 400 (default) or `"accept"`. */
  sixthOneWayStream: "refuse" | "accept";
  /** Status of a second `/answer`: 400 (default), 404, or 200 without effect. */
  answerTwice: 200 | 400 | 404;
  /** `DELETE /v1/calls/{id}` before the answer: ends the call (default) or is refused with 404. */
  hangUpBeforeAnswer: "ends" | "refuse";
  /** A call that is over is `"gone"` (404, default) or still `"known"` to `GET /v1/calls/{id}` (the last 100 are). */
  endedCalls: "gone" | "known";

  // --- in-call actions ---

  /** How long a file of `/play` lasts, in ms: it is not fetched and not heard. Default 1000. */
  playDurationMs: number;
  /** Time from `/collect` until the caller has pressed the keys, in ms. Default 200. */
  digitsAfterMs: number;
  /** Keys that are there when the time of `/collect` is up: `"complete"` it (default), or it has failed, with them. */
  keysAtTimeout: "complete" | "fail";
  /** `/collect` while one is going on: takes its place, of which nothing is told (default), or is refused with 400. */
  secondCollect: "replace" | "refuse";
}

/** The defaults of {@link Behaviour}. */
export const defaultBehaviour: Readonly<Behaviour> = Object.freeze<Behaviour>({
  eventsBeforeAnswer: ["call_setup", "ringing"],
  eventsOnAnswer: ["answered"],
  eventWhenCompleted: "completed",
  eventWhenCallerGaveUp: "cancelled",
  eventWhenRejected: "rejected",
  callIdFields: "both",
  webhookCopies: 1,
  webhookOrder: "in-order",
  webhookRetries: 0,
  webhookRetryDelayMs: 1000,
  webhookTimeoutMs: 15_000,
  accountWebhookUrl: null,
  connectTimeoutMs: 10_000,
  keepStreamUrlQuery: true,
  replyAfterSocket: false,
  failedStreamEndsCall: false,
  sendConnected: true,
  sendStart: true,
  mediaDuringSilence: true,
  timestampUnit: "rtp-8khz",
  timestampStart: 160,
  numbersAsStrings: false,
  tracksShareChunkCount: true,
  losesEveryPacket: 0,
  repeatsEveryPacket: 0,
  swapsEveryPacket: 0,
  maxBufferedMs: 600_000,
  offSizeMedia: "play",
  oddByteMedia: "trim",
  echoMarks: true,
  markEchoDelayMs: 0,
  marksOnClear: "in-order",
  maxMessageBytes: 1 << 20,
  streamEnd: "stop-then-close",
  closeCode: 1000,
  stoppedStreamCloses: true,
  endOrder: "stream-first",
  serverCloseEndsCall: false,
  errorTexts: "2026-06",
  unknownBodyFields: "refuse",
  unknownCallOnStreams: 404,
  unknownStreamOnDelete: 200,
  streamBeforeAnswer: "refuse",
  secondTwoWayStream: "refuse",
  sixthOneWayStream: "refuse",
  answerTwice: 400,
  hangUpBeforeAnswer: "ends",
  endedCalls: "gone",
  playDurationMs: 1000,
  digitsAfterMs: 200,
  keysAtTimeout: "complete",
  secondCollect: "replace",
});
