// Compiles entries of the bench into build/bench, and starts the first. The codec is built by the npm scripts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** @param {string[]} entries files of bench/, without `.ts` */
export async function compileAndStart(entries) {
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
    entryPoints: entries.map((entry) => `bench/${entry}.ts`),
    outbase: "bench",
    outdir: "build/bench",
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  await import(pathToFileURL(join("build", "bench", `${entries[0]}.js`)).href);
}
