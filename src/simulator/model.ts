import type { SimulatedAccount } from "./account.ts";
import type { Behaviour, CallEventType } from "./behaviour.ts";
import type { CallerAudio } from "./caller-audio.ts";
import type { ApiOperation, Fault } from "./faults.ts";
import type { KeyPress } from "./key-presses.ts";
import type { Lateness } from "./lateness.ts";
import type { CallScript } from "./script.ts";
import type { InvalidCause } from "./server-message.ts";

/** Options of {@link createWavixSimulator}. */
export interface SimulatorOptions {
  /** Port of the REST side. Default 0: any free one, told by `apiPort`. */
  apiPort?: number;
  /** Address it listens on. Default `127.0.0.1`. */
  host?: string;
  /** When given, requests without `Authorization: Bearer <apiKey>` get 401. */
  apiKey?: string;
  /** What Wavix leaves undocumented; the rest of {@link defaultBehaviour} applies. */
  behaviour?: Partial<Behaviour>;
  /** What it says of its account; see {@link SimulatedAccount}. */
  account?: SimulatedAccount;
  /** Faults of the REST side, in force from the start. */
  faults?: readonly Fault[];
  /** Calls in progress at once; `placeCall` throws `TOO_MANY_CALLS` beyond. Default 2000. */
  maxCalls?: number;
}

/** A stand-in for Wavix: a REST side, webhooks, and callers with a microphone and an ear. */
export interface WavixSimulator {
  /** Base URL of the REST side, to be used as `WAVIX_API_BASE`. */
  readonly apiUrl: string;
  readonly apiPort: number;
  /** Calls in progress. */
  readonly calls: readonly SimulatedCall[];
  /** The last 1000 requests to the REST side, oldest first, those answered with a fault included. */
  readonly requests: readonly RecordedRequest[];
  /** How many requests there were, of one operation or in all; older than the last 1000 included. */
  requestCount(operation?: ApiOperation): number;
  /** Makes coming requests fail; see {@link Fault}. Faults of one operation apply in the order they were given. */
  injectFault(fault: Fault): void;
  clearFaults(): void;
  /**
   * Lets a caller ring. Returns at once; the call lives on its own.
   *
   * @throws TypeError or RangeError for an argument, {@link SimulatorError} `TOO_MANY_CALLS` or `SIMULATOR_CLOSED`.
   */
  placeCall(options: PlaceCallOptions): SimulatedCall;
  /** Ends all calls and stops listening. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A request to the REST side. */
export interface RecordedRequest {
  /** `null` for a path Wavix does not have. */
  operation: ApiOperation | null;
  method: string;
  path: string;
  /** The parsed JSON, the raw text where it is none, `undefined` where there is no body. */
  body: unknown;
  /** The status sent, `null` while (or because) there was no reply. */
  status: number | null;
}

/** One simulated caller. */
export interface PlaceCallOptions {
  /** Where Wavix posts the call's events: the number's `call_status_url`. */
  webhookUrl: string;
  /** The caller. Default `+12025550143`. */
  from?: string;
  /** The number called. Default `+12025550199`. */
  to?: string;
  /** A UUID. Default: a new one. */
  callId?: string;
  /** What the caller says, PCM16 at 24 kHz or prepared by {@link prepareCallerAudio}. Default: silence. */
  callerAudio?: Int16Array | CallerAudio;
  /** Silence before the caller speaks, in ms from the start of the stream, rounded up to 20 ms. Default 0. */
  speakAfterMs?: number;
  /** The caller says it again and again. Default false. */
  loop?: boolean;
  /** The caller hangs up this long after the stream starts; after the answer, where no stream starts. Default: never. */
  hangUpAfterMs?: number;
  /** The caller gives up when not answered within this time, in ms. Default 60000. */
  ringTimeoutMs?: number;
  /** Keys the caller answers each `/collect` with, and no more then. Default: none, so that a collection fails. */
  digits?: string;
  /** Keys the caller presses at these moments, asked or not; a `/collect` that is going on gets them. At most 1000. */
  keys?: readonly KeyPress[];
  /** Keep what was said and heard, at most 10 minutes of it. Default true; false saves memory under load. */
  record?: boolean;
  /** Is told of every packet, as it passes. */
  observer?: PacketObserver;
  /** Aborting it makes the caller hang up. */
  signal?: AbortSignal;
  /** What its stream says instead of what Wavix would; see {@link CallScript}. `callerAudio` is then not said. */
  script?: CallScript;
  /** What this call does differently from the others. */
  behaviour?: Partial<Behaviour>;
}

/** Watches the packets of a call. What it does is done for every packet: it must be quick, and must not throw. */
export interface PacketObserver {
  /** A packet was sent to the server, so many ms after it was due. */
  sent?(lateMs: number): void;
  /** The caller hears this, from this sample of the timeline on. The samples are only lent. */
  heard?(samples: Int16Array, atSample: number): void;
}

/** What a caller has said: from one moment of its timeline to another, in ms. */
export interface SpokenClip {
  readonly startMs: number;
  readonly endMs: number;
}

/** A call in progress. Its promises never reject. */
export interface SimulatedCall {
  readonly id: string;
  readonly state: "ringing" | "answered" | "ended";
  /** The outcome of the first webhook: the earliest sign of a server that is not there. `null` when none was sent. */
  readonly announced: Promise<WebhookDelivery | null>;
  /** `true` when answered, `false` when the call ended without. */
  readonly answered: Promise<boolean>;
  /** `true` when the first stream's socket is open, `false` when the call ended without. */
  readonly streaming: Promise<boolean>;
  /** The report, when the call is over, its sockets closed and its last webhook replied to. */
  readonly ended: Promise<CallReport>;
  /**
   * The caller says something, from the next packet on. Returns where it stands on the caller's timeline; null when there is
   * no stream to say it on.
   *
   * @throws RangeError when it is too long, or the caller has said too much
   */
  say(audio: Int16Array | CallerAudio): SpokenClip | null;
  /** The caller hangs up. Does nothing when the call is over. */
  hangUp(): void;
  /**
   * Sends bytes on the stream's socket as if Wavix did: a string as a text frame, bytes as a binary one.
   * Returns false when no socket is open.
   */
  sendRaw(data: string | Uint8Array): boolean;
  /** Cuts the stream's socket without a close frame, as a failing network does. The call stays up. */
  dropSocket(): void;
  /** The figures so far; `recording` is left out until the call is over. */
  report(): CallReport;
}

/**
 * Who ended a call: `caller` hung up, `rest` the server over REST, `socket` the server by closing the socket
 * ({@link Behaviour.serverCloseEndsCall}), `stream` a stream that could not be opened
 * ({@link Behaviour.failedStreamEndsCall}), `unanswered` the ring time-out, `aborted` the signal, `simulator` its `close()`.
 */
export type CallEnd = "caller" | "rest" | "socket" | "stream" | "unanswered" | "aborted" | "simulator";

/** What became of a webhook, the last attempt where there were several. */
export interface WebhookDelivery {
  event: CallEventType;
  /** Status of the reply; `null` when there was none. */
  status: number | null;
  /** Why there was no reply: a system error code such as `ECONNREFUSED`, or `TIMEOUT`; `null` when there was one. */
  error: string | null;
  /** The first 1024 characters of the reply. */
  reply: string;
  attempts: number;
  /** From the first attempt to the reply, in ms. */
  durationMs: number;
}

/** What a call was like. Times are in ms from the first webhook, `null` for what did not happen. */
export interface CallReport {
  callId: string;
  /** Of the first stream, `null` without one. */
  streamId: string | null;
  endedBy: CallEnd | null;
  /** The server ended the call with `DELETE /v1/calls/{id}`. */
  hungUpOverRest: boolean;
  /** Who closed the last socket: `simulator` with a close frame, `server` with one, `cut` without (`closeCode` 1006). */
  closedBy: "simulator" | "server" | "cut" | null;
  closeCode: number | null;
  /** Why the last stream that failed to open did: a system error code, `HTTP <status>`, `TIMEOUT`; else `null`. */
  streamError: string | null;
  times: {
    answeredMs: number | null;
    /** The first stream's socket was open. */
    socketMs: number | null;
    /** Sample 0 of the caller's timeline: the first stream's media began. */
    timelineMs: number | null;
    /** The caller heard the first sound (louder than -60 dBFS). */
    firstAudioMs: number | null;
    endedMs: number | null;
  };
  /** From the caller to the server. */
  sent: {
    packets: number;
    /** Packets left out because the server did not read (1 MiB waiting) or the machine stalled. */
    skippedPackets: number;
    /** Those of them that were left out because the server did not read. */
    untakenPackets: number;
    marks: number;
    stops: number;
    /** How long after their deadline packets were sent: the simulator's own lateness. */
    lateness: Lateness;
  };
  /** From the server to the caller. */
  received: {
    /** Media messages. */
    packets: number;
    /** Media messages of another length than 960 bytes. */
    offSizePackets: number;
    marks: number;
    clears: number;
    /** Messages with another stream's id, dropped as Wavix does. */
    mismatchedStreamIds: number;
    /** Messages on a one-way stream, dropped. */
    onewayMessages: number;
    /** Messages that came after `stop`, dropped. */
    messagesAfterStop: number;
    /** Those of them that were media. */
    packetsAfterStop: number;
    invalidMessages: number;
    invalidByCause: Partial<Record<InvalidCause, number>>;
    /** How much later than the audio before it allowed each packet came, pauses of more than 500 ms left out. */
    lateness: Lateness;
    /** Interarrival jitter of the packets (RFC 3550, 6.4.1) at the end; high for a server that sends ahead of time. */
    jitterMs: number;
  };
  playout: {
    /** Times the playout ran dry and audio resumed within 500 ms without a `clear`. */
    gaps: number;
    longestGapMs: number;
    playedMs: number;
    /** Dropped by `clear`. */
    clearedMs: number;
    /** Dropped because the buffer was full. */
    droppedMs: number;
    /** Still queued when the stream ended: never heard. */
    unheardMs: number;
    /** Marks dropped because 1000 were waiting. */
    droppedMarks: number;
  };
  /** One per event and copy, in the order the outcomes were known, at most 100. */
  webhooks: WebhookDelivery[];
  /** `null` when the call was not recorded, had no stream, or is still going on. */
  recording: CallRecording | null;
}

/** Both directions of a call, on one timeline: sample n of each is the same instant at the caller's. */
export interface CallRecording {
  sampleRate: number;
  /** The microphone. */
  said: Int16Array;
  /** The ear. */
  heard: Int16Array;
  /** The call was longer than the 10 minutes kept. */
  truncated: boolean;
}
