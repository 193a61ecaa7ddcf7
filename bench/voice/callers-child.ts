// callers-child: a simulated Wavix and its callers, in a process of their own; they do what they are told.
import { createWavixSimulator } from "../../src/simulator/index.ts";
import { answer } from "../server/child.ts";
import { Caller, type CallerFigures } from "./caller.ts";
import { CYCLE_MS } from "./scenario.ts";

const simulator = createWavixSimulator();
let callers: Caller[] = [];

answer({
  open: async () => (await simulator).apiUrl,
  async call(given) {
    const { webhook, isEcho } = given as { webhook: string; isEcho: boolean };
    callers.push(await Caller.call(await simulator, webhook, isEcho));
  },
  talked: async () => void (await Promise.all(callers.map((caller) => caller.talked()))),
  /** Begin one after the other, spread over a cycle, and go on for so many seconds. */
  converse(seconds) {
    const untilMs = performance.now() + 1_000 * (seconds as number);
    for (const [i, caller] of callers.entries()) caller.converse((i * CYCLE_MS) / callers.length, untilMs);
  },
  async end(): Promise<CallerFigures[]> {
    const ending = callers;
    callers = [];
    return Promise.all(ending.map((caller) => caller.end()));
  },
});
