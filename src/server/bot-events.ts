import type { Bot } from "../call/index.ts";

/** What bots count, by name. */
export type BotEvents = Record<string, number>;

/** Names become labels: whoever has more of them, or makes them up as it goes, has the others left out. */
export const MAX_BOT_EVENTS = 100;
export const BOT_EVENT_NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** What these bots have counted so far; of each bot once. What is no count, or has no name, is left out. */
export function botEventsOf(bots: readonly Bot[]): BotEvents {
  const events: BotEvents = {};
  for (const bot of new Set(bots)) addBotEvents(events, countersOf(bot));
  return events;
}

/** Adds the counts of a part, up to {@link MAX_BOT_EVENTS} names. */
export function addBotEvents(sum: BotEvents, part: Readonly<Record<string, unknown>>): void {
  let room = MAX_BOT_EVENTS - Object.keys(sum).length;
  for (const [name, count] of Object.entries(part)) {
    if (typeof count !== "number" || !Number.isFinite(count) || count < 0 || !BOT_EVENT_NAME.test(name)) continue;
    if (Object.hasOwn(sum, name)) sum[name] = (sum[name] as number) + count;
    else if (room-- > 0) sum[name] = count;
  }
}

/** A bot is somebody else's: it may throw when it is looked at, and its counters be anything. */
function countersOf(bot: Bot): Readonly<Record<string, unknown>> {
  try {
    return { ...bot.counters };
  } catch {
    return {};
  }
}
