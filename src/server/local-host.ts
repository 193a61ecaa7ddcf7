import { type Bot, Lateness } from "../call/index.ts";
import type { CallEvent } from "../wavix/control/index.ts";
import type { BotDurations } from "./bot-durations.ts";
import { botEventsOf } from "./bot-events.ts";
import type { CallHost, HostEvents, NewCall, Snapshots, StreamToken, TraceAnswer } from "./call-host.ts";
import { type CallRecord, describe } from "./call-record.ts";
import { closeBots } from "./close-bots.ts";
import { addCall, addFigures, type CallFigures, noFigures } from "./figures.ts";
import type { LiveCall } from "./live-call.ts";
import { OpenStream } from "./open-stream.ts";
import { CallSession, type SessionContext } from "./session.ts";
import type { HostSettings } from "./settings.ts";
import { StreamWatch } from "./stream-watch.ts";
import type { Tracer } from "./tracer.ts";
import { type Accept, type TakeSocket, turnAway, webSocket } from "./upgrade.ts";

export interface LocalHostOptions extends Pick<SessionContext, "rest" | "bots" | "log"> {
  readonly settings: HostSettings;
  readonly events: HostEvents;
}

/** Carries calls in this process. */
export class LocalHost implements CallHost {
  readonly up = true;
  /** Its event loop is the front door's: that one is measured there. */
  readonly sustainedDelayMs = 0;
  readonly #options: LocalHostOptions;
  readonly #context: SessionContext & { bots: SessionContext["bots"] };
  readonly #calls = new Map<string, LiveCall>();
  /** Those with a token, which have more to be asked. */
  readonly #sessions = new Map<string, CallSession>();
  /** Of calls that have ended. */
  readonly #past = noFigures();
  readonly #lateness = new Lateness();
  readonly #botDurations: BotDurations = {};
  #tracer: Tracer | undefined;
  #released: Promise<void> | undefined;

  constructor(options: LocalHostOptions) {
    this.#options = options;
    this.#context = {
      ...options,
      watch: new StreamWatch(options.settings),
      tracer: () => this.#tracer,
      lateness: this.#lateness,
      botDurations: this.#botDurations,
      onEnd: (session, record) => {
        this.#sessions.delete(session.callId);
        this.#ended(session.callId, record);
      },
    };
  }

  get size(): number {
    return this.#calls.size;
  }

  has(key: string): boolean {
    return this.#calls.has(key);
  }

  awaitsSocket(callId: string): boolean {
    return this.#sessions.get(callId)?.awaitsSocket === true;
  }

  /** @throws ServerError `BAD_PROMPT`, `BAD_TRACE_DIR` */
  async start(): Promise<void> {
    const { bots, settings, log } = this.#options;
    if (settings.failurePrompt !== undefined) {
      const { readPrompt } = await import("./prompt.ts");
      this.#context.bots = [...bots, await readPrompt(settings.failurePrompt)] as unknown as [Bot, ...Bot[]];
    }
    if (settings.traceDir !== undefined) {
      const { Tracer } = await import("./tracer.ts");
      this.#tracer = await Tracer.open({
        ...{ directory: settings.traceDir, calls: settings.traceCalls, audio: settings.traceAudio },
        onError: (error, callId) => log.error({ callId, error: describe(error) }, "trace given up"),
      });
    }
  }

  begin(call: NewCall): void {
    const session = new CallSession(call, this.#context);
    this.#sessions.set(call.callId, session);
    this.#calls.set(call.callId, session);
    void session.answer();
  }

  event(event: CallEvent): void {
    this.#sessions.get(event.callId)?.event(event);
  }

  attach(callId: string, token: StreamToken): TakeSocket {
    return (request, rawSocket, head) => {
      const session = this.#sessions.get(callId);
      // It may have ended since, on the way to a worker.
      if (!session?.awaitsSocket) {
        this.#options.log.warn({ callId, reason: "no longer awaited" }, "socket refused");
        turnAway(rawSocket, 401);
        return;
      }
      const tokenUsed = () => this.#options.events.tokenUsed(callId, token);
      this.#webSocket((socket) => session.attach(socket, rawSocket, tokenUsed))(request, rawSocket, head);
    };
  }

  open(key: string): TakeSocket {
    return this.#webSocket((socket, rawSocket) => {
      const stream = new OpenStream(socket, rawSocket, this.#context);
      this.#calls.set(key, stream);
      void stream.closed.then((record) => this.#ended(key, record));
    });
  }

  endAll(reason: string): void {
    for (const call of this.#calls.values()) void call.end({ endedBy: "server", reason, now: true });
  }

  async snapshots(): Promise<Snapshots> {
    return { calls: [...this.#calls.values()].map((call) => call.snapshot()) };
  }

  async hangUp(callId: string, reason: string): Promise<boolean> {
    const call = this.#find(callId);
    void call?.end({ endedBy: "bot", reason });
    return call !== undefined;
  }

  async trace(callId: string): Promise<TraceAnswer> {
    const call = this.#find(callId);
    return { known: call !== undefined, file: call?.trace() };
  }

  async figures(): Promise<CallFigures> {
    const sum = noFigures();
    const { lostLines: traceLinesLost = 0, untraced: callsUntraced = 0 } = this.#tracer ?? {};
    const ofBots = { botEvents: botEventsOf(this.#options.bots), botDurations: this.#botDurations };
    addFigures(sum, { ...this.#past, ...ofBots, lateness: this.#lateness, traceLinesLost, callsUntraced });
    for (const { transport } of this.#calls.values()) if (transport !== undefined) addCall(sum, transport);
    return sum;
  }

  async close(): Promise<void> {
    await this.#tracer?.close();
  }

  releaseBots(): Promise<void> {
    this.#released ??= closeBots(this.#options.bots, this.#options.log);
    return this.#released;
  }

  /** What an open socket calls itself counts only where there is no such call. */
  #find(callId: string): LiveCall | undefined {
    return this.#sessions.get(callId) ?? [...this.#calls.values()].find((call) => call.callId === callId);
  }

  #ended(key: string, record: CallRecord): void {
    this.#calls.delete(key);
    addCall(this.#past, record);
    this.#options.events.ended(key, record);
  }

  /** A codec that cannot be had costs this socket, not the process. */
  #webSocket(accept: Accept): TakeSocket {
    return webSocket((socket, rawSocket) => {
      try {
        accept(socket, rawSocket);
      } catch (error) {
        this.#options.log.error({ error: describe(error) }, "socket given up");
        socket.terminate();
      }
    });
  }
}
