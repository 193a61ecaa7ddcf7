import type { WavixFrameSerializer } from "../wavix/wire/index.ts";
import type { BotReport } from "./bot-notes.ts";
import type { CallControl, CallFacts, EndedBy } from "./call.ts";
import type { Lateness } from "./lateness.ts";
import { PACKET_MS, type PacketClock } from "./packet-clock.ts";

// biome-ignore lint/suspicious/noExplicitAny: only `any` fits the listeners of every EventEmitter's types.
type Listener = (...args: any[]) => void;

/** What a transport needs of a WebSocket; those of the `ws` package have it. */
export interface TransportSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array, options: { binary: boolean; compress: boolean }): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message" | "close" | "error", listener: Listener): unknown;
  off(event: "message" | "close" | "error", listener: Listener): unknown;
}

/** All but `socket` is optional. */
export interface WavixTransportOptions {
  /** An open WebSocket of Wavix's media stream, on the server's side. */
  readonly socket: TransportSocket;
  /** The TCP socket below it: several packets then go out in one write. */
  readonly rawSocket?: { cork(): void; uncork(): void } | undefined;
  /** Reads the messages. Its `sampleRate` is the rate of the caller's frames; made with defaults when left out. */
  readonly serializer?: WavixFrameSerializer | undefined;
  /** Rate of the caller's frames in Hz when the serializer sets none; 16000 as in Pipecat. */
  readonly audioInSampleRate?: number | undefined;
  readonly facts?: CallFacts | undefined;
  /** Hangs up; without it the end of a call is the end of its socket. */
  readonly control?: CallControl | undefined;
  /** How far audio is sent ahead of the caller's ear when it is there early; 200 ms. */
  readonly sendAheadMs?: number | undefined;
  /** How much audio is gathered before a sound starts, so that one late packet is no gap; 60 ms. */
  readonly playoutDelayMs?: number | undefined;
  /** How much audio may wait before `send` holds the bot back; 30,000 ms. */
  readonly maxQueuedMs?: number | undefined;
  /** Longest wait for the first message; 10,000 ms. */
  readonly startTimeoutMs?: number | undefined;
  /** Longest silence of the socket; 60,000 ms. Wavix sends 50 messages a second. */
  readonly idleTimeoutMs?: number | undefined;
  /** Messages a second that are read, in the long run; 200, 0 for no limit. What comes beyond is dropped (counted). */
  readonly maxMessagesPerSecond?: number | undefined;
  /** Longest call; 4 hours. */
  readonly maxCallMs?: number | undefined;
  /** Is told how late each write is; several calls may share one. */
  readonly lateness?: Lateness | undefined;
  /** Is told of each report of a bot ({@link Call.report}), as far as it was taken. */
  readonly onReport?: ((report: BotReport) => void) | undefined;
  /** For tests; the clock of the process. */
  readonly clock?: PacketClock | undefined;
}

/** What went through a transport. Counts rise only; times are in ms. */
export interface TransportStats {
  /** Packets of the caller's audio that were taken. */
  packetsIn: number;
  /** Packets that the stream's numbers passed over; concealed where the gap is no longer than a second. */
  packetsLost: number;
  /** Those of the lost that came after all, too late, and were left out. */
  packetsLate: number;
  /** Packets that came again, and were left out. */
  packetsDuplicated: number;
  /** How often the stream's numbers made a jump that was not filled in. */
  numberJumps: number;
  /** Interarrival jitter of the caller's audio as in RFC 3550; the present estimate. */
  jitterMs: number;
  /** How often the caller's audio stayed away for a second or more, and the longest such time. */
  inputPauses: number;
  longestInputPauseMs: number;
  packetsOut: number;
  /** Packets that were not sent because the socket did not drain. */
  packetsDropped: number;
  /** Frames that the bot did not read in time. */
  framesDropped: number;
  /** Marks and other messages that were not sent because the socket did not drain. */
  messagesUnsent: number;
  interruptions: number;
  /** Marks of the transport's own that came back, and that did not within two seconds of the end of the audio. */
  marksEchoed: number;
  marksMissed: number;
  /** How often the caller ran dry in mid-utterance. */
  starvations: number;
  /** The longest such gap. */
  maxLatenessMs: number;
  /** Messages that were not read because too many came. */
  messagesDropped: number;
  /** Messages that were no text. */
  binaryMessages: number;
  /** How often a stream's audio started afresh because the codec was replaced. */
  discontinuities: number;
}

/** Of a transport that nothing has gone through yet. */
export function noStats(): TransportStats {
  return {
    packetsIn: 0,
    packetsLost: 0,
    packetsLate: 0,
    packetsDuplicated: 0,
    numberJumps: 0,
    jitterMs: 0,
    inputPauses: 0,
    longestInputPauseMs: 0,
    packetsOut: 0,
    packetsDropped: 0,
    framesDropped: 0,
    messagesUnsent: 0,
    interruptions: 0,
    marksEchoed: 0,
    marksMissed: 0,
    starvations: 0,
    maxLatenessMs: 0,
    messagesDropped: 0,
    binaryMessages: 0,
    discontinuities: 0,
  };
}

/** How a call is to end. */
export interface EndOptions {
  readonly endedBy: EndedBy;
  /** In one word; see {@link CallEnd}. */
  readonly reason: string;
  readonly error?: unknown;
  /** What the caller has not heard yet is dropped. */
  readonly now?: boolean;
  /** Only this socket is given up: the call itself goes on elsewhere. */
  readonly keepCall?: boolean;
}

/** The numbers of {@link WavixTransportOptions}, checked and complete. */
export interface TransportSettings {
  readonly sendAheadMs: number;
  readonly playoutDelayMs: number;
  readonly maxQueuedMs: number;
  readonly startTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxMessagesPerSecond: number;
  readonly maxCallMs: number;
}

/** @throws RangeError for a number that cannot work */
export function readTransportSettings(options: WavixTransportOptions): TransportSettings {
  return {
    sendAheadMs: atLeast("sendAheadMs", options.sendAheadMs ?? 200, 0),
    playoutDelayMs: atLeast("playoutDelayMs", options.playoutDelayMs ?? 60, 0),
    maxQueuedMs: atLeast("maxQueuedMs", options.maxQueuedMs ?? 30_000, PACKET_MS),
    startTimeoutMs: atLeast("startTimeoutMs", options.startTimeoutMs ?? 10_000, 1),
    idleTimeoutMs: atLeast("idleTimeoutMs", options.idleTimeoutMs ?? 60_000, 1),
    maxMessagesPerSecond: atLeast("maxMessagesPerSecond", options.maxMessagesPerSecond ?? 200, 0),
    maxCallMs: atLeast("maxCallMs", options.maxCallMs ?? 4 * 3_600_000, 1),
  };
}

function atLeast(name: string, value: number, minimum: number): number {
  if (typeof value !== "number" || !(value >= minimum)) {
    throw new RangeError(`${name} must be at least ${minimum}, got ${String(value)}`);
  }
  return value;
}
