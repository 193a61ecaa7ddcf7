import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = new URL("..", import.meta.url).pathname;
/** Below the repository, so that the dependencies are found as if they had been installed. */
const PROJECT = join(ROOT, "build", "package-test");
const INSTALLED = join(PROJECT, "node_modules", "pipecat-wavix");

beforeAll(async () => {
  rmSync(PROJECT, { recursive: true, force: true });
  mkdirSync(INSTALLED, { recursive: true });
  writeFileSync(join(PROJECT, "package.json"), '{"type":"module"}');
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", PROJECT], {
    cwd: ROOT,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await run("tar", ["-xzf", join(PROJECT, filename), "-C", INSTALLED, "--strip-components=1"]);
}, 60_000);

afterAll(() => rmSync(PROJECT, { recursive: true, force: true }));

/** Runs a module in the project that has the package installed. */
async function evaluate(code: string): Promise<string> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], {
    cwd: PROJECT,
    timeout: 30_000,
  });
  return stdout.trim();
}

describe("the packed package", () => {
  it("holds what a user needs and nothing else", () => {
    const top = readdirSync(INSTALLED).sort();
    expect(top).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "assembly", "build", "dist", "package.json"]);
    expect(readdirSync(join(INSTALLED, "build")).sort()).toEqual(["codec.scalar.wasm", "codec.simd.wasm"]);
  });

  it("has a codec that is one self-contained module under 40 kB gzip", async () => {
    const code = readFileSync(join(INSTALLED, "dist/codec/index.js"), "utf8");
    expect(code).not.toMatch(/^\s*import\b|\bimport\s*\(|\brequire\s*\(|\bfrom\s+"/m);
    expect(gzipSync(code).length).toBeLessThan(40_000);
    expect(readdirSync(join(INSTALLED, "dist/codec")).filter((file) => file.endsWith(".js"))).toEqual(["index.js"]);
    const output = await evaluate(`
      import { loadCodec } from "pipecat-wavix/codec";
      const codec = await loadCodec();
      console.log(codec.variant, codec.createResampler(24000, 16000).process(new Int16Array(480)).length);
    `);
    expect(output).toBe("simd 320");
  });

  it("works through every entry", async () => {
    const output = await evaluate(`
      import { readFileSync } from "node:fs";
      import { createRequire } from "node:module";
      import { InputAudioRawFrame, StartFrame, WavixFrameSerializer } from "pipecat-wavix";
      import { createWavixTransport } from "pipecat-wavix/transport";
      import { echoBot } from "pipecat-wavix/bots";
      import { WavixRestClient } from "pipecat-wavix/control";
      import { createServer } from "pipecat-wavix/server";
      import { createWavixSimulator } from "pipecat-wavix/simulator";
      const serializer = new WavixFrameSerializer();
      serializer.setup(new StartFrame());
      const frame = serializer.deserialize('{"event":"media","media":{"payload":"' + "A".repeat(1280) + '"}}');
      const simulator = await createWavixSimulator();
      const server = createServer({ bot: echoBot(), port: 0, wavixApiBase: simulator.apiUrl, logLevel: "silent" });
      const { webhook } = await server.listen();
      const call = simulator.placeCall({ webhookUrl: webhook, hangUpAfterMs: 300 });
      const { endedBy } = await call.ended;
      await server.close();
      await simulator.close();
      const wasm = createRequire(import.meta.url).resolve("pipecat-wavix/codec.simd.wasm");
      console.log(frame instanceof InputAudioRawFrame, typeof createWavixTransport, typeof WavixRestClient, endedBy,
        WebAssembly.validate(readFileSync(wasm)));
    `);
    expect(output).toBe("true function function caller true");
  }, 30_000);

  it("type-checks from outside", async () => {
    writeFileSync(
      join(PROJECT, "bot.ts"),
      `import { InputAudioRawFrame } from "pipecat-wavix";
       import { loadCodec, type Codec } from "pipecat-wavix/codec";
       import { createServer, type WavixServer } from "pipecat-wavix/server";
       import type { Bot } from "pipecat-wavix/transport";
       const bot: Bot = async (call) => {
         for await (const frame of call.frames()) if (frame instanceof InputAudioRawFrame) await call.send(frame);
       };
       export const server: WavixServer = createServer({ bot, port: 0 });
       export const codec: Promise<Codec> = loadCodec({ variant: "scalar" });
       // @ts-expect-error not a variant
       void loadCodec({ variant: "fast" });`,
    );
    const options = {
      module: "nodenext",
      target: "es2022",
      lib: ["es2023", "esnext.disposable"],
      strict: true,
      noEmit: true,
      types: ["node"],
    };
    writeFileSync(join(PROJECT, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["bot.ts"] }));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    await expect(run(process.execPath, [tsc, "-p", PROJECT])).resolves.toMatchObject({ stdout: "" });
  }, 60_000);

  it("has a command that explains itself", async () => {
    const { stdout } = await run(process.execPath, [join(INSTALLED, "dist/cli/main.js"), "--help"]);
    expect(stdout).toMatch(/usage: pipecat-wavix <command>/);
  });
});
