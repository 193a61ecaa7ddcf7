import { Socket } from "node:net";
import { type Logger, pino } from "pino";
import type { Bot } from "../../../call/index.ts";
import { WavixRestClient } from "../../../wavix/control/index.ts";
import type { HostEvents, StreamToken } from "../../call-host.ts";
import type { CallRecord } from "../../call-record.ts";
import { LocalHost } from "../../local-host.ts";
import { LoopDelay } from "../../loop-delay.ts";
import { requestOf } from "../pass-socket.ts";
import type { FromWorker, Setup, ToWorker } from "../protocol.ts";

/** Carries calls in this process, as messages of the primary say. */
export class Carrier implements HostEvents {
  readonly #say: (message: FromWorker) => void;
  readonly #beatMs: number;
  readonly #log: Logger;
  readonly #host: LocalHost;
  readonly #loopDelay = new LoopDelay();
  #beat: ReturnType<typeof setInterval> | undefined;
  #wake: (() => void) | undefined;

  constructor(
    { worker, settings, rest, logLevel, beatMs }: Setup,
    bots: readonly [Bot, ...Bot[]],
    say: (message: FromWorker) => void,
  ) {
    this.#say = say;
    this.#beatMs = beatMs;
    this.#log = pino({ level: logLevel }).child({ worker });
    this.#host = new LocalHost({ settings, rest: new WavixRestClient(rest), bots, log: this.#log, events: this });
  }

  /** @throws ServerError `BAD_PROMPT`, `BAD_TRACE_DIR` */
  async start(): Promise<void> {
    await this.#host.start();
    this.#loopDelay.start();
    this.#beat = setInterval(() => void this.#tellHealth(), this.#beatMs).unref();
  }

  /** @param handle the TCP socket that came with a `socket` */
  hear(message: ToWorker | undefined, handle: unknown): void {
    switch (message?.type) {
      case "begin":
        this.#host.begin(message.call);
        break;
      case "event":
        this.#host.event(message.event);
        break;
      case "socket":
        this.#takeSocket(message, handle);
        return;
      case "end-all":
        this.#host.endAll(message.reason);
        break;
      case "ask":
        void this.#answer(message);
        break;
    }
    if (handle instanceof Socket) handle.destroy();
  }

  /** Ends what is still up, because nobody is there who could; settles when there is no call. */
  async leave(): Promise<void> {
    clearInterval(this.#beat);
    this.#loopDelay.stop();
    if (this.#host.size > 0) {
      this.#log.error({ calls: this.#host.size }, "the primary is gone: its calls are hung up");
      const empty = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#host.endAll("primary-died");
      await empty;
    }
    await this.#host.close();
    await this.#host.releaseBots();
  }

  tokenUsed(key: string, token: StreamToken): void {
    this.#say({ type: "token-used", key, token });
  }

  ended(key: string, record: CallRecord | undefined): void {
    this.#say({ type: "ended", key, record });
    if (this.#host.size === 0) this.#wake?.();
  }

  #takeSocket({ key, token, handshake }: Extract<ToWorker, { type: "socket" }>, socket: unknown): void {
    if (socket instanceof Socket) {
      // As the primary's sockets are: what came from Wavix last may still be answered.
      socket.allowHalfOpen = true;
      const take = token === undefined ? this.#host.open(key) : this.#host.attach(key, token);
      take(requestOf(handshake, socket), socket, Buffer.from(handshake.head, "base64"));
    }
    // The socket was gone on its way, or it was no WebSocket.
    if (token === undefined && !this.#host.has(key)) this.#say({ type: "ended", key });
  }

  async #answer({ id, what, callId, reason }: Extract<ToWorker, { type: "ask" }>): Promise<void> {
    if (what === "figures") this.#say({ type: "answer", id, figures: await this.#host.figures() });
    else if (what === "trace") this.#say({ type: "answer", id, trace: await this.#host.trace(callId) });
    else if (what === "hang-up") this.#say({ type: "answer", id, hungUp: await this.#host.hangUp(callId, reason) });
    else this.#say({ type: "answer", id, snapshots: [...(await this.#host.snapshots()).calls] });
  }

  async #tellHealth(): Promise<void> {
    const { sustainedMs: sustainedDelayMs, quantilesMs } = this.#loopDelay;
    const { user, system } = process.cpuUsage();
    const health = {
      ...{ sustainedDelayMs, quantilesMs, rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 },
      figures: await this.#host.figures(),
    };
    this.#say({ type: "beat", health });
  }
}
