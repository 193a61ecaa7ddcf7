import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type CallEnd, createWavixTransport, type EndOptions, type WavixTransport } from "../call/index.ts";
import { WavixFrameSerializer } from "../wavix/wire/index.ts";
import { botsInTurn } from "./bots-in-turn.ts";
import { type CallRecord, describe, isoOf, nonZero, recordOf } from "./call-record.ts";
import type { CallSnapshot, LiveCall } from "./live-call.ts";
import type { SessionContext } from "./session.ts";

/**
 * A socket that was let in without a token. There is no call to hang up: what a socket says of itself is not to be trusted
 * with that.
 */
export class OpenStream implements LiveCall {
  readonly transport: WavixTransport;
  /** Settles when the socket is closed and everything of it given back. Never rejects. */
  readonly closed: Promise<CallRecord>;
  readonly #startedAtMs = performance.now();

  constructor(socket: WebSocket, rawSocket: Duplex, context: SessionContext) {
    const { settings, bots, log, watch, lateness } = context;
    const transport = createWavixTransport({
      ...settings,
      socket,
      rawSocket,
      lateness,
      serializer: new WavixFrameSerializer({ params: { sampleRate: settings.sampleRate } }),
    });
    this.transport = transport;
    watch.add(transport, socket, rawSocket);
    const failed = (error: unknown) => log.warn({ callId: transport.callId, error: describe(error) }, "bot failed");
    this.closed = transport.run(bots.length === 1 ? bots[0] : botsInTurn(transport, bots, failed)).then((end) => {
      const record = this.#record(end);
      log[end.error === undefined ? "info" : "warn"](record, "call ended");
      return record;
    });
  }

  get callId(): string | undefined {
    return this.transport.callId;
  }

  end(options: EndOptions): Promise<unknown> {
    return this.transport.end(options);
  }

  snapshot(): CallSnapshot {
    const { callId, streamId, unheardMs, ending, stats, drops } = this.transport;
    return {
      callId,
      state: ending ? "ending" : "streaming",
      startedAt: isoOf(this.#startedAtMs),
      durationMs: Math.round(performance.now() - this.#startedAtMs),
      streamId,
      unheardMs: Math.round(unheardMs),
      ...stats,
      drops: nonZero(drops),
    };
  }

  #record(end: CallEnd): CallRecord {
    const { callId, transport } = this;
    return recordOf({
      callId,
      end,
      startedAtMs: this.#startedAtMs,
      streamingAtMs: this.#startedAtMs,
      transport,
    });
  }
}
