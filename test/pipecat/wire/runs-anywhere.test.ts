import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, it } from "vitest";

const entry = fileURLToPath(new URL("../../../src/pipecat/wire/index.ts", import.meta.url));

it("bundles into one script without Node, and runs where there is only what browsers have", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "iife",
    globalName: "wire",
    platform: "neutral",
    mainFields: ["module"],
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  // A node: import fails the build on the neutral platform; a package shows here.
  for (const input of Object.keys(metafile.inputs)) {
    expect(input).toMatch(/^(src\/pipecat\/wire|node_modules\/@bufbuild\/protobuf\/)/);
  }
  const browserLike = createContext({ TextEncoder, TextDecoder });
  const kinds: unknown = runInContext(
    `${outputFiles[0]?.text}
    const message = wire.readFrame(wire.encodeFrame({ kind: "message", data: wire.clientReady() }));
    const audio = wire.readFrame(wire.encodeAudioFrame(new Int16Array(320), 16000));
    [wire.parseRtvi(message.data).type, audio.kind, audio.audio.length].join();`,
    browserLike,
  );
  expect(kinds).toBe("client-ready,audio,320");
});
