import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { echoBot, routeBots } from "../bots/index.ts";
import type { PipecatSettings } from "../bots/pipecat/index.ts";
import type { Bot } from "../call/index.ts";
import { UsageError } from "./arguments.ts";

/** A bot as the command line names it; as JSON it can be sent to a worker. */
export interface NamedBot {
  /** Without its dashes. */
  readonly flag: string;
  readonly name: string;
  /** Where its module is; absent for a bot of this package. */
  readonly file?: string | undefined;
  /** The variables that say how it is to be; only those of a bot of this package. */
  readonly env?: Environment;
}

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How the bots of this package are made. What they need is loaded when they are. */
const BOTS: Readonly<Record<string, (env: Environment) => Bot | Promise<Bot>>> = {
  echo: () => echoBot(),
  async pipecat(env) {
    const { pipecatBot } = await import("../bots/pipecat/index.ts");
    const settings = await pipecatSettings(env);
    const onTrouble = ({ message }: Error) => console.error(`pipecat-wavix: ${message}`);
    if ("bot" in settings) return pipecatBot({ ...settings.bot, onTrouble });
    const routes = Object.entries(settings.routes).map(([number, options]) => {
      return [number, pipecatBot({ ...options, onTrouble })];
    });
    return routeBots(Object.fromEntries(routes));
  },
};

/** @throws UsageError with all that is wrong with the variables of the Pipecat bots */
export async function pipecatSettings(env: Environment): Promise<PipecatSettings> {
  const { readPipecatSettings } = await import("../bots/pipecat/index.ts");
  const read = readPipecatSettings(env);
  if (!read.ok) throw new UsageError(`the settings of the bot need mending:\n  ${read.problems.join("\n  ")}`);
  return read.settings;
}

/** @throws UsageError when there is no such bot */
export function findBot(flag: string, name: string, env: Environment = process.env): NamedBot {
  if (Object.hasOwn(BOTS, name)) {
    const own = Object.entries(env).filter(([variable]) => variable.startsWith("BOT_"));
    return { flag, name, env: Object.fromEntries(own) };
  }
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
 * @throws UsageError when its module has no bot, or its settings are not what they must be
 * @throws Error when its module throws, with what it has thrown as `cause`
 */
export async function loadBot({ flag, name, file, env = {} }: NamedBot): Promise<Bot> {
  if (file === undefined) return (BOTS[name] as (typeof BOTS)[string])(env);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new Error(`--${flag} ${name} cannot be loaded: ${String(cause)}`, { cause });
  }
  if (typeof module.default !== "function") throw new UsageError(`--${flag} ${name}: its default export must be a bot`);
  return module.default as Bot;
}
