import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { packetClock } from "../../src/call/index.ts";
import { defaultCodec } from "../../src/codec/index.ts";
import type { WavixServer } from "../../src/server/index.ts";

/** What keeps this process alive, by kind: timers, sockets, servers, requests on their way. */
export function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Every call of a server ends, and with the last one all that calls share is given back. */
export async function expectNoCalls(server: WavixServer): Promise<void> {
  const left = () => ({
    calls: server.callCount,
    openResamplers: defaultCodec().openResamplers,
    tickingTransports: packetClock.size,
  });
  await expect
    .poll(left, { timeout: 6_000, interval: 10 })
    .toEqual({ calls: 0, openResamplers: 0, tickingTransports: 0 });
}

/**
 * Once all is closed, nothing is left running that was not there `before`, and no timer at all: the only one that was
 * there is the runner's own, which limits the test.
 */
export async function expectNothingLeft(before: Readonly<Record<string, number>>): Promise<void> {
  const left = () =>
    Object.entries(activeResources()).filter(
      ([kind, count]) => kind !== "Immediate" && count > (kind === "Timeout" ? 0 : (before[kind] ?? 0)),
    );
  // Sockets say goodbye to each other in their own time; the wait's own timer is over when the count is taken.
  for (let wait = 0; wait < 400 && left().length > 0; wait++) await sleep(5);
  expect(Object.fromEntries(left())).toEqual({});
}
