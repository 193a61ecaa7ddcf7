import { type Browser, chromium } from "playwright-core";

/** Debian's Chromium, headless. */
export function launchChromium(options: { args?: string[] } = {}): Promise<Browser> {
  const args = ["--no-sandbox", ...(options.args ?? [])];
  return chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args });
}
