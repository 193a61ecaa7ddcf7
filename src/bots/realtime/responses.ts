/** `response` of a `response.create`. */
export type Ask = Readonly<Record<string, unknown>>;

/** What a lost session owes the caller. */
export interface Owed {
  /** What was asked for and has not begun. */
  readonly asks: readonly Ask[];
  /** An answer to the caller's turn that has not begun. */
  readonly isTurn: boolean;
  /** An answer that the caller was hearing. */
  readonly isCut: boolean;
}

export interface ResponsesOptions {
  /** How long nothing may come of a response that is due, in ms. */
  readonly timeoutMs: number;
  send(event: Readonly<Record<string, unknown>>): void;
  /** Whether there is a session to ask. */
  isReady(): boolean;
  onSilence(): void;
}

const MAX_ASKS = 10;

/**
 * The responses of a session: one at a time, as the service has it. What is asked for meanwhile waits; what the caller has
 * interrupted is not wanted any more, however much of it still comes.
 */
export class Responses {
  readonly #options: ResponsesOptions;
  #asks: Ask[] = [];
  /** Asked for and not created yet; not wanted when the caller has spoken meanwhile. */
  #asked: { readonly ask: Ask; isWanted: boolean } | undefined;
  #askCount = 0;
  #isTurnDue = false;
  #active: { readonly id: string; isWanted: boolean; hasSpoken: boolean; readonly ask: Ask | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ResponsesOptions) {
    this.#options = options;
  }

  /** Nothing is said, nor is anything to be said. */
  get isIdle(): boolean {
    return this.#active === undefined && this.#asked === undefined && this.#asks.length === 0 && !this.#isTurnDue;
  }

  isWanted(responseId: string): boolean {
    if (this.#active?.id !== responseId || !this.#active.isWanted) return false;
    this.#timer?.refresh();
    return true;
  }

  /** Asks for a response as soon as there can be one. */
  ask(ask: Ask): void {
    if (this.#asks.length < MAX_ASKS) this.#asks.push(ask);
    this.#next();
  }

  /** The caller's turn is over: the service answers by itself. */
  expectTurn(): void {
    this.#isTurnDue = true;
    this.#watch();
  }

  created(id: string, number: string, isUserSpeaking: boolean): void {
    // A service that does not give back the metadata is taken to answer what it was asked for.
    const isAsked = number === "" ? !this.#isTurnDue : number === String(this.#askCount);
    const asked = isAsked ? this.#asked : undefined;
    // Asked for just before the caller began to speak: the service does not cancel what comes after that.
    const isWanted = !isUserSpeaking && asked?.isWanted !== false;
    this.#active = { id, isWanted, hasSpoken: false, ask: asked?.ask };
    if (isAsked) this.#asked = undefined;
    else this.#isTurnDue = false;
    if (!isWanted) this.#options.send({ type: "response.cancel", response_id: id });
    this.#watch();
  }

  spoke(): void {
    if (this.#active !== undefined) this.#active.hasSpoken = true;
  }

  done(id: string): void {
    if (this.#active?.id !== id) return;
    this.#active = undefined;
    this.#next();
  }

  /** The service was busy with a response of its own: once more when that is done. */
  askAgain(): void {
    if (this.#asked === undefined) return;
    if (this.#asked.isWanted) this.#asks.unshift(this.#asked.ask);
    this.#asked = undefined;
    if (this.#active === undefined && !this.#isTurnDue) this.#next();
  }

  /** The caller speaks: what is said and was to be said is not wanted any more. The service cancels by itself. */
  interrupt(): void {
    this.#asks = [];
    this.#isTurnDue = false;
    if (this.#asked !== undefined) this.#asked.isWanted = false;
    if (this.#active !== undefined) this.#active.isWanted = false;
    clearTimeout(this.#timer);
  }

  /** Enough of it. */
  cancel(): void {
    if (this.#active === undefined || !this.#active.isWanted) return;
    this.#active.isWanted = false;
    this.#options.send({ type: "response.cancel", response_id: this.#active.id });
  }

  /** The session is gone: what another has to make up for. */
  takeOwed(): Owed {
    this.stop();
    const begun = this.#active?.isWanted ? this.#active : undefined;
    const again = begun !== undefined && !begun.hasSpoken && begun.ask !== undefined ? [begun.ask] : [];
    const asked = this.#asked?.isWanted ? [this.#asked.ask] : [];
    const asks = [...again, ...asked, ...this.#asks];
    const isCut = begun?.hasSpoken === true;
    const isTurn = this.#isTurnDue || (begun !== undefined && !isCut && begun.ask === undefined);
    return { asks, isTurn, isCut };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(): void {
    const { isReady, send } = this.#options;
    if (this.#active !== undefined || this.#asked !== undefined || this.#isTurnDue || !isReady()) {
      this.#watch();
      return;
    }
    const ask = this.#asks.shift();
    if (ask !== undefined) {
      this.#asked = { ask, isWanted: true };
      const metadata = { ask: String(++this.#askCount) };
      send({ type: "response.create", response: { ...ask, metadata } });
    }
    this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const { timeoutMs, onSilence, isReady } = this.#options;
    const isDue = this.#active !== undefined || this.#asked !== undefined || this.#isTurnDue;
    if (isDue && isReady()) this.#timer = setTimeout(onSilence, timeoutMs);
  }
}
