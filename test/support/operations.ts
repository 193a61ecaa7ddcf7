import type { ServerUrls } from "../../src/server/index.ts";

/** What `/readyz` says: status and body. */
export async function readiness({ local }: ServerUrls): Promise<[number, unknown]> {
  const response = await fetch(`${local}/readyz`);
  return [response.status, await response.json()];
}

/** The text of one scrape. */
export async function scrape({ local }: ServerUrls): Promise<string> {
  return (await fetch(`${local}/metrics`)).text();
}

/** One value of a scrape, by its name with labels; undefined when there is none. */
export async function metric(urls: ServerUrls, name: string): Promise<number | undefined> {
  const line = (await scrape(urls)).split("\n").find((line) => line.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}
