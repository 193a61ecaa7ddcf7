import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const BENCH = resolve("bench");

/** The packages of bench/package.json. */
export const PACKAGES = [
  "speex-resampler",
  "@echogarden/speex-resampler-wasm",
  "@alexanderolsen/libsamplerate-js",
  "wave-resampler",
] as const;
export type PackageName = (typeof PACKAGES)[number];

const folder = (name: string) => join(BENCH, "node_modules", name);
export const isInstalled = (name: string) => existsSync(join(folder(name), "package.json"));

/**
 * Installs what is missing.
 *
 * @param say is told that it goes on, and in one line why it failed; the bench then goes on without
 */
export function installPackages(say: (text: string) => void): void {
  if (PACKAGES.every(isInstalled)) return;
  say("installing the peers of bench/package.json …");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"];
  const { status, stderr, error } = spawnSync("npm", ["ci", ...flags], {
    cwd: BENCH,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status === 0) return;
  const code = /npm (?:error|ERR!) code (\S+)/.exec(stderr ?? "")?.[1] ?? (error as NodeJS.ErrnoException)?.code;
  const why = code ?? `exit code ${status}`;
  say(`the peers could not be installed (npm: ${why}); once the registry can be reached: npm ci --prefix bench`);
}

export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(folder(name), "package.json"), "utf8")) as { version: string }).version;
}

/** Imports a package of the bench, which is out of reach for the compiled bench in build/. */
export async function importPackage(specifier: string): Promise<unknown> {
  const require = createRequire(join(BENCH, "package.json"));
  return import(pathToFileURL(require.resolve(specifier)).href);
}
