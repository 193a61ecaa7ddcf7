import type { CallFacts } from "../../../call/index.ts";
import { BotError } from "../errors.ts";
import type { Seat, Seats } from "../seat.ts";
import { bearer, callUrl, type Reach } from "./call-body.ts";
import { Health, type HealthOptions } from "./health.ts";
import { makeSeat } from "./make-seat.ts";

/** A bot that runs somewhere. */
export interface BotUrl {
  /** `ws://…` or `wss://…` */
  readonly url: string;
  /** Calls at once; undefined for any number. */
  readonly capacity?: number | undefined;
}

/** Where bots run that others have started. Times are in ms. */
export interface UrlSeatsOptions extends Reach {
  readonly urls: readonly BotUrl[];
  /** Path of the checks; default `/status`, which Pipecat's runner has. */
  readonly healthPath?: string | undefined;
  /** How often each host and port is asked for it; default 5000, 0 for never. */
  readonly healthCheckMs?: number | undefined;
  /** How long an answer may take; default 2000. @internal */
  readonly healthLimitMs?: number | undefined;
  /** How long a bot that is not checked counts as down; default 5000. @internal */
  readonly downMs?: number | undefined;
  /** Is told when a bot is found down. */
  readonly onTrouble?: ((error: BotError) => void) | undefined;
}

interface Place {
  readonly index: number;
  readonly url: string;
  readonly capacity: number;
  /** One call more is so much more load. */
  readonly callLoad: number;
  readonly health: Health;
  calls: number;
}

/**
 * Bots at one URL or several. A call gets the one with the least load (calls by capacity), of equals each in its turn;
 * those that are down come last. A bot without a capacity has as much of the load as the strongest one that has.
 *
 * @example
 * const seats = urlSeats({ urls: [{ url: "ws://10.0.0.7:7860/ws-client", capacity: 4 }] });
 * for await (const seat of seats.offer({ callId }, signal)) { … }
 */
export function urlSeats(options: UrlSeatsOptions): Seats {
  return new UrlSeats(options);
}

class UrlSeats implements Seats {
  readonly counters = { health_changes_down: 0 };
  readonly #reach: Reach;
  readonly #places: readonly Place[];
  readonly #healths: readonly Health[];
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  readonly #onTrouble: UrlSeatsOptions["onTrouble"];
  #turn = 0;
  #closed = false;

  constructor(options: UrlSeatsOptions) {
    this.#onTrouble = options.onTrouble;
    const health: HealthOptions = {
      path: options.healthPath ?? "/status",
      everyMs: options.healthCheckMs ?? 5_000,
      limitMs: options.healthLimitMs ?? 2_000,
      downMs: options.downMs ?? 5_000,
    };
    // Bots behind one host and port are one process, or one proxy.
    const healths = new Map<string, Health>();
    const healthOf = (url: string): Health => {
      const { protocol, host } = new URL(url);
      const origin = `${protocol}//${host}`;
      const known = healths.get(origin) ?? new Health(origin, health, () => this.#isDown(host));
      healths.set(origin, known);
      return known;
    };
    const strongest = Math.max(1, ...options.urls.map(({ capacity }) => capacity ?? 1));
    this.#places = options.urls.map(({ url, capacity }, index) => ({
      index,
      url,
      capacity: capacity ?? Number.POSITIVE_INFINITY,
      callLoad: 1 / (capacity ?? strongest),
      health: healthOf(url),
      calls: 0,
    }));
    this.#healths = [...healths.values()];
    this.#reach = options;
    if (health.everyMs > 0) {
      this.#timer = setInterval(() => this.#check(), health.everyMs).unref();
      this.#check();
    }
  }

  async *offer(facts: CallFacts, signal: AbortSignal): AsyncGenerator<Seat, void, void> {
    const untried = new Set(this.#places);
    while (!signal.aborted && !this.#closed) {
      const place = this.#best(untried);
      if (place === undefined) break;
      untried.delete(place);
      yield this.#take(place, facts);
    }
    if (untried.size === 0 || signal.aborted || this.#closed) return;
    throw new BotError("NO_BOT_FREE", `no bot is free: ${untried.size} of ${this.#places.length} have all their calls`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const health of this.#healths) health.close();
  }

  #isDown(host: string): void {
    this.counters.health_changes_down++;
    this.#onTrouble?.(new BotError("BOT_UNREACHABLE", `the bot ${host} does not answer`));
  }

  #check(): void {
    for (const health of this.#healths) void health.check();
  }

  #best(places: Iterable<Place>): Place | undefined {
    const count = this.#places.length;
    const distance = ({ index }: Place) => (index - this.#turn + count) % count;
    return [...places]
      .filter(({ calls, capacity }) => calls < capacity)
      .sort(
        (a, b) =>
          Number(a.health.isDown) - Number(b.health.isDown) ||
          a.calls * a.callLoad - b.calls * b.callLoad ||
          distance(a) - distance(b),
      )[0];
  }

  #take(place: Place, facts: CallFacts): Seat {
    place.calls++;
    this.#turn = (place.index + 1) % this.#places.length;
    return makeSeat(callUrl(place.url, this.#reach, facts), bearer(this.#reach.key), {
      failed: () => place.health.fail(),
      released: () => place.calls--,
    });
  }
}
