import { randomBytes } from "node:crypto";
import { type CallEvent, createStreamTokenSigner, isCallOver, type StreamTokenSigner } from "../wavix/control/index.ts";
import type { Admission } from "./admission.ts";
import { type CallRecord, describe } from "./call-record.ts";
import type { LiveCall } from "./live-call.ts";
import { OpenStream } from "./open-stream.ts";
import { CallRegistry } from "./registry.ts";
import { CallSession, type SessionContext } from "./session.ts";
import type { ServerSettings } from "./settings.ts";
import type { Accept, UpgradeAnswer } from "./upgrade.ts";
import { UsedTokens } from "./used-tokens.ts";
import type { WebhookAnswer } from "./webhook.ts";

/** A token is signed when the call is answered; the socket comes within seconds. */
const TOKEN_TTL_MS = 120_000;

/** What the flow needs of the server. */
export interface CallFlowOptions
  extends Pick<SessionContext, "settings" | "rest" | "bots" | "log" | "watch" | "lateness"> {
  /** Where a stream's socket goes, without the token: `wss://…/ws`. */
  webSocketUrl(): string;
  onRecord(record: CallRecord): void;
}

/** The calls of this process: webhooks begin and end them, sockets join them. */
export class CallFlow {
  /** Set by the server, which needs to know how many calls there are for it. */
  admission!: Admission;
  readonly #options: CallFlowOptions;
  readonly #context: SessionContext;
  readonly #signer: StreamTokenSigner;
  readonly #registry = new CallRegistry();
  readonly #usedTokens = new UsedTokens();
  readonly #openStreams = new Set<OpenStream>();
  /** Hang-ups of calls that there was no room for. */
  readonly #hangUps = new Set<Promise<void>>();

  constructor(options: CallFlowOptions) {
    this.#options = options;
    this.#signer = createStreamTokenSigner({ secret: tokenSecrets(options.settings), ttlMs: TOKEN_TTL_MS });
    this.#context = {
      ...options,
      streamUrl: (callId) => `${options.webSocketUrl()}/${this.#signer.sign(callId)}`,
      onEnd: (session, record) => {
        this.#registry.end(session.callId);
        options.onRecord(record);
      },
    };
  }

  get size(): number {
    return this.#registry.size + this.#openStreams.size;
  }

  /** All calls that are up. */
  *[Symbol.iterator](): Generator<LiveCall> {
    yield* this.#registry;
    yield* this.#openStreams;
  }

  /** The call with this id, if it is up. */
  get(callId: string): LiveCall | undefined {
    return this.#registry.get(callId) ?? [...this.#openStreams].find((stream) => stream.callId === callId);
  }

  /** What a webhook says. */
  event(event: CallEvent): WebhookAnswer {
    const { callId } = event;
    const session = this.#registry.get(callId);
    if (isCallOver(event)) {
      if (session === undefined) this.#registry.end(callId);
      else session.event(event);
      return { accepted: true };
    }
    if (event.kind !== "setup") {
      session?.event(event);
      return { accepted: true };
    }
    // Wavix's outbound calls announce themselves with the same events.
    if (event.direction === "outbound") return { accepted: false, reason: "outbound" };
    if (session !== undefined) return { accepted: true, reason: "duplicate" };
    if (this.#registry.hasEnded(callId)) return { accepted: false, reason: "over" };
    const reason = this.admission.admit(callId);
    if (reason !== undefined) {
      this.#options.log.warn({ callId, reason }, "call not taken");
      const { whenFull, maxCalls } = this.#options.settings;
      // As many at once as there may be calls: what a flood brings beyond that rings on.
      if (whenFull === "hang-up" && this.#hangUps.size < maxCalls) this.#hangUp(callId);
      return { accepted: false, reason };
    }
    const fresh = new CallSession({ callId, from: event.from, to: event.to }, this.#context);
    this.#registry.add(callId, fresh);
    void fresh.answer();
    return { accepted: true };
  }

  /** What becomes of a socket with this token; `""` for one without. */
  upgrade(token: string): UpgradeAnswer {
    const { log, settings } = this.#options;
    // A call that was taken before the drain still gets its stream.
    if (token === "") {
      if (!settings.openWs) return { status: 401 };
      if (this.admission.admit() !== undefined) return { status: 503 };
      return { status: 101, accept: this.#guarded(this.#acceptOpen) };
    }
    const verified = this.#signer.verify(token);
    if (!verified.ok || this.#usedTokens.has(verified.tokenId)) {
      log.warn({ reason: verified.ok ? "used" : verified.reason }, "socket refused");
      return { status: 401 };
    }
    const { callId, tokenId, expiresAtMs } = verified;
    const session = this.#registry.get(callId);
    if (session === undefined || !session.awaitsSocket) {
      log.warn({ callId, reason: session?.streaming ? "already streaming" : "no such call" }, "socket refused");
      return { status: 401 };
    }
    return {
      status: 101,
      accept: this.#guarded((socket, rawSocket) =>
        session.attach(socket, rawSocket, () => this.#usedTokens.add(tokenId, expiresAtMs)),
      ),
    };
  }

  /** Settles when there is no call. */
  async empty(): Promise<void> {
    await Promise.all([this.#registry.empty(), ...[...this.#openStreams].map(({ closed }) => closed)]);
  }

  /** Ends all calls now. Settles when they are over on both sides, those that were hung up at the door too. */
  async endAll(reason: string): Promise<void> {
    const end = { endedBy: "server", reason, now: true } as const;
    await Promise.all([...this].map((call) => call.end(end)));
    await this.#registry.empty();
    await Promise.all(this.#hangUps);
  }

  #hangUp(callId: string): void {
    const { rest, log } = this.#options;
    this.#registry.end(callId);
    const hangingUp = rest
      .hangUp(callId)
      .then(() => {})
      .catch((error: unknown) => log.error({ callId, code: (error as { code?: unknown }).code }, "hang-up failed"))
      .finally(() => this.#hangUps.delete(hangingUp));
    this.#hangUps.add(hangingUp);
  }

  /** A codec that cannot be had costs this socket, not the process. */
  #guarded(accept: Accept): Accept {
    return (socket, rawSocket) => {
      try {
        accept(socket, rawSocket);
      } catch (error) {
        this.#options.log.error({ error: describe(error) }, "socket given up");
        socket.terminate();
      }
    };
  }

  readonly #acceptOpen: Accept = (socket, rawSocket) => {
    const stream = new OpenStream(socket, rawSocket, this.#context);
    this.#openStreams.add(stream);
    void stream.closed.then((record) => {
      this.#openStreams.delete(stream);
      this.#options.onRecord(record);
    });
  };
}

/** The first signs, all verify. */
function tokenSecrets({ streamTokenSecret, streamTokenSecretPrevious }: ServerSettings): (string | Uint8Array)[] {
  const previous = streamTokenSecretPrevious === undefined ? [] : [streamTokenSecretPrevious];
  return [streamTokenSecret ?? randomBytes(32), ...previous];
}
