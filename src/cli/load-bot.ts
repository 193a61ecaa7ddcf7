import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { echoBot } from "../bots/index.ts";
import type { Bot } from "../call/index.ts";
import { UsageError } from "./arguments.ts";

const BOTS: Readonly<Record<string, () => Bot>> = { echo: () => echoBot() };

/**
 * A bot by name, or the default export of a file.
 *
 * @param flag the option that names it, for the error
 * @throws UsageError when there is none
 */
export async function loadBot(flag: string, name: string): Promise<Bot> {
  if (Object.hasOwn(BOTS, name)) return (BOTS[name] as () => Bot)();
  if (!/[./\\]/.test(name)) {
    throw new UsageError(
      `--${flag} must be ${Object.keys(BOTS).join(", ")} or a file such as ./my-bot.mjs, got ${name}`,
    );
  }
  const file = resolve(name);
  if (!existsSync(file)) throw new UsageError(`--${flag} ${name}: there is no such file`);
  const module: { default?: unknown } = await import(pathToFileURL(file).href);
  if (typeof module.default !== "function") throw new UsageError(`--${flag} ${name}: its default export must be a bot`);
  return module.default as Bot;
}
