import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseWav, prepareCallerAudio } from "../../src/simulator/index.ts";
import { command, folder, localUrl, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

const MENU_BOT = new URL("../../examples/menu-bot/menu-bot.mjs", import.meta.url);

const prompt = (name: string) => {
  const { samples, sampleRate } = parseWav(readFileSync(new URL(`prompts/${name}.wav`, MENU_BOT)));
  return prepareCallerAudio(samples, sampleRate).samples;
};

/** Every so many samples is enough to tell recordings apart, and every so many a place to begin. */
const COARSE = 12;
const STEP = 3;

/** How well a recording is found in what was heard: 1 is all of it, as it is. */
function likeness(wanted: Int16Array, heard: Int16Array): number {
  let best = 0;
  for (let from = 0; from + wanted.length <= heard.length; from += STEP) {
    let [dot, wantedEnergy, heardEnergy] = [0, 1, 1];
    for (let i = 0; i < wanted.length; i += COARSE) {
      const [w, h] = [wanted[i]!, heard[from + i]!];
      dot += w * h;
      wantedEnergy += w * w;
      heardEnergy += h * h;
    }
    best = Math.max(best, dot / Math.sqrt(wantedEnergy * heardEnergy));
  }
  return best;
}

describe("the menu bot", () => {
  it("answers keys with recordings, and hangs up when its goodbye was heard", async () => {
    const apiPort = await freePort();
    const server = await start(["--bot", MENU_BOT.pathname], { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}` });
    const save = join(folder(), "heard.wav");
    const { code, stdout, stderr } = await command([
      "call",
      ...["--server", localUrl(server.output), "--api-port", `${apiPort}`],
      ...["--digits", "19", "--listen", "8000", "--save", save, "--json"],
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, hungUp: true });
    const heard = parseWav(readFileSync(save)).samples;
    // The hours were cut off by the second key, a second later.
    expect(likeness(prompt("hours").subarray(0, 24 * 500), heard)).toBeGreaterThan(0.9);
    expect(likeness(prompt("bye"), heard)).toBeGreaterThan(0.9);
    expect(likeness(prompt("way"), heard)).toBeLessThan(0.6);
    expect(likeness(prompt("menu"), heard)).toBeLessThan(0.6);
    expect(heard.length / 24).toBeLessThan(7_000);
  });
});
