import type { Logger } from "pino";
import {
  type Bot,
  type CallEnd,
  createWavixTransport,
  type EndOptions,
  type TransportSocket,
  type WavixTransport,
} from "../call/index.ts";
import { InputDTMFFrame, type KeypadEntry } from "../pipecat/index.ts";
import { type CallEvent, WavixApiError, type WavixRestClient } from "../wavix/control/index.ts";
import type { StartMessage } from "../wavix/wire/index.ts";
import { WavixFrameSerializer } from "../wavix/wire/index.ts";
import type { ServerSettings } from "./settings.ts";

/** What a session needs of the server. */
export interface SessionContext {
  readonly settings: ServerSettings;
  readonly rest: WavixRestClient;
  readonly bot: Bot;
  readonly log: Logger;
  /** A fresh `wss://…/ws/<token>` for a call. */
  streamUrl(callId: string): string;
  /** The call is over and everything of it has been given back. */
  onEnd(session: CallSession): void;
}

/** What is known of a call from its webhook. */
export interface SessionCall {
  readonly callId: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * One call from the webhook to its end.
 *
 * ```
 * answering ──▶ waiting for the socket ──▶ waiting for start ──▶ bot runs ──▶ over
 *     └──────────────────┴─────── whatever fails ───┴── hang up ────────────────▲
 * ```
 */
export class CallSession {
  readonly callId: string;
  readonly #call: SessionCall;
  readonly #context: SessionContext;
  readonly #log: Logger;
  readonly #aborter = new AbortController();
  readonly #startedAtMs = performance.now();
  #transport: WavixTransport | undefined;
  #socketTimer: ReturnType<typeof setTimeout> | undefined;
  #tokenUsed: (() => void) | undefined;
  #streamingAtMs: number | undefined;
  /** Its `start` named another call than its token: said at once, and again in the summary. */
  #startNamedAnother = false;
  /** The time of the last keys: a repeated webhook does not press them again. */
  #keysAt: string | undefined;
  /** It is being hung up or has ended: nothing more begins. */
  #closing = false;
  #ended = false;

  constructor(call: SessionCall, context: SessionContext) {
    this.callId = call.callId;
    this.#call = call;
    this.#context = context;
    this.#log = context.log.child({ callId: call.callId });
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
    const { rest, settings } = this.#context;
    const { signal } = this.#aborter;
    const stream = { streamUrl: this.#context.streamUrl(this.callId), streamType: "twoway" } as const;
    this.#log.info("call offered");
    try {
      if (settings.answer === "with-stream") await rest.answer(this.callId, stream, { signal });
      else await rest.answer(this.callId, {}, { signal });
    } catch (error) {
      if (this.#closing) return;
      if (this.streaming) {
        // The stream says that it took effect, whatever became of the reply.
        this.#log.warn({ error: describe(error) }, "answer failed, but the stream is there");
        return;
      }
      const refused = error instanceof WavixApiError && REFUSED.has(error.code);
      await this.#fail("answer-failed", error, !refused);
      return;
    }
    if (settings.answer === "then-stream" && !this.#closing) {
      try {
        await rest.startStream(this.callId, stream, { signal });
      } catch (error) {
        if (!this.#closing) await this.#fail("stream-failed", error, true);
        return;
      }
    }
    if (this.#closing) return;
    this.#log.info({ ms: this.#elapsed() }, "call answered");
    if (this.#transport === undefined) {
      this.#socketTimer = setTimeout(() => void this.#fail("no-socket", undefined, true), settings.startTimeoutMs);
    }
  }

  /**
   * The call's socket has come. Until it has shown a stream, a newer one takes its place.
   *
   * @param tokenUsed called when the stream has started: the token is good for no other socket then
   */
  attach(socket: TransportSocket, rawSocket: { cork(): void; uncork(): void }, tokenUsed: () => void): void {
    const { settings, rest } = this.#context;
    const { callId } = this;
    const transport = createWavixTransport({
      socket,
      rawSocket,
      serializer: new WavixFrameSerializer({ params: { sampleRate: settings.sampleRate } }),
      facts: this.#call,
      control: {
        hangUp: () => rest.hangUp(callId),
        collect: (options) => rest.collect(callId, options),
        play: (options) => rest.play(callId, options),
      },
      playoutDelayMs: settings.playoutDelayMs,
      sendAheadMs: settings.sendAheadMs,
      maxCallMs: settings.maxCallMs,
      idleTimeoutMs: settings.idleTimeoutMs,
      startTimeoutMs: settings.startTimeoutMs,
    });
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
    void transport.run(this.#context.bot);
  }

  /** A later webhook about this call. */
  event(event: CallEvent): void {
    if (event.kind === "over" || event.kind === "post-call") {
      this.#log.debug({ eventType: event.eventType }, "call over at Wavix");
      if (this.#transport !== undefined) this.#transport.callOver(event.eventType || "call-over");
      // What is being hung up from here ends with its own reason.
      else if (!this.#closing) this.#finish({ endedBy: "caller", reason: event.eventType || "call-over" });
    } else if (event.payload?.type === "collect" && event.payload.status === "completed") {
      if (event.eventTime !== undefined && event.eventTime === this.#keysAt) return;
      this.#keysAt = event.eventTime;
      for (const key of event.payload.digits) {
        if (/^[\d*#]$/.test(key)) this.#transport?.deliver(new InputDTMFFrame({ button: key as KeypadEntry }));
      }
    }
  }

  /** Ends the call from here. */
  async end(options: EndOptions): Promise<void> {
    if (this.#transport !== undefined) await this.#transport.end(options);
    else await this.#fail(options.reason, options.error, true);
  }

  async #fail(reason: string, error: unknown, hangUp: boolean): Promise<void> {
    if (this.#transport !== undefined && !this.#ended) {
      await this.#transport.end({ endedBy: "server", reason, error, now: true });
      return;
    }
    if (this.#closing) return;
    this.#closing = true;
    this.#aborter.abort();
    clearTimeout(this.#socketTimer);
    if (hangUp) await this.#hangUp();
    this.#finish({ endedBy: "server", reason, error });
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
    const drops = Object.entries(this.#transport?.drops ?? {}).filter(([, count]) => count > 0);
    this.#log[end.error === undefined ? "info" : "warn"](
      {
        endedBy: end.endedBy,
        reason: end.reason,
        ...(end.error === undefined ? {} : { error: describe(end.error) }),
        durationMs: this.#elapsed(),
        ...(this.#streamingAtMs === undefined ? {} : { streamMs: Math.round(performance.now() - this.#streamingAtMs) }),
        ...this.#transport?.stats,
        ...(this.#startNamedAnother ? { startNamedAnother: true } : {}),
        ...(drops.length === 0 ? {} : { drops: Object.fromEntries(drops) }),
      },
      "call ended",
    );
    this.#context.onEnd(this);
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#startedAtMs);
  }
}

/**
 * Wavix said no, so the call was not answered and there is nothing to hang up. Not so `validation`: what it complains of
 * may be the stream of a call that it has answered, or that the call is answered already.
 */
const REFUSED: ReadonlySet<string> = new Set(["not-found", "unauthorized", "forbidden", "rate-limited"]);

/** An error in a log line: what and where, without the fields of foreign errors, which may hold anything. */
export function describe(error: unknown): { name: string; code?: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { name: "Error", message: typeof error };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === "string" ? { code } : {}),
    // What a bot throws is looked for in its source; errors of Wavix's side have nothing to look at.
    ...(error instanceof WavixApiError || error.stack === undefined ? {} : { stack: error.stack }),
  };
}
