import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { echoBot, routeBots } from "../bots/index.ts";
import type { PipecatSettings } from "../bots/pipecat/index.ts";
import type { RealtimeBotOptions } from "../bots/realtime/index.ts";
import type { VoiceBotOptions } from "../bots/voice/index.ts";
import type { Bot } from "../call/index.ts";
import { UsageError } from "./arguments.ts";
import { findPackage } from "./find-package.ts";

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

/** A bot of this package. */
interface OwnBot {
  /** Which variables say how it is to be. */
  readonly variables: RegExp;
  /** @throws UsageError when its variables are not what they must be; what it needs is loaded only here and to make it */
  check?(env: Environment): Promise<unknown>;
  make(env: Environment): Bot | Promise<Bot>;
  /** The server's variables that suit it, in place of their usual defaults. */
  readonly suited?: Environment;
}

const BOTS: Readonly<Record<string, OwnBot>> = {
  echo: { variables: /^$/, make: () => echoBot() },
  pipecat: {
    variables: /^BOT_/,
    check: pipecatSettings,
    async make(env) {
      const { pipecatBot } = await import("../bots/pipecat/index.ts");
      const settings = await pipecatSettings(env);
      const onTrouble = ({ message }: Error) => console.error(`pipecat-wavix: ${message}`);
      if ("bot" in settings) return pipecatBot({ ...settings.bot, onTrouble });
      const routes = Object.entries(settings.routes).map(([number, options]) => {
        return [number, pipecatBot({ ...options, onTrouble })];
      });
      return routeBots(Object.fromEntries(routes));
    },
  },
  voice: {
    variables: /^(OPENAI|DEEPGRAM|CARTESIA|VOICE)_/,
    check: voiceSettings,
    async make(env) {
      const { voiceBot } = await import("../bots/voice/index.ts");
      return voiceBot(await voiceSettings(env));
    },
  },
  realtime: {
    variables: /^(OPENAI|VOICE)_/,
    check: realtimeSettings,
    async make(env) {
      const { realtimeBot } = await import("../bots/realtime/index.ts");
      return realtimeBot(await realtimeSettings(env));
    },
    // The only rate of OpenAI's Realtime API, and Wavix's own: nothing is resampled.
    suited: { SAMPLE_RATE: "24000" },
  },
};

/** @throws UsageError when the package of a service is missing, or with all that is wrong with the variables */
async function voiceSettings(env: Environment): Promise<VoiceBotOptions> {
  requirePackages("voice", ["@deepgram/sdk", "openai"]);
  const { readVoiceSettings } = await import("../bots/voice/index.ts");
  return shownSettings(readVoiceSettings(env));
}

/** @throws UsageError with all that is wrong with the variables */
async function realtimeSettings(env: Environment): Promise<RealtimeBotOptions> {
  const { readRealtimeSettings } = await import("../bots/realtime/index.ts");
  return shownSettings(readRealtimeSettings(env));
}

type ReadConversation<T> = { ok: true; settings: T; showsTranscript: boolean } | { ok: false; problems: string[] };

/** The settings, and where they ask for it, what is said shown on standard output. */
async function shownSettings<T>(read: ReadConversation<T>): Promise<T> {
  const settings = settingsOf(read);
  if (!read.ok || !read.showsTranscript) return settings;
  const { transcriptPrinter } = await import("./transcript.ts");
  return { ...settings, onEvent: transcriptPrinter(console.log) };
}

/** Those that only some bots need are not installed with this package. */
function requirePackages(bot: string, names: readonly string[]): void {
  const missing = names.filter((name) => findPackage(name) === undefined);
  if (missing.length > 0) throw new UsageError(`--bot ${bot} needs a package more: npm install ${missing.join(" ")}`);
}

function settingsOf<T>(read: { ok: true; settings: T } | { ok: false; problems: string[] }): T {
  if (read.ok) return read.settings;
  throw new UsageError(`the settings of the bot need mending:\n  ${read.problems.join("\n  ")}`);
}

/** @throws UsageError with all that is wrong with the variables of the Pipecat bots */
export async function pipecatSettings(env: Environment): Promise<PipecatSettings> {
  const { readPipecatSettings } = await import("../bots/pipecat/index.ts");
  return settingsOf(readPipecatSettings(env));
}

/** @throws UsageError when a bot of this package is not what its variables must say: here, and not in every worker */
export async function checkBot({ file, name, env = {} }: NamedBot): Promise<void> {
  if (file === undefined) await BOTS[name]?.check?.(env);
}

/** The server's variables that suit a bot, in place of their usual defaults. */
export function suitedTo({ file, name }: NamedBot): Environment {
  return (file === undefined ? BOTS[name]?.suited : undefined) ?? {};
}

/** @throws UsageError when there is no such bot */
export function findBot(flag: string, name: string, env: Environment = process.env): NamedBot {
  if (Object.hasOwn(BOTS, name)) {
    const { variables } = BOTS[name] as OwnBot;
    const own = Object.entries(env).filter(([variable]) => variables.test(variable));
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
  if (file === undefined) return (BOTS[name] as OwnBot).make(env);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new Error(`--${flag} ${name} cannot be loaded: ${String(cause)}`, { cause });
  }
  if (typeof module.default !== "function") throw new UsageError(`--${flag} ${name}: its default export must be a bot`);
  return module.default as Bot;
}
