import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";

const entry = fileURLToPath(new URL("../../../src/index.ts", import.meta.url));

test("the library bundles into one script without Node, and runs where there is only what browsers have", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "iife",
    globalName: "library",
    platform: "neutral",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  // A node: import fails the build on the neutral platform; a package shows here. The loader is part of the codec's module.
  for (const input of Object.keys(metafile.inputs)) {
    expect(input).toMatch(/^(src\/(codec|pipecat|wavix\/wire|index)|node_modules\/@assemblyscript\/loader\/)/);
  }
  const browserLike = createContext({ TextEncoder, TextDecoder, atob, setTimeout, clearTimeout });
  const pcmBytes: number = runInContext(
    `${outputFiles[0]?.text}
    const serializer = new library.WavixFrameSerializer({ streamId: "str-456" });
    serializer.setup(new library.StartFrame());
    const audio = new Int16Array(480).fill(1000);
    const [message] = serializer.serialize(new library.OutputAudioRawFrame({ audio, sampleRate: 24000, numChannels: 1 }));
    const frame = serializer.deserialize(message);
    serializer.close();
    frame.audio.byteLength;`,
    browserLike,
  );
  expect(pcmBytes).toBe(640);
});
