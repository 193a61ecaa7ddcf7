import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Tally } from "../src/bots/conversation/tally.ts";
import { checkPipecatOptions } from "../src/bots/pipecat/check-options.ts";
import { pipecatBot, pipecatSettingNames } from "../src/bots/pipecat/index.ts";
import { newCounters } from "../src/bots/realtime/counters.ts";
import { realtimeSettingNames } from "../src/bots/realtime/index.ts";
import {
  CartesiaTTSService,
  DeepgramSTTService,
  OpenAILLMService,
  voiceSettingNames,
} from "../src/bots/voice/index.ts";
import { codesIn, tableRows } from "./support/readme.ts";

const docs = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");
const section = (text: string, heading: string) =>
  (text.split(`\n${heading}\n`)[1] as string).split(/\n#+ /)[0] as string;
const text = docs("pipecat.md");
const under = (heading: string) => section(text, heading);

describe("docs/pipecat.md", () => {
  it("names every setting, and no other", () => {
    const named = tableRows(under("## Settings")).map(([name = ""]) => codesIn(name)[0]);
    expect(named.toSorted()).toEqual([...pipecatSettingNames].toSorted());
  });

  it("has an example of routes that works", () => {
    const [example = ""] = /(?<=```json\n)[^`]+/.exec(text) ?? [];
    const routes = Object.values(JSON.parse(example) as Record<string, unknown>);
    expect(routes).toHaveLength(3);
    for (const options of routes) expect(checkPipecatOptions(options)).toMatchObject({ ok: true });
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

describe("docs/voice.md", () => {
  const voice = docs("voice.md");

  it("names every setting, and no other", () => {
    const named = tableRows(section(voice, "## Settings")).map(([name = ""]) => codesIn(name)[0]);
    expect(named.toSorted()).toEqual([...voiceSettingNames].toSorted());
  });

  it("names every count, and no other", () => {
    const named = tableRows(section(voice, "## Counts")).flatMap(([name = ""]) => codesIn(name));
    const tally = new Tally();
    tally.follow({
      stt: new DeepgramSTTService({ apiKey: "d" }),
      llm: new OpenAILLMService({ apiKey: "o" }),
      tts: new CartesiaTTSService({ apiKey: "c" }),
    });
    expect(named.toSorted()).toEqual(Object.keys(tally.counters).toSorted());
  });
});

describe("docs/voice.md, of speech to speech", () => {
  const [settings = "", counts = ""] = section(docs("voice.md"), "## Speech to speech").split("Its counts are");

  it("names every setting, and no other", () => {
    const named = tableRows(settings).flatMap(([name = ""]) => codesIn(name));
    expect(named.toSorted()).toEqual([...realtimeSettingNames].toSorted());
  });

  it("names every count, and no other", () => {
    const named = tableRows(counts).flatMap(([name = ""]) => codesIn(name));
    expect(named.toSorted()).toEqual(
      Object.keys(newCounters())
        .map((name) => `realtime_${name}`)
        .toSorted(),
    );
  });
});

describe("the examples of docs", () => {
  it("compile", { timeout: 60_000 }, () => {
    // Inside the repository: `pipecat-wavix` is then the built package itself, through its `exports`.
    const folder = new URL("../build/docs/", import.meta.url);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(new URL("../docs/", import.meta.url)).filter((name) => name.endsWith(".md"));
    let count = 0;
    for (const name of names) {
      for (const [, code = ""] of docs(name).matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
        // What imports nothing is a piece of something.
        if (code.startsWith("import ")) writeFileSync(new URL(`example-${++count}.ts`, folder), code);
      }
    }
    expect(count).toBeGreaterThanOrEqual(4);
    const options = { extends: "../../tsconfig.json", compilerOptions: { noEmit: true }, include: ["*.ts"] };
    writeFileSync(new URL("tsconfig.json", folder), JSON.stringify(options));
    const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", fileURLToPath(folder)], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
