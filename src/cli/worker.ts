// What a worker of `start --workers N` runs. Not for people: the primary forks it and tells it which bots to load.
import type { Bot } from "../call/index.ts";
import { runWorker, ServerError } from "../server/workers/worker/index.ts";
import { UsageError } from "./arguments.ts";
import { loadBot, type NamedBot } from "./bot-by-name.ts";

runWorker({
  async loadBots(init) {
    // As `start` has sent them: one, or one and its fallback.
    const [first, ...others] = init as [NamedBot, ...NamedBot[]];
    const bots: [Bot, ...Bot[]] = [await load(first)];
    for (const other of others) bots.push(await load(other));
    return bots;
  },
});

/** What went wrong goes to the primary in a line; a bot that there is not, with a code. */
async function load(bot: NamedBot): Promise<Bot> {
  try {
    return await loadBot(bot);
  } catch (cause) {
    if (cause instanceof UsageError) throw new ServerError("BAD_BOT", cause.message, { cause });
    throw cause;
  }
}
