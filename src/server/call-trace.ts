import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { redact, type TraceHeader, type TraceStep } from "../wavix/trace/index.ts";
import type { CallRecord } from "./call-record.ts";
import { tapSocket } from "./socket-tap.ts";
import type { TraceFile } from "./trace-file.ts";

/** A bot's own messages may be longer than any of Wavix's; the rest of them is left out. */
const MAX_TEXT_LENGTH = 65_536;

/** Any step, without its time. */
type Untimed<T> = T extends { ms: number } ? Omit<T, "ms"> : never;

/** Writes down what happens on one call, redacted. */
export class CallTrace {
  readonly #file: TraceFile;
  readonly #keepAudio: boolean;
  readonly #startedAtMs = performance.now();
  readonly #untaps = new Map<WebSocket, () => void>();
  #socketCount = 0;
  #closing: Promise<void> | undefined;
  #end: Pick<CallRecord, "endedBy" | "reason"> | undefined;

  readonly #onClosed: () => void;

  /** @param onClosed called when the file is at its end, once */
  constructor(file: TraceFile, header: TraceHeader, onClosed: () => void = () => {}) {
    this.#file = file;
    this.#onClosed = onClosed;
    this.#keepAudio = header.audio;
    file.write(header);
  }

  /** Looks on from now on until the socket is closed. */
  socket(socket: WebSocket, rawSocket: Duplex): void {
    const at = ++this.#socketCount;
    this.#write({ dir: "in", kind: "open", socket: at });
    const untap = tapSocket(socket, rawSocket, {
      message: (dir, bytes, isBinary) => {
        if (isBinary) {
          const base64 = this.#keepAudio ? { base64: bytes.toString("base64", 0, MAX_TEXT_LENGTH) } : {};
          this.#write({ dir, kind: "binary", socket: at, byteLength: bytes.length, ...base64 });
        } else this.#text(dir, at, bytes);
      },
      close: (dir, code) => {
        this.#write({ dir, kind: "close", socket: at, code });
        if (dir === "out") return;
        this.#untaps.delete(socket);
        this.#closeWhenOver();
      },
    });
    this.#untaps.set(socket, untap);
  }

  #text(dir: "in" | "out", socket: number, bytes: Buffer): void {
    const { text, cuts } = redact(bytes.toString("utf8", 0, MAX_TEXT_LENGTH), this.#keepAudio);
    this.#write({ dir, kind: "text", socket, text, ...(cuts.length === 0 ? {} : { cuts }) });
  }

  webhook(event: string): void {
    this.#write({ dir: "in", kind: "webhook", event: /^[a-z_-]{1,64}$/.test(event) ? event : "unknown" });
  }

  /** A request has ended. */
  rest(operation: string, outcome: string, tookMs: number): void {
    this.#write({ dir: "out", kind: "rest", operation, outcome, tookMs: rounded(tookMs) });
  }

  /** The call is over; its sockets may still say goodbye. */
  end({ endedBy, reason }: Pick<CallRecord, "endedBy" | "reason">): void {
    this.#end = { endedBy, reason: /^[a-z_-]{1,64}$/i.test(reason) ? reason : "other" };
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    if (this.#end !== undefined && this.#untaps.size === 0) void this.close();
  }

  /** Settles when what could be written is. */
  close(): Promise<void> {
    this.#closing ??= this.#close().then(this.#onClosed);
    return this.#closing;
  }

  #close(): Promise<void> {
    for (const untap of this.#untaps.values()) untap();
    this.#untaps.clear();
    const end = this.#end ?? { endedBy: "server", reason: "shutdown" };
    return this.#file.close((lost) => ({ ms: this.#nowMs(), kind: "end", ...end, lost }) satisfies TraceStep);
  }

  #nowMs(): number {
    return rounded(performance.now() - this.#startedAtMs);
  }

  #write(step: Untimed<TraceStep>): void {
    this.#file.write({ ms: this.#nowMs(), ...step });
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
