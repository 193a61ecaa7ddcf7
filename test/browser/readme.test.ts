import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Codec, loadCodecSync, resample } from "../../src/codec/index.ts";
import { noise } from "../support/noise.ts";
import { fencedBlocks } from "../support/readme.ts";
import { launchChromium } from "./chromium.ts";
import { Site } from "./site.ts";

const ROOT = new URL("../../", import.meta.url);

/** The README's example that begins with its file's name. */
function example(file: string): string {
  const found = fencedBlocks("js").find((code) => code.startsWith(`// ${file}:`));
  if (found === undefined) throw new Error(`the README has no example ${file}`);
  return found;
}
const [ownModule] = fencedBlocks("ts").filter((code) => code.includes("compileStreaming")) as [string];

/** The examples are modules: what they make is handed to the tests by a script of the page. */
interface Made {
  codec: Codec;
  createListener(context: BaseAudioContext, onSamples: (part: Float32Array) => void): Promise<AudioWorkletNode>;
}
const SCRIPT = `<script type="module">
  import { codec } from "/own-module.js";
  import { createListener } from "/page.js";
  Object.assign(globalThis, { codec, createListener });
</script>`;

/** What a page has where a bundler would have resolved the package. */
const IMPORT_MAP = '<script type="importmap">{"imports":{"pipecat-wavix/codec":"/codec.js"}}</script>';

describe("the README's examples in Chromium", () => {
  let browser: Browser;
  let site: Site;
  let page: Page;
  beforeAll(async () => {
    site = await Site.open({
      paths: {
        "/": `<!doctype html>${IMPORT_MAP}${SCRIPT}`,
        "/codec.js": new URL("dist/codec/index.js", ROOT),
        "/codec.simd.wasm": new URL("build/codec.simd.wasm", ROOT),
        "/worker.js": example("worker.js"),
        "/worklet.js": example("worklet.js"),
        "/page.js": example("page.js"),
        "/own-module.js": `${ownModule}\nexport { codec };`,
      },
    });
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(site.origin);
    await page.waitForFunction(() => "createListener" in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
  });

  it("a module of one's own", async () => {
    expect(await page.evaluate(() => (globalThis as unknown as Made).codec.variant)).toBe("simd");
  });

  it("worker.js", async () => {
    const samples = await page.evaluate(
      async (samples) => {
        const worker = new Worker("/worker.js", { type: "module" });
        const answer = new Promise<Int16Array>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        });
        worker.postMessage(Int16Array.from(samples));
        return [...(await answer)];
      },
      [...noise(480)],
    );
    expect(samples).toEqual([...loadCodecSync().createResampler(24000, 16000).process(noise(480))]);
  });

  it("worklet.js and page.js", async () => {
    const heard = await page.evaluate(
      async (samples) => {
        const { createListener } = globalThis as unknown as Made;
        const context = new OfflineAudioContext(1, samples.length, 48000);
        const all: number[] = [];
        // The messages of the audio thread may come after the rendering.
        let done = () => {};
        const complete = new Promise<void>((resolve) => {
          done = resolve;
        });
        const node = await createListener(context, (part: Float32Array) => {
          if (all.push(...part) === samples.length / 3) done();
        });
        const buffer = context.createBuffer(1, samples.length, 48000);
        buffer.copyToChannel(
          Float32Array.from(samples, (sample) => sample / 32768),
          0,
        );
        const source = new AudioBufferSourceNode(context, { buffer });
        source.connect(node).connect(context.destination);
        source.start();
        await context.startRendering();
        await complete;
        return all;
      },
      [...noise(3_840)],
    );
    const expected = loadCodecSync().createResampler(48000, 16000).process(noise(3_840));
    expect(heard).toEqual([...expected].map((sample) => sample / 32_768));
  });
});

it("the README's edge.js, in workerd", async () => {
  const miniflare = new Miniflare({
    compatibilityDate: "2026-01-01",
    modules: [
      { type: "ESModule", path: "edge.js", contents: example("edge.js") },
      { type: "ESModule", path: "pipecat-wavix/codec", contents: readFileSync(new URL("dist/codec/index.js", ROOT)) },
      {
        type: "CompiledWasm",
        path: "pipecat-wavix/codec.simd.wasm",
        contents: readFileSync(new URL("build/codec.simd.wasm", ROOT)),
      },
    ],
  });
  try {
    const body = new Uint8Array(noise(2_400).buffer);
    const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body });
    expect(new Int16Array(await response.arrayBuffer())).toEqual(resample(noise(2_400), 24000, 16000));
  } finally {
    await miniflare.dispose();
  }
});
