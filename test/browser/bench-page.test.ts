import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import { createServer, type WavixServer } from "../../src/server/index.ts";
import { benchPage } from "../../src/web/index.ts";
import { launchChromium } from "./chromium.ts";

let server: WavixServer;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  server = createServer({ bot: echoBot(), port: 0, logLevel: "silent" });
  server.app.use("/bench", benchPage({ root: new URL("../../dist/", import.meta.url) }));
  origin = (await server.listen()).local;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** The page, and everything on it that must not happen. */
async function openPage(query = "") {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "log") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "blob:") complaints.push(`request to ${url.href}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`violation of ${event.violatedDirective}`));
  });
  await page.goto(`${origin}/bench${query}`);
  const status = page.locator("#status");
  return { page, complaints, status };
}

describe("the bench page", () => {
  it("measures three variants that give the same bits, and lets the figures be taken along", async () => {
    const { page, complaints, status } = await openPage("?rounds=3&batch=1");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.getByText("low-delay", { exact: true }).click();
    await page.getByRole("button", { name: "Start" }).click();
    await expect.poll(() => status.textContent(), { timeout: 40_000 }).toBe("Done: medians of 3 rounds.");

    const rows = page.locator("tbody");
    expect(await rows.count()).toBe(6 * 2 + 4);
    expect(await page.locator(".proof", { hasText: "✓ same bits" }).count()).toBe(6 * 2 + 4);
    const inbound = page.locator('tbody[data-row="24000-16000 default"]');
    expect(await inbound.textContent()).toMatch(/SINAD\s95\.\d\sdB · rejection\s9\d\.\d\sdB · delay\s3\.00\sms/);
    for (const name of ["simd", "scalar", "js"]) {
      const line = inbound.locator(`tr[data-name=${name}]`);
      const [micros, realTime] = await line.locator("td.figure").allTextContents();
      expect(Number(micros)).toBeGreaterThan(0);
      expect(Number(realTime?.replaceAll(",", ""))).toBeGreaterThan(1);
      expect(await line.locator("rect.fill").evaluate((bar) => bar.getBoundingClientRect().width)).toBeGreaterThan(0);
    }
    expect(
      await page.locator('tbody[data-row="read 24000"] tr[data-name=usual] td.figure').first().textContent(),
    ).toMatch(/^\d+(\.\d+)?$/);
    expect(await page.locator(".card dd:first-of-type").allTextContents()).toEqual(
      Array(3).fill(expect.stringMatching(/\d/)),
    );
    expect(await page.locator("circle.dot").count()).toBe(12);

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    const figures = JSON.parse(await readFile(await download.path(), "utf8"));
    expect(figures).toMatchObject({ environment: { engine: "V8" }, rounds: 3, batchMs: 1 });
    expect(figures.results).toHaveLength(12 * 3);
    expect(figures.messagePath).toHaveLength(4 * 3 + 2);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin });
    await page.click("#copy");
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(copied).toMatch(/24 → 16 kHz, low-delay +simd/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("stops when told to, keeps what it has, and starts again", async () => {
    const { page, complaints, status } = await openPage("?rounds=1000&batch=1");
    // With the keyboard alone.
    await page.locator("#start").focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => status.textContent(), { timeout: 40_000 }).toMatch(/^Round 1 of 1000$/);
    expect(await page.locator("#choice:disabled").count()).toBe(1);
    await page.keyboard.press("Enter");
    await expect.poll(() => status.textContent()).toMatch(/^Stopped; medians of \d+ rounds\.$/);
    expect(page.workers()).toHaveLength(0);
    expect(await page.locator("#download").isEnabled()).toBe(true);
    await page.keyboard.press("Enter");
    await expect.poll(() => status.textContent()).toMatch(/^Checking|^Warming/);
    await page.keyboard.press("Enter");
    await expect.poll(() => status.textContent()).toBe("Stopped.");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("asks for something to measure", async () => {
    const { page, complaints, status } = await openPage();
    await page.getByText("default", { exact: true }).click();
    await page.getByText("Wavix messages", { exact: true }).first().click();
    await page.getByRole("button", { name: "Start" }).click();
    expect(await status.textContent()).toBe("Choose a pair of rates and a profile, or the messages.");
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("does without WebAssembly, says so, and shows no tick for what nobody confirmed", async () => {
    const page = await browser.newPage();
    // As if the header forgot to allow it: the workers inherit nothing from the page, they get their own.
    await page.route("**/worker.js", async (route) => {
      const response = await route.fetch();
      const policy = (response.headers()["content-security-policy"] as string).replace(" 'wasm-unsafe-eval'", "");
      await route.fulfill({ response, headers: { ...response.headers(), "content-security-policy": policy } });
    });
    await page.goto(`${origin}/bench?rounds=1&batch=1`);
    await page.getByRole("button", { name: "Start" }).click();
    await expect.poll(() => page.locator("#status").textContent(), { timeout: 40_000 }).toMatch(/^Done/);
    expect(await page.locator("#absent").textContent()).toMatch(/simd does not run here: .*scalar does not run here: /);
    expect(await page.locator('tbody[data-row="24000-16000 default"] .proof').textContent()).toBe(
      "nothing to compare with",
    );
    expect(await page.locator('tbody[data-row="read 24000"] .proof').textContent()).toBe("✓ same bits");
    await page.close();
  });

  it("fits on a phone", async () => {
    const { page } = await openPage("?rounds=1&batch=1");
    await page.setViewportSize({ width: 340, height: 700 });
    await page.getByRole("button", { name: "Start" }).click();
    await expect.poll(() => page.locator("#status").textContent(), { timeout: 40_000 }).toMatch(/^Done/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(340);
    await page.close();
  });
});
