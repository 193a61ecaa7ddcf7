import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pipecatBot, pipecatSettingNames } from "../src/bots/pipecat/index.ts";
import { codesIn, tableRows } from "./support/readme.ts";

const text = readFileSync(new URL("../docs/pipecat.md", import.meta.url), "utf8");
const under = (heading: string) => (text.split(`\n${heading}\n`)[1] as string).split(/\n#+ /)[0] as string;

describe("docs/pipecat.md", () => {
  it("names every setting, and no other", () => {
    const named = tableRows(under("## Settings")).map(([name = ""]) => codesIn(name)[0]);
    expect(named.toSorted()).toEqual([...pipecatSettingNames].toSorted());
  });

  it("names every count, and no other", async () => {
    const named = tableRows(under("## Counts")).flatMap(([name = ""]) => codesIn(name));
    const bots = [
      pipecatBot({ url: "ws://127.0.0.1:9/", healthCheckMs: 0 }),
      pipecatBot({ command: { command: "none {port}", warm: 0 } }),
      pipecatBot({ startUrl: "http://127.0.0.1:9/start" }),
    ];
    const counts = new Set(bots.flatMap(({ counters }) => Object.keys(counters ?? {})));
    await Promise.all(bots.map((bot) => bot.close?.()));
    expect(named.toSorted()).toEqual([...counts].toSorted());
  });
});
