import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePackedProject } from "./support/packed.ts";

const run = promisify(execFile);
const ROOT = new URL("..", import.meta.url).pathname;
/** Below the repository, so that the dependencies are found as if they had been installed. */
const PROJECT = join(ROOT, "build", "package-test");
const INSTALLED = join(PROJECT, "node_modules", "pipecat-wavix");

/** With nothing around it: what is imported there is in the package. */
const ALONE = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
/** With what npm installs beside it: its dependencies and theirs, but none of those for development. */
const USED = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));

let tarball: string;
beforeAll(async () => {
  ({ tarball } = await makePackedProject(PROJECT));
  for (const folder of [ALONE, USED]) {
    cpSync(INSTALLED, join(folder, "node_modules", "pipecat-wavix"), { recursive: true });
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    // A program for Node has Node's types; the package itself brings none.
    const isUsers = /^node_modules\/(@types\/node|undici-types)$/.test(path);
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || ((dev || optional) && !isUsers)) continue;
    mkdirSync(dirname(join(USED, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(USED, path));
  }
}, 60_000);

afterAll(() => {
  for (const folder of [PROJECT, ALONE, USED]) rmSync(folder, { recursive: true, force: true });
});

/** Runs a program in a project that has the package installed. */
async function evaluate(code: string, type: "module" | "commonjs" = "module", cwd = PROJECT): Promise<string> {
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, "-e", code], { cwd, timeout: 30_000 });
  return stdout.trim();
}

/** Names outside of the package that a built entry imports, directly or not. */
async function namesReachedFrom(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(INSTALLED, entry)],
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    platform: "neutral",
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))].sort();
}

/** What the compiler has to say about a program that is written against the package. */
async function compile(folder: string, program: string, options: Record<string, unknown>): Promise<string> {
  writeFileSync(join(folder, "program.ts"), program);
  const compilerOptions = { target: "es2022", strict: true, noEmit: true, ...options };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  return run(process.execPath, [tsc, "-p", folder]).then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  );
}

describe("the packed package", () => {
  it("holds what a user needs and nothing else", () => {
    const top = readdirSync(INSTALLED).sort();
    expect(top).toEqual([
      ".env.example",
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "assembly",
      "build",
      "dist",
      "package.json",
    ]);
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
    const program = `
       import { InputAudioRawFrame } from "pipecat-wavix";
       import { loadCodec, type Codec } from "pipecat-wavix/codec";
       import { createServer, type WavixServer } from "pipecat-wavix/server";
       import type { Bot } from "pipecat-wavix/transport";
       const bot: Bot = async (call) => {
         for await (const frame of call.frames()) if (frame instanceof InputAudioRawFrame) await call.send(frame);
       };
       export const server: WavixServer = createServer({ bot, port: 0 });
       server.app.get("/hello", (_request, response) => void response.send("hello"));
       // @ts-expect-error not a path
       server.app.get(7, () => undefined);
       export const codec: Promise<Codec> = loadCodec({ variant: "scalar" });
       // @ts-expect-error not a variant
       void loadCodec({ variant: "fast" });`;
    const lib = ["es2023", "esnext.disposable"];
    expect(await compile(USED, program, { module: "nodenext", lib, types: ["node"], preserveSymlinks: true })).toBe("");
  }, 60_000);

  it.each([{ module: "nodenext" }, { module: "esnext", moduleResolution: "bundler" }])(
    "type-checks in a project for browsers, with nothing of Node: %o",
    async (options) => {
      const program = `
       import { InputAudioRawFrame, WavixFrameSerializer } from "pipecat-wavix";
       import { type Codec, loadCodec } from "pipecat-wavix/codec";
       import module from "pipecat-wavix/codec.simd.wasm";
       export const compiled: WebAssembly.Module = module;
       export const codec: Promise<Codec> = loadCodec({ module });
       export const frame = new WavixFrameSerializer().deserialize("") instanceof InputAudioRawFrame;
       // @ts-expect-error not a variant
       void loadCodec({ variant: "fast" });`;
      const lib = ["es2023", "esnext.disposable", "dom"];
      expect(await compile(ALONE, program, { ...options, lib, types: [] })).toBe("");
    },
    60_000,
  );

  it("has a library and a codec that need nothing around them, from import and from require", async () => {
    const use = `
      const serializer = new WavixFrameSerializer({ codec: loadCodecSync() });
      serializer.setup(new StartFrame());
      const frame = serializer.deserialize('{"event":"media","media":{"payload":"' + "A".repeat(1280) + '"}}');
      console.log(frame.audio.length, loadCodecSync().variant);`;
    const imported = `
      import { StartFrame, WavixFrameSerializer } from "pipecat-wavix";
      import { loadCodecSync } from "pipecat-wavix/codec";`;
    const required = `
      const { StartFrame, WavixFrameSerializer } = require("pipecat-wavix");
      const { loadCodecSync } = require("pipecat-wavix/codec");`;
    expect(await evaluate(imported + use, "module", ALONE)).toBe("320 simd");
    expect(await evaluate(required + use, "commonjs", ALONE)).toBe("320 simd");
  });

  it("can be required, every entry of it", async () => {
    const output = await evaluate(
      `
      const { exports } = require("pipecat-wavix/package.json");
      const entries = Object.keys(exports).filter((entry) => !/json$|wasm$/.test(entry));
      for (const entry of entries) if (Object.keys(require("pipecat-wavix" + entry.slice(1))).length === 0) throw entry;
      console.log(entries.length);`,
      "commonjs",
    );
    expect(output).toBe("11");
  });

  it("reaches nothing of Node and no package from its codec and library, as they are built", async () => {
    expect(await namesReachedFrom("dist/codec/index.js")).toEqual([]);
    expect(await namesReachedFrom("dist/index.js")).toEqual([]);
    expect(await namesReachedFrom("dist/server/index.js")).toEqual(
      expect.arrayContaining(["express", "node:http", "ws"]),
    );
  });

  it("has nothing that publint would mend", async () => {
    const { messages, pkg } = await publint({ pkgDir: INSTALLED, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("has types that are right for ES modules, says attw", async () => {
    const attw = join(ROOT, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
    const flags = ["--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"];
    const complaint = await run(process.execPath, [attw, tarball, ...flags]).then(
      () => "",
      ({ stdout }) => stdout,
    );
    expect(complaint).toBe("");
  }, 60_000);

  it("has a command that explains itself", async () => {
    const { stdout } = await run(process.execPath, [join(INSTALLED, "dist/cli/main.js"), "--help"]);
    expect(stdout).toMatch(/usage: pipecat-wavix <command>/);
  });
});
