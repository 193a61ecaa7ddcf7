import type { Logger } from "pino";
import type { Bot } from "../call/index.ts";
import { describe } from "./call-record.ts";

/** How long bots may take to give back what they hold, all together. */
export const CLOSE_BOTS_MS = 10_000;

const LATE = Symbol("late");

/** Has each bot give back what it holds beyond calls. Settles when they have, or their time is up; never rejects. */
export async function closeBots(bots: readonly Bot[], log: Logger, limitMs = CLOSE_BOTS_MS): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), limitMs);
  });
  const closing = [...new Set(bots)].map(async (bot) => {
    try {
      const outcome = await Promise.race([late, bot.close?.()]);
      if (outcome === LATE) log.error({ limitMs }, "bot did not close in time");
    } catch (error) {
      log.error({ error: describe(error) }, "bot failed to close");
    }
  });
  await Promise.all(closing);
  clearTimeout(timer);
}
