#!/usr/bin/env node
// Builds what is out of date: assembly/ → build/*.wasm → src/codec/wasm.generated.ts → dist/.
// A step is skipped while its output is newer than all it is made from.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const require = createRequire(import.meta.url);
const quiet = process.argv.includes("--quiet");
const installed = (name) => existsSync(join("node_modules", name));

if (process.argv.includes("--help")) {
  console.log(
    "usage: npm run build [-- --force]\n\nBuilds build/*.wasm and dist/. Steps that are up to date are skipped.",
  );
  process.exit(0);
}
if (!installed("typescript") || !installed("assemblyscript")) {
  if (existsSync("dist/cli/main.js")) process.exit(0);
  console.error(
    "pipecat-wavix: the compilers are not installed, so nothing was built; run `npm install` (with development dependencies).",
  );
  process.exit(process.env.npm_lifecycle_event === "prepare" ? 0 : 1);
}
if (process.argv.includes("--force")) {
  rmSync("build", { recursive: true, force: true });
  rmSync("dist", { recursive: true, force: true });
}
mkdirSync("build", { recursive: true });

const sources = (dir, ...endings) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name));
const modifiedAt = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const upToDate = (outputs, inputs) => Math.min(...outputs.map(modifiedAt)) > Math.max(...inputs.map(modifiedAt));

function run(label, script, args) {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  if (status !== 0) {
    console.error(`${stdout}${stderr}\npipecat-wavix: ${label} failed`);
    process.exit(1);
  }
  if (!quiet) console.log(`${label}  ${Math.round(performance.now() - startedAt)} ms`);
}
const binOf = (name, bin) => {
  const manifest = require.resolve(`${name}/package.json`);
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin[bin]);
};

const assembly = [...sources("assembly", ".ts"), "asconfig.json", "package.json"];
for (const variant of ["simd", "scalar", "debug"]) {
  const output = `build/codec.${variant}.wasm`;
  if (upToDate([output], assembly)) continue;
  // asc exits 0 without writing anything for a target it does not know, so the output must be seen to appear.
  rmSync(output, { force: true });
  run(output, join("node_modules", "assemblyscript", "bin", "asc.js"), ["--target", variant]);
  if (!existsSync(output)) {
    console.error(`pipecat-wavix: the compiler wrote no ${output}`);
    process.exit(1);
  }
}

const generated = "src/codec/wasm.generated.ts";
const binaries = ["build/codec.simd.wasm", "build/codec.scalar.wasm"];
if (!upToDate([generated], [...binaries, "scripts/build.js"])) {
  const [simd, scalar] = binaries.map((file) => readFileSync(file).toString("base64"));
  writeFileSync(
    generated,
    `// Made by scripts/build.js from assembly/.\nexport const simdWasmBase64 =\n  "${simd}";\nexport const scalarWasmBase64 =\n  "${scalar}";\n`,
  );
}

const host = [
  ...sources("src", ".ts", ".json", ".js", ".html", ".css", ".svg", ".wav"),
  "tsconfig.json",
  "package.json",
  "scripts/build.js",
];
// The stamp lists the sources: what was made from one that is gone must go too.
const list = host.sort().join("\n");
const known = existsSync("build/dist.stamp") ? readFileSync("build/dist.stamp", "utf8") : "";
if (known !== list || !upToDate(["build/dist.stamp"], host) || !existsSync("dist/cli/main.js")) {
  if (known !== list || !existsSync("dist")) {
    rmSync("dist", { recursive: true, force: true });
    rmSync("build/src.tsbuildinfo", { force: true });
  }
  run("dist/", binOf("typescript", "tsc"), ["-p", "src/tsconfig.json"]);
  // The codec's entry is one self-contained module: everything it needs, the loader and the binaries, is inside.
  const { buildSync } = await import("esbuild");
  buildSync({
    entryPoints: ["src/codec/index.ts"],
    // An AudioWorklet has no TextDecoder, and the loader makes one when it is loaded.
    inject: ["src/codec/utf8.ts"],
    outfile: "dist/codec/index.js",
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    sourcemap: true,
    legalComments: "inline",
    logLevel: "warning",
  });
  for (const file of sources("dist/codec", ".js", ".js.map")) {
    if (!file.startsWith(join("dist", "codec", "index.js"))) rmSync(file);
  }
  for (const file of sources("src", ".html", ".css", ".svg", ".wav"))
    copyFileSync(file, join("dist", file.slice("src/".length)));
  chmodSync("dist/cli/main.js", 0o755);
  writeFileSync("build/dist.stamp", list);
}
