import type { BotName } from "./scenario.ts";
import { callUp, converse, despiteStalls, hangUp, openRow, type Town, takeTurn } from "./turns.ts";

const SECONDS = 1;
const FLAGS = ["--expose-gc"];

/**
 * What each of so many calls holds that is up and has talked: objects and buffers, in kB of 1,000 bytes. Not the resident
 * memory: with so few calls that is the allocator's, and another one each time.
 */
export async function measureMemory(bot: BotName, calls: number, town: Town): Promise<number> {
  const row = await openRow(bot, town, FLAGS);
  try {
    // The first bring what all share: compiled code, tables, buffers.
    await takeTurn(row, town, calls, SECONDS);
    const before = await row.server.ask<number>("heapBytes");
    return await despiteStalls(async () => {
      await callUp(row, town, calls);
      await converse(row, town, SECONDS);
      const after = await row.server.ask<number>("heapBytes");
      await hangUp(row, town);
      return (after - before) / calls / 1_000;
    });
  } finally {
    row.server.close();
  }
}
