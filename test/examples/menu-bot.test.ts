import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { compareHeard, parseWav, prepareCallerAudio } from "../../src/simulator/index.ts";
import { it } from "../support/open-server.ts";

const MENU_BOT = new URL("../../examples/menu-bot/menu-bot.mjs", import.meta.url);

const prompt = (name: string) => {
  const { samples, sampleRate } = parseWav(readFileSync(new URL(`prompts/${name}.wav`, MENU_BOT)));
  return prepareCallerAudio(samples, sampleRate).samples;
};

describe("the menu bot", () => {
  it("answers keys with recordings, and hangs up when its goodbye was heard", async ({ openWithSimulator }) => {
    const { default: bot } = await import(MENU_BOT.href);
    const { placeCall } = await openWithSimulator({ bot });
    const call = placeCall({
      keys: [
        { atMs: 1_000, key: "1" },
        { atMs: 5_000, key: "9" },
      ],
    });
    const report = await call.ended;
    expect(report).toMatchObject({ endedBy: "rest", hungUpOverRest: true });
    expect(report.received.clears).toBe(2);
    const { heard = new Int16Array() } = report.recording ?? {};
    for (const name of ["hours", "bye"]) {
      expect(compareHeard(prompt(name), heard).similarity, name).toBeGreaterThan(0.95);
    }
    expect(compareHeard(prompt("way"), heard).similarity).toBeLessThan(0.6);
    // The menu was cut off by the first key.
    expect(report.playout.clearedMs).toBeGreaterThan(0);
  }, 30_000);
});
