import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { describe as describeCall, figuresOf } from "../src/cli/call-report.ts";
import { describeLoad } from "../src/cli/load-report.ts";
import { run as runStart } from "../src/cli/start.ts";
import { defaultSettings, readSettings, settingNames } from "../src/server/index.ts";
import { createWavixSimulator, LoadTally, prepareCallerAudio, readSpeechRecording } from "../src/simulator/index.ts";
import { codesIn, fencedBlocks, RunningExample, readme, section, tableRows } from "./support/readme.ts";

const ROOT = new URL("../", import.meta.url);
/** Inside the repository: `pipecat-wavix` is then the built package itself, through its `exports`. */
const EXAMPLES = new URL("build/readme/", ROOT);
const manifest = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as {
  scripts: Record<string, string>;
};

const examples = fencedBlocks("ts");
const example = (mark: string): string => {
  const found = examples.filter((code) => code.includes(mark));
  if (found.length !== 1) throw new Error(`${found.length} examples have "${mark}"`);
  return found[0] as string;
};
const [ownBot] = fencedBlocks("js") as [string];
const announcement = example("function announcement");
const ownPipeline = example("readHandshake(socket");
const ownSocket = example("createWavixTransport({");
const codecAlone = example("createResampler");

/** JavaScript of an example, changed for the test where needed, beside the others. */
function program(name: string, code: string, change: (code: string) => string = (code) => code): URL {
  const compiled = readFileSync(new URL(`js/${fileName(code)}.js`, EXAMPLES), "utf8");
  const file = new URL(`js/${name}.js`, EXAMPLES);
  writeFileSync(file, change(compiled));
  return file;
}
const fileName = (code: string) => `example-${examples.indexOf(code) + 1}`;

function replaceOnce(text: string, from: string, to: string): string {
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, () => to);
}

let compiler: ReturnType<typeof spawnSync>;

beforeAll(() => {
  rmSync(EXAMPLES, { recursive: true, force: true });
  mkdirSync(EXAMPLES, { recursive: true });
  for (const code of examples) writeFileSync(new URL(`${fileName(code)}.ts`, EXAMPLES), code);
  const compilerOptions = { noEmit: false, rootDir: ".", outDir: "js" };
  writeFileSync(
    new URL("tsconfig.json", EXAMPLES),
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] }),
  );
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(typescript), JSON.parse(readFileSync(typescript, "utf8")).bin.tsc);
  compiler = spawnSync(process.execPath, [tsc, "-p", fileURLToPath(EXAMPLES)], { encoding: "utf8" });
}, 60_000);

afterAll(() => rmSync(EXAMPLES, { recursive: true, force: true }));

describe.concurrent("the README's examples", () => {
  it("compile, each by itself", ({ expect }) => {
    expect(compiler.stdout).toBe("");
    expect(compiler.status).toBe(0);
    expect(examples).toHaveLength(5);
  });

  it("write your own bot: answers, listens, says it back, hangs up", async ({ expect }) => {
    // Not compiled: the README says to save it as it stands.
    const file = new URL("my-bot.mjs", EXAMPLES);
    writeFileSync(file, ownBot);
    await using simulator = await createWavixSimulator();
    const main = new URL("../dist/cli/main.js", import.meta.url);
    const env = { PORT: "0", WAVIX_API_BASE: simulator.apiUrl };
    await using bot = new RunningExample(main, env, ["start", "--bot", fileURLToPath(file)]);
    const [webhookUrl] = /http:\S+/.exec(await bot.line(/Webhook URL/)) ?? [];
    const { samples, sampleRate } = readSpeechRecording();
    const call = simulator.placeCall({
      webhookUrl: webhookUrl as string,
      callerAudio: prepareCallerAudio(samples, sampleRate),
      ringTimeoutMs: 10_000,
      hangUpAfterMs: 15_000,
    });
    const { endedBy, received, playout, recording } = await call.ended;
    expect(endedBy).toBe("rest");
    expect(received).toMatchObject({ invalidMessages: 0, offSizePackets: 0 });
    // The beep and what it heard, and not more.
    expect(playout.playedMs).toBeGreaterThanOrEqual(4_300);
    expect(playout.playedMs).toBeLessThan(4_400);
    const afterTheBeep = recording?.heard.subarray(3 * 24_000) ?? [];
    expect(Math.max(...afterTheBeep.filter((_, i) => i % 10 === 0))).toBeGreaterThan(4_000);
  });

  it("the announcement stops when the caller speaks, and the call with it", async ({ expect }) => {
    const file = program("announcement", announcement, (code) => {
      return `${code}
        import { createServer } from "pipecat-wavix/server";
        const wavixApiBase = process.env.WAVIX_API_BASE;
        const server = createServer({ bot: announcement(new Int16Array(240_000).fill(100)), port: 0, wavixApiBase });
        console.log((await server.listen()).webhook);`;
    });
    await using simulator = await createWavixSimulator();
    await using bot = new RunningExample(file, { WAVIX_API_BASE: simulator.apiUrl });
    const { samples, sampleRate } = readSpeechRecording();
    const call = simulator.placeCall({
      webhookUrl: await bot.line(/^http:/),
      callerAudio: prepareCallerAudio(samples, sampleRate),
      speakAfterMs: 500,
      ringTimeoutMs: 10_000,
      hangUpAfterMs: 9_000,
    });
    const { endedBy, received, playout } = await call.ended;
    const [, heardMs] = /^the caller heard (\d+) of 10000 ms$/.exec(await bot.line(/^the caller heard/)) ?? [];
    expect(Number(heardMs)).toBeGreaterThan(250);
    // By marks; how far off it may be on a busy machine is not this test's to say.
    expect(Math.abs(Number(heardMs) - playout.playedMs)).toBeLessThan(500);
    expect(endedBy).toBe("rest");
    expect(received.clears).toBeGreaterThan(0);
    expect(playout.playedMs).toBeLessThan(9_000);
  });

  it("use the serializer in your own pipeline: a socket that speaks Wavix gets its audio back", async ({ expect }) => {
    const file = program("own-pipeline", ownPipeline, (code) => {
      return `${replaceOnce(code, "port: 8080", "port: 0")}
        wss.on("listening", () => console.log(wss.address().port));`;
    });
    await using server = new RunningExample(file);
    const socket = new WebSocket(`ws://127.0.0.1:${await server.line(/^\d+$/)}`);
    const messages: string[] = [];
    const tenth = new Promise<void>((resolve) => {
      socket.on("message", (data) => {
        if (messages.push(String(data)) === 10) resolve();
      });
    });
    await once(socket, "open");
    const payload = Buffer.from(new Int16Array(480).fill(8_000).buffer).toString("base64");
    const common = { event_time: "2024-01-15T10:30:00Z", call_id: "abc-123", stream_id: "str-456" };
    socket.send(JSON.stringify({ event: "start", ...common, sequence_number: 1 }));
    for (let i = 0; i < 10; i++) {
      const media = { payload, track: "inbound", timestamp: 160 * i, chunk: i + 1 };
      socket.send(JSON.stringify({ event: "media", ...common, sequence_number: i + 2, media }));
    }
    await tenth;
    const echoes = messages.map((message) => JSON.parse(message));
    for (const echo of echoes) expect(echo).toMatchObject({ event: "media", stream_id: "str-456" });
    const bytes = echoes.map(({ media }) => Buffer.from(media.payload, "base64"));
    expect(bytes.map(({ length }) => length)).toEqual(Array(10).fill(960));
    expect(bytes[5]?.readInt16LE(480)).toBeCloseTo(8_000, -2);
    const closed = once(socket, "close");
    socket.terminate();
    await closed;
  });

  it("a paced call on a socket of your own: answered, echoed, and over on both sides", async ({ expect }) => {
    const file = program("own-socket", ownSocket, (code) => {
      const local = replaceOnce(code, "wss://bot.example.com/", `ws://127.0.0.1:\${wss.address().port}/`);
      return `${replaceOnce(local, "port: 8080", "port: 0")}
        import { createServer } from "node:http";
        const webhook = createServer(async (request, response) => {
          const { event_type, id } = JSON.parse((await request.setEncoding("utf8").toArray()).join(""));
          response.end();
          if (event_type === "call_setup") await takeCall(id);
        });
        webhook.listen(0, "127.0.0.1", () => console.log(\`http://127.0.0.1:\${webhook.address().port}/\`));`;
    });
    await using simulator = await createWavixSimulator();
    const { samples, sampleRate } = readSpeechRecording();
    const environment = { WAVIX_API_KEY: "a-key-for-tests", WAVIX_API_BASE: simulator.apiUrl };
    await using server = new RunningExample(file, environment);
    const call = simulator.placeCall({
      webhookUrl: await server.line(/^http:/),
      callerAudio: prepareCallerAudio(samples, sampleRate),
      ringTimeoutMs: 10_000,
      hangUpAfterMs: 2_000,
    });
    const { endedBy, received, closedBy } = await call.ended;
    expect(endedBy).toBe("caller");
    expect(closedBy).not.toBe("cut");
    expect(received.packets).toBeGreaterThan(80);
    expect(received.invalidMessages).toBe(0);
    expect(await server.line(/^ended by/)).toMatch(/^ended by caller: stop /);
  });

  it("use the codec alone: prints what its comment says", async ({ expect }) => {
    await using program_ = new RunningExample(program("codec", codecAlone));
    const promised = /console\.log\(.*\); \/\/ (.*)/.exec(codecAlone)?.[1];
    expect(await program_.output()).toEqual([promised]);
  });
});

describe("the README's tables and words", () => {
  const rows = tableRows(section("Settings"));
  const name = (row: string[]) => codesIn(row[0] as string)[0] as string;

  it("has every setting once, in the order of the code", () => {
    expect(rows.map(name)).toEqual(settingNames);
  });

  it("has the right defaults", () => {
    const local = readSettings({});
    const real = { WAVIX_API_KEY: "a-key-for-tests", PUBLIC_URL: "https://bot.example.com" };
    const withoutDefault: string[] = [];
    for (const row of rows) {
      const variable = name(row);
      const [value, withKey = value] = codesIn(row[1] as string);
      if (value === undefined || withKey === undefined) {
        withoutDefault.push(variable);
        continue;
      }
      // Set to what the table gives as the default, a variable changes nothing.
      expect(readSettings({ [variable]: value }), variable).toEqual(local);
      expect(readSettings({ ...real, [variable]: withKey }), variable).toEqual(readSettings(real));
    }
    const unset = Object.entries(defaultSettings).filter(([, value]) => value === undefined);
    const inCapitals = (key: string) => key.replace(/[A-Z]/g, "_$&").toUpperCase();
    expect(withoutDefault).toEqual(unset.map(([key]) => inCapitals(key)));
  });

  it("names the flags of start", async () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      await runStart(["--help"]);
      const flags = (text: string) => new Set(text.match(/--[a-z][a-z-]+/g));
      const [, help] = String(print.mock.calls[0]?.[0]).split("options:");
      const paragraph = section("Settings").split("\n\n").at(-1) as string;
      expect(paragraph).toMatch(/^Flags of/);
      expect(flags(paragraph)).toEqual(flags(help as string).add("--help"));
    } finally {
      print.mockRestore();
    }
  });

  it("names npm scripts that exist", () => {
    const named = [...readme.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
      ([, script, short]) => script ?? short,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(named));
  });

  it("names files that exist, and headings that are there", () => {
    const links = [...readme.matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, link]) => link as string);
    const paths = codesIn(readme).filter((code) => /^(src|test|\.ci)\/[\w./-]+$/.test(code));
    const folders = [...(fencedBlocks("text").at(-1) as string).matchAll(/^(\w[\w/]*)\/ /gm)].map(
      ([, path]) => path as string,
    );
    expect(folders.length).toBeGreaterThan(8);
    const anchors = [...readme.matchAll(/^##+ (.*)$/gm)].map(([, title = ""]) => {
      return `#${title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`;
    });
    for (const link of links.filter((link) => link.startsWith("#"))) expect(anchors).toContain(link);
    for (const path of [...links.filter((link) => !link.startsWith("#")), ...paths, ...folders]) {
      expect(existsSync(new URL(path, ROOT)), path).toBe(true);
    }
  });

  it("shows the figures that the demo prints", async () => {
    await using simulator = await createWavixSimulator();
    const refused = simulator.placeCall({ webhookUrl: "http://127.0.0.1:9/", ringTimeoutMs: 0 });
    const labels = (text: string) => [...text.matchAll(/^ {2}(\w[\w ]*?) {2,}\S/gm)].map(([, label]) => label);
    expect(labels(fencedBlocks("text")[0] as string)).toEqual(labels(describeCall(figuresOf(await refused.ended, 0))));
  });

  it("shows the figures that load prints", () => {
    const labels = (text: string) => [...text.matchAll(/^ {2}(\w[\w, ]*?) {2,}\S/gm)].map(([, label]) => label);
    const [shown] = fencedBlocks("text").filter((text) => text.includes("calls held"));
    const own = { seconds: 1, processes: 1, sendLatenessP99Ms: 0, loadCores: 0, serverCores: 0, serverRssMb: 0 };
    const report = { ...new LoadTally().figures(), ...own, ok: true, trusted: true, problems: [] };
    expect(labels(shown as string)).toEqual(labels(describeLoad(report)));
  });
});
