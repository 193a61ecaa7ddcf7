import type { Bot } from "../call/index.ts";
import { BotError } from "./pipecat/errors.ts";

/** A whole number, the beginning of one, or what is left. */
const ROUTE = /^(?:\+[1-9]\d{0,14}\*?|\*)$/;

/** @throws TypeError when there is no route, or one that is not written as {@link routeBots} says */
export function checkRoutes(routes: readonly string[]): void {
  if (routes.length === 0) throw new TypeError("routes must name a bot for at least one number, or for *");
  const wrong = routes.find((route) => !ROUTE.test(route));
  if (wrong === undefined) return;
  throw new TypeError(
    `routes must be numbers as +12025550143, beginnings as +1202*, or *, got ${JSON.stringify(wrong)}`,
  );
}

/**
 * A bot for each called number: the number itself, else the longest beginning of it, else `*`, which also takes calls
 * whose called number is not known. The bots are closed with it, and their counts added up.
 *
 * @param routes by `+12025550143`, `+1202*` or `*`; one bot may stand at several
 * @returns a bot that rejects with a {@link BotError} `NO_ROUTE` where none serves the number
 * @throws TypeError for a route that is none
 *
 * @example
 * const bot = routeBots({ "+12025550143": echoBot(), "*": echoBot({ greetingMs: 0 }) });
 */
export function routeBots(routes: Readonly<Record<string, Bot>>): Bot {
  checkRoutes(Object.keys(routes));
  const byNumber = new Map<string, Bot>();
  const byBeginning = new Map<string, Bot>();
  for (const [route, bot] of Object.entries(routes)) {
    if (typeof bot !== "function")
      throw new TypeError(`routes[${JSON.stringify(route)}] must be a bot, got ${typeof bot}`);
    if (route.endsWith("*")) byBeginning.set(route.slice(0, -1), bot);
    else byNumber.set(route, bot);
  }
  const find = (to = ""): Bot | undefined => {
    let found = byNumber.get(to);
    for (let length = to.length; found === undefined && length >= 0; length--) {
      found = byBeginning.get(to.slice(0, length));
    }
    return found;
  };
  const bots = new Set(Object.values(routes));

  const routed: Bot = async (call) => {
    const bot = find(call.to);
    if (bot === undefined) throw new BotError("NO_ROUTE", "no bot serves the called number: add a route for it, or *");
    await bot(call);
  };
  return Object.defineProperties(routed, {
    counters: { get: () => sum([...bots].map(({ counters }) => counters ?? {})) },
    close: {
      value: async () => {
        const closings = await Promise.allSettled([...bots].map((bot) => bot.close?.()));
        const failed = closings.find(({ status }) => status === "rejected");
        if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
      },
    },
  });
}

function sum(counters: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of counters) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
