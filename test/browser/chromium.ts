import { accessSync, constants, statSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/**
 * Where Chromium is: `CHROMIUM_PATH`, else Debian's place for it.
 *
 * @throws Error in one line that says how to get it
 */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM_PATH || "/usr/bin/chromium";
  if (isProgram(path)) return path;
  throw new Error(
    `no Chromium at ${path}: run "apt-get install chromium", or set CHROMIUM_PATH to a Chromium or Chrome`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Starts the Chromium of this machine, headless, with a user data folder of its own.
 *
 * @param options.args more of its flags, such as `--js-flags=--jitless`
 * @throws Error when there is none, see {@link chromiumPath}
 *
 * @example
 * await using browser = await launchChromium();
 * const page = await browser.newPage();
 * console.log(await page.evaluate(() => typeof WebAssembly)); // "object"
 */
export function launchChromium(options: { args?: string[] } = {}): Promise<Browser> {
  const quiet = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  // Its sandbox refuses to run as root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: chromiumPath(),
    chromiumSandbox: sandbox.length === 0,
    args: [...quiet, ...sandbox, ...(options.args ?? [])],
    timeout: 30_000,
  });
}
