import type { Logger } from "pino";
import type { Bot } from "../call/index.ts";
import { describe } from "./call-record.ts";

/** How long bots may take to give back what they hold, all together. */
export const CLOSE_BOTS_MS = 10_000;

/** Has each bot give back what it holds beyond calls. Settles when they have, or their time is up; never rejects. */
export async function closeBots(bots: readonly Bot[], log: Logger, limitMs = CLOSE_BOTS_MS): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${limitMs} ms`)), limitMs);
  });
  const closing = [...new Set(bots)].map(async (bot) => {
    try {
      await Promise.race([bot.close?.(), late]);
    } catch (error) {
      log.error({ error: describe(error) }, "a bot could not be closed");
    }
  });
  await Promise.all(closing);
  clearTimeout(timer);
}
