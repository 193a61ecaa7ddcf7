import type { Environment } from "../bot-by-name.ts";
import { findPackage } from "../find-package.ts";
import { type Answer, ask } from "./ask.ts";
import { type Check, lastFour } from "./check.ts";

/** A service that a voice bot speaks with, and the request that shows whether its key is good. */
interface Provider {
  readonly name: string;
  readonly key: string;
  /** The variable that names a model or a voice. */
  readonly choice: string;
  readonly base: { readonly name: string; readonly value: string };
  /** Bots of this package that need it. */
  readonly bots: readonly string[];
  /** What they use it by; undefined where that is no package of its own. */
  readonly package: string | undefined;
  /** @param choice undefined for the bot's own */
  path(choice: string | undefined): string;
  headers(key: string): Record<string, string>;
}

/** Deepgram: developers.deepgram.com «Authenticating». OpenAI: GET /models/{model}. Cartesia: GET /voices/{id}. */
const PROVIDERS: readonly Provider[] = [
  {
    name: "Deepgram",
    key: "DEEPGRAM_API_KEY",
    choice: "DEEPGRAM_MODEL",
    base: { name: "DEEPGRAM_BASE_URL", value: "https://api.deepgram.com" },
    bots: ["voice"],
    package: "@deepgram/sdk",
    path: () => "/v1/auth/token",
    headers: (key) => ({ authorization: `Token ${key}` }),
  },
  {
    name: "OpenAI",
    key: "OPENAI_API_KEY",
    choice: "OPENAI_MODEL",
    base: { name: "OPENAI_BASE_URL", value: "https://api.openai.com/v1" },
    bots: ["voice", "realtime"],
    package: "openai",
    path: (model) => (model === undefined ? "/models" : `/models/${encodeURIComponent(model)}`),
    headers: (key) => ({ authorization: `Bearer ${key}` }),
  },
  {
    name: "Cartesia",
    key: "CARTESIA_API_KEY",
    choice: "CARTESIA_VOICE_ID",
    base: { name: "CARTESIA_BASE_URL", value: "https://api.cartesia.ai" },
    bots: ["voice"],
    package: undefined,
    path: (voice) => (voice === undefined ? "/voices?limit=1" : `/voices/${encodeURIComponent(voice)}`),
    headers: (key) => ({ "x-api-key": key, "cartesia-version": "2026-03-01" }),
  },
];

/** The speech-to-speech bot speaks with the same service by other variables, and without its package. */
const OF_REALTIME = {
  choice: "OPENAI_REALTIME_MODEL",
  base: { name: "OPENAI_REALTIME_BASE_URL", value: "https://api.openai.com/v1" },
  package: undefined,
} as const;

/** The services, as this bot would use them. */
export function providersOf(bot: string): readonly Provider[] {
  if (bot !== "realtime") return PROVIDERS;
  return PROVIDERS.map((provider) => (provider.bots.includes(bot) ? { ...provider, ...OF_REALTIME } : provider));
}

/** Names of all their variables. */
export const providerSettingNames: readonly string[] = PROVIDERS.flatMap(({ key, choice, base }) => [
  key,
  choice,
  base.name,
]);

/** A key is looked at when the bot needs it, and also when it is there. */
export async function checkProvider(provider: Provider, bot: string, env: Environment): Promise<Check> {
  const { name } = provider;
  const key = env[provider.key]?.trim() || undefined;
  if (key === undefined) {
    if (provider.bots.includes(bot)) return { name, state: "mend", text: `${provider.key} is missing` };
    return {
      name,
      state: "not-needed",
      text: `no ${provider.key}; --bot ${provider.bots.join(" and ")} would need it`,
    };
  }
  if (!/^[!-~]+$/.test(key)) return { name, state: "mend", text: `${provider.key} must be the key alone` };
  const choice = env[provider.choice]?.trim() || undefined;
  const base = (env[provider.base.name]?.trim() || provider.base.value).replace(/\/+$/, "").replace(/^ws/, "http");
  if (!URL.canParse(base)) return { name, state: "mend", text: `${provider.base.name} must be a URL` };
  return { name, ...verdict(provider, await ask(base + provider.path(choice), provider.headers(key)), key, choice) };
}

function verdict(provider: Provider, answer: Answer, key: string, choice: string | undefined): Omit<Check, "name"> {
  if (answer.status === null) return { state: "mend", text: `cannot be reached (${answer.why})` };
  // The choice is looked at where the request names it.
  const named = choice !== undefined && provider.path(choice) !== provider.path(undefined) ? choice : undefined;
  if (answer.status === 200) {
    if (!isObject(answer.json)) return { state: "mend", text: `is not what answers: mend ${provider.base.name}` };
    return { state: "ok", text: `key accepted (${lastFour(key)})${named === undefined ? "" : `, ${named} is there`}` };
  }
  if (answer.status === 401) return { state: "mend", text: `${provider.key} is not accepted (${lastFour(key)})` };
  if (answer.status === 403) return { state: "mend", text: `${provider.key} may not do this (${lastFour(key)}, 403)` };
  if (answer.status === 404 && named !== undefined) {
    return { state: "mend", text: `key accepted, but there is no ${named} for it: mend ${provider.choice}` };
  }
  if (answer.status === 402) return { state: "mend", text: "the account has no credit (402)" };
  return { state: "unknown", text: `answered with ${answer.status}` };
}

/**
 * What a bot of this package itself would say of its variables, and the model it takes where they name none.
 *
 * @returns the environment with that model; no check for a bot without variables of its own
 */
export async function checkBotSettings(bot: string, env: Environment): Promise<{ checks: Check[]; env: Environment }> {
  // Keys that are missing are said of each service.
  const keys = Object.fromEntries(PROVIDERS.map(({ key }) => [key, env[key]?.trim() || "missing"]));
  const known = { ...env, ...keys };
  if (bot === "voice") {
    const { defaultOpenAIModel, readVoiceSettings } = await import("../../bots/voice/index.ts");
    const model = env.OPENAI_MODEL?.trim() || defaultOpenAIModel;
    return { checks: [checkOf("Voice settings", readVoiceSettings(known))], env: { ...env, OPENAI_MODEL: model } };
  }
  if (bot === "realtime") {
    const { DEFAULT_REALTIME_MODEL, readRealtimeSettings } = await import("../../bots/realtime/index.ts");
    const model = env.OPENAI_REALTIME_MODEL?.trim() || DEFAULT_REALTIME_MODEL;
    const check = checkOf("Realtime settings", readRealtimeSettings(known));
    return { checks: [check], env: { ...env, OPENAI_REALTIME_MODEL: model } };
  }
  if (bot === "pipecat") {
    const { readPipecatSettings } = await import("../../bots/pipecat/index.ts");
    return { checks: [checkOf("Pipecat settings", readPipecatSettings(env))], env };
  }
  return { checks: [], env };
}

function checkOf(name: string, read: { ok: true } | { ok: false; problems: string[] }): Check {
  return { name, state: read.ok ? "ok" : "mend", text: read.ok ? "all can be used" : read.problems.join("; ") };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** @param find where a package is, for tests */
export function checkPackages(bot: string, tunneled: boolean, find = findPackage): Check {
  const name = "Packages";
  const ofBot = providersOf(bot)
    .filter(({ bots }) => bots.includes(bot))
    .flatMap((provider) => provider.package ?? []);
  const needed = [...ofBot, ...(tunneled ? ["@ngrok/ngrok"] : [])];
  if (needed.length === 0) return { name, state: "not-needed", text: "none beyond this one" };
  const missing = needed.filter((one) => find(one) === undefined);
  if (missing.length === 0) return { name, state: "ok", text: needed.join(", ") };
  return { name, state: "mend", text: `npm install ${missing.join(" ")}` };
}
