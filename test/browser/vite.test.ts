import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { noise } from "../support/noise.ts";
import { makePackedProject } from "../support/packed.ts";
import { launchChromium } from "./chromium.ts";
import { Site } from "./site.ts";

/** Away from the repository, so that Vite finds nothing but the package. */
const PROJECT = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));

const PAGE = '<!doctype html><body><script type="module" src="/main.js"></script>';
const MAIN = `
  import { StartFrame, WavixFrameSerializer } from "pipecat-wavix";
  import { loadCodec } from "pipecat-wavix/codec";
  import address from "pipecat-wavix/codec.scalar.wasm?url";

  const input = Int16Array.from(${JSON.stringify([...noise(960)])});
  const resample = (codec) => [...codec.createResampler(24000, 16000).process(input)];
  const inlined = await loadCodec();
  const brought = await loadCodec({ module: await WebAssembly.compileStreaming(fetch(address)) });
  const serializer = new WavixFrameSerializer({ codec: inlined });
  serializer.setup(new StartFrame());
  const frame = serializer.deserialize('{"event":"media","media":{"payload":"' + "A".repeat(1280) + '"}}');
  globalThis.result = {
    variants: [inlined.variant, brought.variant],
    samples: [resample(inlined), resample(brought)],
    frame: frame.audio.length,
  };
  document.body.dataset.ready = "";
`;

beforeAll(async () => {
  await makePackedProject(PROJECT);
  writeFileSync(join(PROJECT, "index.html"), PAGE);
  writeFileSync(join(PROJECT, "main.js"), MAIN);
});
afterAll(() => rmSync(PROJECT, { recursive: true, force: true }));

it("a page that Vite builds from the packed package runs in Chromium", async () => {
  const warnings: string[] = [];
  await build({
    root: PROJECT,
    configFile: false,
    logLevel: "silent",
    build: {
      target: "es2022",
      assetsInlineLimit: 0,
      rollupOptions: { onLog: (_level, { message }) => warnings.push(message) },
    },
  });
  expect(warnings).toEqual([]);
  expect(readdirSync(join(PROJECT, "dist/assets")).map((file) => file.replace(/-.*\./, "."))).toEqual(
    expect.arrayContaining(["codec.scalar.wasm"]),
  );
  await using site = await Site.open({ root: pathToFileURL(`${PROJECT}/dist/`), paths: {} });
  await using browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(`${site.origin}/index.html`);
  await page.waitForSelector("[data-ready]", { state: "attached" });
  const samples = [...loadCodecSync().createResampler(24000, 16000).process(noise(960))];
  expect(await page.evaluate(() => (globalThis as unknown as { result: unknown }).result)).toEqual({
    variants: ["simd", "scalar"],
    samples: [samples, samples],
    frame: 320,
  });
});
