import type { CallControl, CallEnd } from "./call.ts";
import type { EndOptions, TransportSocket } from "./transport-options.ts";

/** How long a `stop` is waited for after the hang-up, and the webhook that confirms a `stop`. */
const GRACE_MS = 2_000;
/** How long a peer may take to answer the closing handshake. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The REST client gives up sooner by itself; a control of somebody else's may not. */
const HANG_UP_TIMEOUT_MS = 35_000;
const CLOSED = 3;

/** What the end needs of the call. */
export interface EndingParts {
  readonly socket: TransportSocket;
  readonly control: CallControl | undefined;
  /** Settles when the caller has heard everything. */
  heardOut(): Promise<void>;
  /** From now on nothing is sent; with `clear`, what was sent and not heard is taken back. */
  mute(clear: boolean): void;
  /** Gives everything back. */
  release(): void;
}

/**
 * The end of a call, in its order, once:
 *
 * ```
 * by the bot     heard out ─▶ mute ─▶ hang up over REST ─▶ stop (≤ 2 s) ─▶ close the socket ─▶ release
 * now            clear ─────▶ mute ─▶ hang up over REST ─▶ stop (≤ 2 s) ─▶ close the socket ─▶ release
 * by the caller               mute ─▶ webhook (≤ 2 s), or hang up ───────▶ close the socket ─▶ release
 * ```
 * Whoever ends the call first gives the reason; whoever is in more of a hurry afterwards cuts the hearing-out short.
 */
export class Ending {
  /** Settles when the call is over on both sides. */
  readonly closed: Promise<CallEnd>;
  readonly #parts: EndingParts;
  #end: CallEnd | undefined;
  #keepCall = false;
  /** Wavix has said that the stream is over, or the socket is gone. */
  #peerGone = false;
  /** A webhook has said that the call is over. */
  #callOver = false;
  #resolveClosed!: (end: CallEnd) => void;
  #onHurry: (() => void) | undefined;
  #onPeerGone: (() => void) | undefined;
  #onCallOver: (() => void) | undefined;

  constructor(parts: EndingParts) {
    this.#parts = parts;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Whether the end has begun. */
  get begun(): boolean {
    return this.#end !== undefined;
  }

  /** The first to call this ends the call. */
  begin(options: EndOptions): void {
    const { endedBy, reason, error, now = false, keepCall = false } = options;
    // Also later than the end began: a newer socket may come while this one is about to hang up.
    this.#keepCall ||= keepCall;
    if (keepCall) this.#onCallOver?.();
    if (this.#end !== undefined) {
      if (now) this.#onHurry?.();
      return;
    }
    this.#end = error === undefined ? { endedBy, reason } : { endedBy, reason, error };
    void this.#run(now);
  }

  /** The stream is over from the other side. */
  peerGone(reason: string): void {
    if (this.#peerGone) return;
    this.#peerGone = true;
    this.#onPeerGone?.();
    this.begin({ endedBy: "caller", reason, now: true });
  }

  /** The call is over at Wavix: there is nothing to hang up. */
  callOver(reason: string): void {
    if (this.#callOver) return;
    this.#callOver = true;
    this.#onCallOver?.();
    this.begin({ endedBy: "caller", reason, now: true });
  }

  /** Whatever goes wrong on the way is noted, and the way is gone to its end: nobody else will hang up. */
  async #run(now: boolean): Promise<void> {
    const { socket, control, release, mute, heardOut } = this.#parts;
    let allHeard = false;
    if (!now && !this.#peerGone) {
      const hurried = new Promise<boolean>((resolve) => {
        this.#onHurry = () => resolve(false);
      });
      await this.#attempt(async () => {
        allHeard = await Promise.race([heardOut().then(() => true), hurried]);
      });
    }
    await this.#attempt(() => mute(!allHeard && !this.#peerGone));
    if (control !== undefined && !this.#keepCall) {
      await this.#attempt(() => this.#hangUp(control));
      if (!this.#peerGone) await within(GRACE_MS, (resolve) => (this.#onPeerGone = resolve));
    }
    await this.#attempt(() => closeSocket(socket));
    await this.#attempt(release);
    this.#resolveClosed(this.#end as CallEnd);
  }

  async #attempt(action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const end = this.#end as CallEnd;
      this.#end = { ...end, error: end.error ?? error };
    }
  }

  async #hangUp(control: CallControl): Promise<void> {
    if (this.#peerGone && !this.#callOver) {
      // The webhook that says so is on its way, as a rule; but a call whose stream broke must not stay up.
      await within(GRACE_MS, (resolve) => (this.#onCallOver = resolve));
    }
    if (this.#callOver || this.#keepCall) return;
    const hangingUp = Promise.resolve(control.hangUp());
    const tooLate = within(HANG_UP_TIMEOUT_MS, (resolve) => void hangingUp.then(resolve, resolve)).then(() => {
      throw new Error("the hang-up was not answered in time");
    });
    // Settles with the hang-up, which is the first to know that it has.
    await Promise.race([hangingUp, tooLate]);
  }
}

async function closeSocket(socket: TransportSocket): Promise<void> {
  if (socket.readyState === CLOSED) return;
  await within(CLOSE_TIMEOUT_MS, (resolve) => {
    socket.on("close", resolve);
    socket.close(1000);
  });
  if (socket.readyState !== CLOSED) socket.terminate();
}

/** Settles when the callback that `start` is given is called, or after `ms`. */
function within(ms: number, start: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      resolve();
    }
    start(done);
  });
}
