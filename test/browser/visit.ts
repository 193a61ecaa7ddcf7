import type { Browser, Page } from "playwright-core";
import type { Calls } from "./page.ts";
import type { Site } from "./site.ts";

/** The path of the page in page.ts. */
export const PAGE = { "/": '<!doctype html><body><script type="module" src="/test/browser/page.ts"></script>' };

/** Opens a site's page; a page that fails on its own fails the test, with its own words. */
export async function visit(browser: Browser, site: Site, path = "/"): Promise<Page> {
  const page = await browser.newPage();
  const failed = new Promise<never>((_, reject) => page.once("pageerror", reject));
  failed.catch(() => {});
  await page.goto(site.origin + path);
  await Promise.race([page.waitForSelector("[data-ready]", { state: "attached", timeout: 20_000 }), failed]);
  return page;
}

/** Calls a function of page.ts there. */
export function call<Name extends keyof Calls>(
  page: Page,
  name: Name,
  ...parameters: Parameters<Calls[Name]>
): Promise<Awaited<ReturnType<Calls[Name]>>> {
  return page.evaluate(
    ([name, parameters]) => {
      const { calls } = globalThis as unknown as { calls: Record<string, (...parameters: unknown[]) => never> };
      return (calls[name as string] as (...parameters: unknown[]) => never)(...(parameters as unknown[]));
    },
    [name, parameters] as const,
  );
}
