import type { WebSocket } from "ws";
import type { CallFacts } from "../../call/index.ts";
import { connect } from "./bot-socket.ts";
import type { BridgeCounters } from "./counters.ts";
import { BotError } from "./errors.ts";
import type { Seat, Seats } from "./seat.ts";

/** A bot that has the call. */
export interface FoundBot {
  /** To be released when the call needs it no more. */
  readonly seat: Seat;
  readonly socket: WebSocket;
}

export interface Search {
  readonly seats: Seats;
  readonly facts: CallFacts;
  readonly limitMs: number;
  /** Aborted when the call is over. */
  readonly signal: AbortSignal;
  readonly counters: BridgeCounters;
}

/**
 * Connects to the best bot that can be connected to, one after the other, as long as there is time.
 *
 * @throws BotError: of the last one that was tried, or why there was none to try
 */
export async function findBot({ seats, facts, limitMs, signal, counters }: Search): Promise<FoundBot> {
  const giveUp = new AbortController();
  const onCallOver = () => giveUp.abort(new BotError("BOT_UNREACHABLE", "the call was over before a bot had it"));
  const timer = setTimeout(() => {
    giveUp.abort(new BotError("BOT_UNREACHABLE", `no bot took the call within ${limitMs} ms`));
  }, limitMs);
  if (signal.aborted) onCallOver();
  else signal.addEventListener("abort", onCallOver, { once: true });
  let failure: unknown;
  try {
    for await (const seat of seats.offer(facts, giveUp.signal)) {
      try {
        const socket = await connect(seat, giveUp.signal);
        counters.connections++;
        return { seat, socket };
      } catch (error) {
        // A caller who hung up says nothing about the bot.
        if (!signal.aborted) {
          counters.connect_failures++;
          seat.failed();
        }
        seat.release();
        failure = error;
        if (giveUp.signal.aborted) break;
      }
    }
  } catch (error) {
    // Why the others cannot be had tells more than that there is no other.
    failure ??= error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onCallOver);
  }
  throw failure ?? giveUp.signal.reason ?? new BotError("BOT_UNREACHABLE", "there is no bot to take the call");
}
