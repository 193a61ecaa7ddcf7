import type { BotName } from "./scenario.ts";
import { callUp, converse, hangUp, openRow, type Town, takeTurn } from "./turns.ts";

const FIRST_CALLS = 5;
const SECONDS = 1;
/** The heap's nursery is held small and the same for all bots: its growth is no call's. */
const FLAGS = ["--expose-gc", "--max-semi-space-size=1"];

/** What each of so many calls makes a server grow by that is up and has talked, in kB of 1,000 bytes. */
export async function measureMemory(bot: BotName, calls: number, town: Town): Promise<number> {
  const row = await openRow(bot, town, FLAGS);
  try {
    // The first bring what all share: compiled code, tables, buffers.
    await takeTurn(row, town, FIRST_CALLS, SECONDS);
    const before = await row.server.ask<number>("rss");
    await callUp(row, town, calls);
    await converse(row, town, SECONDS);
    const after = await row.server.ask<number>("rss");
    await hangUp(row, town);
    return (after - before) / calls / 1_000;
  } finally {
    row.server.close();
  }
}
