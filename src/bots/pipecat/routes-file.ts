import { readFileSync } from "node:fs";
import { checkRoutes } from "../route.ts";
import { checkPipecatOptions } from "./check-options.ts";
import type { PipecatBotOptions } from "./options.ts";

/** Bots by called number, as `routeBots` takes them: `+12025550143`, `+1202*` or `*`. */
export type PipecatRoutes = Readonly<Record<string, PipecatBotOptions>>;

/** What came of reading. Problems name routes and options, and quote no value. */
export type ReadRoutes = { ok: true; routes: PipecatRoutes } | { ok: false; problems: string[] };

/**
 * Reads a JSON file of routes: `{"+12025550143": {"url": "ws://…"}, "*": {"command": "python bot.py --port {port}"}}`.
 * Their values are {@link PipecatBotOptions} as JSON has them.
 *
 * @param shared what a route has that does not say otherwise; what does not go with its place is left out
 */
export function readRoutes(path: string, shared: PipecatBotOptions = {}): ReadRoutes {
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // The engine quotes the text, and the text may hold a key.
    const why =
      error instanceof SyntaxError ? "is not JSON" : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    return { ok: false, problems: [`the file ${why}`] };
  }
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    return { ok: false, problems: ["the file must be a JSON object of routes"] };
  }
  try {
    checkRoutes(Object.keys(file));
  } catch (error) {
    return { ok: false, problems: [(error as TypeError).message] };
  }
  const routes: Record<string, PipecatBotOptions> = {};
  const problems: string[] = [];
  for (const [route, given] of Object.entries(file)) {
    const options = withShared(given, shared);
    const checked = checkPipecatOptions(options);
    if (checked.ok) routes[route] = options as PipecatBotOptions;
    else
      problems.push(
        ...checked.problems.map(({ name, message }) => `${route}: ${name} ${message}`.replace(":  ", ": ")),
      );
  }
  return problems.length === 0 ? { ok: true, routes } : { ok: false, problems };
}

function withShared(given: unknown, shared: PipecatBotOptions): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const { healthPath, healthCheckMs, ...everywhere } = shared;
  return { ...("url" in given ? shared : everywhere), ...given };
}
