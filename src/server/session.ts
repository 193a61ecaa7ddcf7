import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import type { WebSocket } from "ws";
import {
  type Bot,
  type CallEnd,
  createWavixTransport,
  type EndedBy,
  type EndOptions,
  type Lateness,
  type WavixTransport,
} from "../call/index.ts";
import { type CallEvent, isCallOver, type WavixRestClient } from "../wavix/control/index.ts";
import type { StartMessage } from "../wavix/wire/index.ts";
import { WavixFrameSerializer } from "../wavix/wire/index.ts";
import { answerCall } from "./answering.ts";
import type { BotDurations } from "./bot-durations.ts";
import { reportsTo } from "./bot-reports.ts";
import { botsInTurn } from "./bots-in-turn.ts";
import { controlOf } from "./call-control.ts";
import type { NewCall } from "./call-host.ts";
import { type CallRecord, describe, recordOf } from "./call-record.ts";
import { CollectedKeys } from "./collected-keys.ts";
import type { FollowedCall } from "./followed-call.ts";
import { type CallSnapshot, type LiveCall, snapshotOf } from "./live-call.ts";
import type { HostSettings } from "./settings.ts";
import type { StreamWatch } from "./stream-watch.ts";
import type { Tracer } from "./tracer.ts";

/** What a session needs of the server. */
export interface SessionContext {
  readonly settings: HostSettings;
  readonly rest: WavixRestClient;
  /** Who talks to callers; each takes over where the one before it failed. */
  readonly bots: readonly [Bot, ...Bot[]];
  readonly log: Logger;
  readonly watch: StreamWatch;
  /** Undefined where nothing is traced. */
  tracer(): Tracer | undefined;
  /** Of all calls' audio. */
  readonly lateness: Lateness;
  /** Of all calls' reports. */
  readonly botDurations: BotDurations;
  /** The call is over and everything of it has been given back. */
  onEnd(session: CallSession, record: CallRecord): void;
}

/**
 * One call from the webhook to its end.
 *
 * ```
 * answering ──▶ waiting for the socket ──▶ waiting for start ──▶ bot runs ──▶ over
 *     └──────────────────┴─────── whatever fails ───┴── hang up ────────────────▲
 * ```
 */
export class CallSession implements LiveCall {
  readonly callId: string;
  readonly #call: NewCall;
  readonly #context: SessionContext;
  readonly #log: Logger;
  readonly #trace: FollowedCall | undefined;
  readonly #aborter = new AbortController();
  readonly #keys = new CollectedKeys();
  readonly #startedAtMs = performance.now();
  #transport: WavixTransport | undefined;
  #socketTimer: ReturnType<typeof setTimeout> | undefined;
  #tokenUsed: (() => void) | undefined;
  #answered = false;
  #streamingAtMs: number | undefined;
  /** Its `start` named another call than its token: said at once, and again in the summary. */
  #startNamedAnother = false;
  /** It is being hung up or has ended: nothing more begins. */
  #closing = false;
  #ended = false;

  constructor(call: NewCall, context: SessionContext) {
    this.callId = call.callId;
    this.#call = call;
    this.#trace = context.tracer()?.follow(call.callId);
    this.#context = this.#trace === undefined ? context : { ...context, rest: this.#trace.rest(context.rest) };
    this.#log = context.log.child({ callId: call.callId });
  }

  get transport(): WavixTransport | undefined {
    return this.#transport;
  }

  /** Whether the bot has the call. */
  get streaming(): boolean {
    return this.#streamingAtMs !== undefined;
  }

  /** Whether a socket may still come, or a newer one. */
  get awaitsSocket(): boolean {
    return !this.streaming && !this.#closing;
  }

  /** Answers the call and has its stream started. Never rejects. */
  async answer(): Promise<void> {
    this.#log.info("call offered");
    const failure = await answerCall(this.#call, this.#context, this.#aborter.signal);
    if (this.#closing) return;
    if (failure === undefined) {
      this.#answered = true;
      this.#log.info({ ms: this.#elapsed() }, "call answered");
      if (this.#transport !== undefined) return;
      const { startTimeoutMs } = this.#context.settings;
      this.#socketTimer = setTimeout(() => void this.#fail("no-socket", undefined, true), startTimeoutMs);
    } else if (this.streaming) {
      // The stream says that it took effect, whatever became of the reply.
      const facts = { reason: failure.reason, error: describe(failure.error) };
      this.#log.warn(facts, "request failed, but the stream is there");
    } else await this.#fail(failure.reason, failure.error, failure.mayBeUp);
  }

  /**
   * The call's socket has come. Until it has shown a stream, a newer one takes its place.
   *
   * @param tokenUsed called when the stream has started: the token is good for no other socket then
   */
  attach(socket: WebSocket, rawSocket: Duplex, tokenUsed: () => void): void {
    const { settings, rest, watch, lateness, botDurations } = this.#context;
    this.#trace?.socket(socket, rawSocket);
    const transport = createWavixTransport({
      socket,
      rawSocket,
      serializer: new WavixFrameSerializer({ params: { sampleRate: settings.sampleRate } }),
      facts: this.#call,
      control: controlOf(rest, this.callId, this.#aborter.signal),
      lateness,
      onReport: reportsTo(botDurations, (fields) => this.#log.info(fields, "bot report")),
      playoutDelayMs: settings.playoutDelayMs,
      sendAheadMs: settings.sendAheadMs,
      maxCallMs: settings.maxCallMs,
      idleTimeoutMs: settings.idleTimeoutMs,
      startTimeoutMs: settings.startTimeoutMs,
      maxMessagesPerSecond: settings.maxMessagesPerSecond,
    });
    watch.add(transport, socket, rawSocket);
    clearTimeout(this.#socketTimer);
    this.#transport?.end({ endedBy: "server", reason: "replaced", now: true, keepCall: true });
    this.#transport = transport;
    this.#tokenUsed = tokenUsed;
    void transport.ready.then((start) => this.#begin(transport, start));
    void transport.closed.then((end) => {
      // A socket that was replaced, or gave up before it had a stream and was replaced since, is not the call.
      if (this.#transport === transport) this.#finish(end);
    });
  }

  #begin(transport: WavixTransport, start: StartMessage | null): void {
    if (this.#transport !== transport || this.#ended || transport.signal.aborted) return;
    this.#tokenUsed?.();
    this.#streamingAtMs = performance.now();
    if (start?.call_id !== undefined && start.call_id !== this.callId) {
      this.#startNamedAnother = true;
      this.#log.warn({ strict: this.#context.settings.strictStart }, "start names another call");
      if (this.#context.settings.strictStart) {
        void transport.end({ endedBy: "server", reason: "wrong-call", now: true });
        return;
      }
    }
    this.#log.info({ streamId: transport.streamId, ms: this.#elapsed() }, "call streaming");
    const { bots } = this.#context;
    const failed = (error: unknown) => this.#log.warn({ error: describe(error) }, "bot failed");
    void transport.run(bots.length === 1 ? bots[0] : botsInTurn(transport, bots, failed));
  }

  /** A webhook about this call. */
  event(event: CallEvent): void {
    this.#trace?.webhook(event.eventType);
    if (isCallOver(event)) {
      this.#log.debug({ eventType: event.eventType }, "call over at Wavix");
      if (this.#transport !== undefined) this.#transport.callOver(event.eventType || "call-over");
      // What is being hung up from here ends with its own reason.
      else if (!this.#closing) this.#finish({ endedBy: "caller", reason: event.eventType || "call-over" });
    } else for (const frame of this.#keys.framesOf(event)) this.#transport?.deliver(frame);
  }

  trace(): string | undefined {
    return this.#trace?.begin();
  }

  snapshot(): CallSnapshot {
    const transport = this.#transport;
    const waiting = this.#answered || transport !== undefined ? "waiting" : "answering";
    const ending = this.#closing || transport?.ending;
    const state = ending ? "ending" : this.streaming ? "streaming" : waiting;
    return snapshotOf(this.callId, state, this.#startedAtMs, transport);
  }

  /** Ends the call from here. */
  async end(options: EndOptions): Promise<void> {
    if (this.#transport !== undefined) await this.#transport.end(options);
    else await this.#fail(options.reason, options.error, true, options.endedBy);
  }

  async #fail(reason: string, error: unknown, hangUp: boolean, endedBy: EndedBy = "server"): Promise<void> {
    if (this.#transport !== undefined && !this.#ended) {
      await this.#transport.end({ endedBy, reason, error, now: true });
      return;
    }
    if (this.#closing) return;
    this.#closing = true;
    this.#aborter.abort();
    clearTimeout(this.#socketTimer);
    if (hangUp) await this.#hangUp();
    this.#finish({ endedBy, reason, error });
  }

  async #hangUp(): Promise<void> {
    try {
      await this.#context.rest.hangUp(this.callId);
    } catch (error) {
      this.#log.error({ error: describe(error) }, "hang-up failed: the call may still be up at Wavix");
    }
  }

  #finish(end: CallEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing = true;
    this.#aborter.abort();
    clearTimeout(this.#socketTimer);
    const record = recordOf({
      callId: this.callId,
      end,
      startedAtMs: this.#startedAtMs,
      streamingAtMs: this.#streamingAtMs,
      transport: this.#transport,
      startNamedAnother: this.#startNamedAnother,
    });
    this.#context.log[end.error === undefined ? "info" : "warn"](record, "call ended");
    this.#trace?.end(record);
    this.#context.onEnd(this, record);
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#startedAtMs);
  }
}
