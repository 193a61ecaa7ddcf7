#!/usr/bin/env node
// Compiles the bench and starts it. The peers are installed by bench/main.ts, the codec is built by `npm run bench`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const { buildSync } = await import("esbuild").catch(() => {
  console.error("bench: the compilers are not installed; run `npm install` first");
  process.exit(1);
});
if (!existsSync("dist/codec/index.js")) {
  console.error("bench: the codec is not built; run `npm run build` first");
  process.exit(1);
}
buildSync({
  entryPoints: ["bench/main.ts", "bench/memory-child.ts", "bench/streams-child.ts"],
  outdir: "build/bench",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  logLevel: "warning",
});
await import(pathToFileURL(join("build", "bench", "main.js")).href);
