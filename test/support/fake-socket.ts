import { EventEmitter } from "node:events";
import type { TransportSocket } from "../../src/call/index.ts";

/** A WebSocket without a network: what was sent is kept, what comes in is said with `say`. */
export class FakeSocket extends EventEmitter implements TransportSocket {
  readyState = 1;
  bufferedAmount = 0;
  /** Everything that was sent, parsed. */
  readonly sent: { event: string; media?: { payload: string }; mark?: { name: string }; stream_id?: string }[] = [];
  /** Moments of `performance.now()` at which they were. */
  readonly sentAtMs: number[] = [];
  closeCode: number | undefined;
  terminated = false;
  /** Whether it answers the closing handshake. */
  answersClose = true;

  send(data: string | Uint8Array): void {
    const text = typeof data === "string" ? data : Buffer.from(data).toString();
    this.sent.push(JSON.parse(text));
    this.sentAtMs.push(performance.now());
  }

  close(code?: number): void {
    if (this.readyState >= 2) return;
    this.closeCode = code;
    this.readyState = 2;
    if (this.answersClose) this.cut();
  }

  terminate(): void {
    this.terminated = true;
    this.cut();
  }

  /** The connection is gone. */
  cut(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.emit("close");
  }

  /** A message from Wavix. */
  say(message: object | string | Uint8Array): void {
    const binary = message instanceof Uint8Array;
    const data = binary ? message : typeof message === "string" ? message : JSON.stringify(message);
    this.emit("message", Buffer.from(data as string), binary);
  }

  start(callId = "call-1", streamId = "stream-1"): void {
    this.say({ event: "connected", event_time: "2024-01-15T10:30:00Z" });
    this.say({ event: "start", call_id: callId, stream_id: streamId, stream_type: "twoway", sequence_number: 1 });
  }

  /** 20 ms of the caller's audio. */
  media(samples: Int16Array = new Int16Array(480)): void {
    const payload = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString("base64");
    this.say({ event: "media", stream_id: "stream-1", media: { payload, track: "inbound" } });
  }

  /** Echoes all marks that were sent and not echoed yet, as Wavix does when they have been played. */
  echoMarks(): void {
    for (const { event, mark } of this.sent) {
      if (event === "mark" && mark !== undefined) this.say({ event: "mark", stream_id: "stream-1", mark });
    }
  }

  events(): string[] {
    return this.sent.map(({ event }) => event);
  }
}
