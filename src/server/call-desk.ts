import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import {
  type CallEvent,
  createStreamTokenSigner,
  isCallOver,
  type StreamTokenSigner,
  type WavixRestClient,
} from "../wavix/control/index.ts";
import type { Admission } from "./admission.ts";
import type { CallHost, HostEvents, StreamToken } from "./call-host.ts";
import type { CallRecord } from "./call-record.ts";
import { EndedCalls } from "./ended-calls.ts";
import type { ServerSettings } from "./settings.ts";
import type { UpgradeAnswer } from "./upgrade.ts";
import { UsedTokens } from "./used-tokens.ts";
import type { WebhookAnswer } from "./webhook.ts";

/** A token is signed when the call is let in; the socket comes within seconds. */
const TOKEN_TTL_MS = 120_000;

/** What the desk needs of the server. */
export interface CallDeskOptions {
  readonly settings: ServerSettings;
  readonly rest: WavixRestClient;
  readonly log: Logger;
  readonly host: CallHost;
  readonly admission: Admission;
  /** Where a stream's socket goes, without the token: `wss://…/ws`. */
  webSocketUrl(): string;
  onRecord(record: CallRecord): void;
}

/** Decides which calls and which sockets come in, by webhooks and tokens. Those that do live in its host. */
export class CallDesk implements HostEvents {
  readonly #options: CallDeskOptions;
  readonly #signer: StreamTokenSigner;
  readonly #usedTokens = new UsedTokens();
  readonly #ended = new EndedCalls();
  /** Hang-ups of calls that there was no room for. */
  readonly #hangUps = new Set<Promise<void>>();
  #openCount = 0;
  #wakers: (() => void)[] = [];

  constructor(options: CallDeskOptions) {
    this.#options = options;
    this.#signer = createStreamTokenSigner({ secret: tokenSecrets(options.settings), ttlMs: TOKEN_TTL_MS });
  }

  /** What a webhook says. */
  event(event: CallEvent): WebhookAnswer {
    const { host, admission, log, settings } = this.#options;
    const { callId, from, to } = event;
    const known = host.has(callId);
    if (isCallOver(event) || event.kind !== "setup") {
      if (known) host.event(event);
      // Over before it was ever heard of.
      else if (isCallOver(event)) this.#ended.add(callId);
      return { accepted: true };
    }
    // Wavix's outbound calls announce themselves with the same events.
    if (event.direction === "outbound") return { accepted: false, reason: "outbound" };
    if (known) {
      host.event(event);
      return { accepted: true, reason: "duplicate" };
    }
    if (this.#ended.has(callId)) return { accepted: false, reason: "over" };
    const reason = admission.admit(callId);
    if (reason !== undefined) {
      log.warn({ callId, reason }, "call not taken");
      // As many at once as there may be calls: what a flood brings beyond that rings on.
      if (settings.whenFull === "hang-up" && this.#hangUps.size < settings.maxCalls) this.#hangUp(callId);
      return { accepted: false, reason };
    }
    const streamUrl = `${this.#options.webSocketUrl()}/${this.#signer.sign(callId)}`;
    host.begin({ callId, from, to, streamUrl });
    host.event(event);
    return { accepted: true };
  }

  /** What becomes of a socket with this token; `""` for one without. */
  upgrade(token: string): UpgradeAnswer {
    const { log, settings, admission, host } = this.#options;
    // A call that was taken before the drain still gets its stream.
    if (token === "") {
      if (!settings.openWs) return { status: 401 };
      if (admission.admit() !== undefined) return { status: 503 };
      // With a blank in it: no call id is like that.
      return { status: 101, take: host.open(`open ${++this.#openCount}`) };
    }
    const verified = this.#signer.verify(token);
    if (!verified.ok || this.#usedTokens.has(verified.tokenId)) {
      log.warn({ reason: verified.ok ? "used" : verified.reason }, "socket refused");
      return { status: 401 };
    }
    const { callId, tokenId, expiresAtMs } = verified;
    if (!host.awaitsSocket(callId)) {
      log.warn({ callId, reason: host.has(callId) ? "not awaited" : "no such call" }, "socket refused");
      return { status: 401 };
    }
    return { status: 101, take: host.attach(callId, { tokenId, expiresAtMs }) };
  }

  tokenUsed(_callId: string, { tokenId, expiresAtMs }: StreamToken): void {
    this.#usedTokens.add(tokenId, expiresAtMs);
  }

  ended(key: string, record: CallRecord | undefined): void {
    if (!key.includes(" ")) this.#ended.add(key);
    if (record !== undefined) this.#options.onRecord(record);
    if (this.#options.host.size === 0) for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Settles when there is no call. */
  empty(): Promise<void> {
    if (this.#options.host.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakers.push(resolve);
    });
  }

  /** Ends all calls now. Settles when they are over on both sides, those that were hung up at the door too. */
  async endAll(reason: string): Promise<void> {
    this.#options.host.endAll(reason);
    await this.empty();
    await Promise.all(this.#hangUps);
  }

  #hangUp(callId: string): void {
    const { rest, log } = this.#options;
    this.#ended.add(callId);
    const hangingUp = rest
      .hangUp(callId)
      .then(() => {})
      .catch((error: unknown) => log.error({ callId, code: (error as { code?: unknown }).code }, "hang-up failed"))
      .finally(() => this.#hangUps.delete(hangingUp));
    this.#hangUps.add(hangingUp);
  }
}

/** The first signs, all verify. */
function tokenSecrets({ streamTokenSecret, streamTokenSecretPrevious }: ServerSettings): (string | Uint8Array)[] {
  const previous = streamTokenSecretPrevious === undefined ? [] : [streamTokenSecretPrevious];
  return [streamTokenSecret ?? randomBytes(32), ...previous];
}
