import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { echoBot } from "../bots/index.ts";
import type { Bot } from "../call/index.ts";
import { UsageError } from "./arguments.ts";

/** A bot as the command line names it; as JSON it can be sent to a worker. */
export interface NamedBot {
  /** Without its dashes. */
  readonly flag: string;
  readonly name: string;
  /** Where its module is; absent for a bot of this package. */
  readonly file?: string | undefined;
}

const BOTS: Readonly<Record<string, () => Bot>> = { echo: () => echoBot() };

/** @throws UsageError when there is no such bot */
export function findBot(flag: string, name: string): NamedBot {
  if (Object.hasOwn(BOTS, name)) return { flag, name };
  if (!/[./\\]/.test(name)) {
    throw new UsageError(
      `--${flag} must be ${Object.keys(BOTS).join(", ")} or a file such as ./my-bot.mjs, got ${name}`,
    );
  }
  const file = resolve(name);
  if (!existsSync(file)) throw new UsageError(`--${flag} ${name}: there is no such file`);
  return { flag, name, file };
}

/**
 * @throws UsageError when its module has no bot
 * @throws Error when its module throws, with what it has thrown as `cause`
 */
export async function loadBot({ flag, name, file }: NamedBot): Promise<Bot> {
  if (file === undefined) return (BOTS[name] as () => Bot)();
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new Error(`--${flag} ${name} cannot be loaded: ${String(cause)}`, { cause });
  }
  if (typeof module.default !== "function") throw new UsageError(`--${flag} ${name}: its default export must be a bot`);
  return module.default as Bot;
}
