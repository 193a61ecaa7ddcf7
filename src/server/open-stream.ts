import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type CallEnd, createWavixTransport, type EndOptions, type WavixTransport } from "../call/index.ts";
import { WavixFrameSerializer } from "../wavix/wire/index.ts";
import { reportsTo } from "./bot-reports.ts";
import { botsInTurn } from "./bots-in-turn.ts";
import { type CallRecord, describe, recordOf } from "./call-record.ts";
import type { FollowedCall } from "./followed-call.ts";
import { type CallSnapshot, type LiveCall, snapshotOf } from "./live-call.ts";
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
  readonly #trace: FollowedCall | undefined;

  constructor(socket: WebSocket, rawSocket: Duplex, context: SessionContext) {
    const { settings, bots, log, watch, lateness, botDurations } = context;
    const transport: WavixTransport = createWavixTransport({
      ...settings,
      socket,
      rawSocket,
      lateness,
      // It says which call it is only when it starts.
      onReport: reportsTo(botDurations, (fields) => log.info({ callId: transport.callId, ...fields }, "bot report")),
      serializer: new WavixFrameSerializer({ params: { sampleRate: settings.sampleRate } }),
    });
    this.transport = transport;
    // Not before: where no codec is to be had there is no stream, and nothing would end its trace.
    this.#trace = context.tracer()?.follow(undefined);
    this.#trace?.socket(socket, rawSocket);
    watch.add(transport, socket, rawSocket);
    const failed = (error: unknown) => log.warn({ callId: transport.callId, error: describe(error) }, "bot failed");
    this.closed = transport.run(bots.length === 1 ? bots[0] : botsInTurn(transport, bots, failed)).then((end) => {
      const record = this.#record(end);
      log[end.error === undefined ? "info" : "warn"](record, "call ended");
      this.#trace?.end(record);
      return record;
    });
  }

  get callId(): string | undefined {
    return this.transport.callId;
  }

  end(options: EndOptions): Promise<unknown> {
    return this.transport.end(options);
  }

  trace(): string | undefined {
    return this.#trace?.begin();
  }

  snapshot(): CallSnapshot {
    const { callId, ending } = this.transport;
    return snapshotOf(callId, ending ? "ending" : "streaming", this.#startedAtMs, this.transport);
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
