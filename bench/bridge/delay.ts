import { Child } from "../server/child.ts";
import type { Delays } from "./delay-probe.ts";

/** What the bridge adds to the way of the audio, with so many calls at once. */
export interface DelayResult extends Delays {
  readonly calls: number;
}

/** The first counted audio is of calls that have been talking this long. */
const UNTIL_MS = 2_000;

/** @param callCounts the most first: code is fast for the others then */
export async function measureDelay(
  callCounts: readonly number[],
  seconds: number,
  onStep: (label: string) => void,
): Promise<DelayResult[]> {
  const probe = new Child("bridge/delay-child.js");
  let server: Child | undefined;
  try {
    server = new Child("bridge/server-child.js", [await probe.ask<string>("listen")]);
    const port = await server.ask<number>("open");
    const results: DelayResult[] = [];
    for (const calls of callCounts) {
      onStep(`delay of ${calls === 1 ? "a call" : `${calls} calls`}`);
      results.push({ calls, ...(await probe.ask<Delays>("measure", { port, calls, seconds, untilMs: UNTIL_MS })) });
    }
    return results;
  } finally {
    server?.close();
    probe.close();
  }
}
