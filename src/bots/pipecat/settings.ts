import { z } from "zod";
import { defined, flag, givenOf, integer, list, oneOf, problemsOf, seconds } from "../../settings/index.ts";
import * as option from "./check-options.ts";
import type { PipecatBotOptions } from "./options.ts";
import { type PipecatRoutes, readRoutes } from "./routes-file.ts";

/** The environment, variable by variable. */
const environment = z.object({
  BOT_URL: list(option.webSocketUrl, 1_000),
  BOT_COMMAND: option.command,
  BOT_START_URL: option.startUrl,
  BOT_ROUTES: z.string(),
  BOT_PROTOCOL: oneOf("pipecat", "twilio"),
  BOT_CAPACITY: list(integer(1, 100_000), 1_000),
  BOT_HEALTH_PATH: option.healthPath,
  BOT_HEALTH_SECONDS: seconds(0, 3_600),
  BOT_COMMAND_URL: option.commandUrl,
  BOT_WARM: integer(0, 100),
  BOT_MAX_PROCESSES: integer(1, 100_000),
  BOT_START_SECONDS: seconds(1, 3_600),
  BOT_OUTPUT: oneOf("drop", "inherit"),
  BOT_KEY: option.key,
  BOT_BODY: z.string().transform(parseJson).pipe(option.body),
  BOT_CONNECT_SECONDS: seconds(1, 600),
  BOT_RECONNECT_SECONDS: seconds(0, 600),
  BOT_INPUT_SAMPLE_RATE: z.string().transform(Number).pipe(option.sampleRate),
  BOT_DTMF: flag,
  BOT_TWILIO_ACCOUNT_SID: option.accountSid,
  /** Is none of the bot's: the server's route for the hang-up has it. */
  BOT_TWILIO_AUTH_TOKEN: option.key,
});

type Name = keyof typeof environment.shape;

/** Names of all variables, for `--help` and the table of the settings. */
export const pipecatSettingNames = Object.keys(environment.shape) as readonly Name[];

/** Where bots are: one of these. */
const PLACES = ["BOT_URL", "BOT_COMMAND", "BOT_START_URL", "BOT_ROUTES"] as const;
/** Variables that mean nothing without one of others. */
const COMPANIONS: readonly [Name, readonly Name[]][] = [
  ["BOT_CAPACITY", ["BOT_URL", "BOT_START_URL"]],
  ["BOT_HEALTH_PATH", ["BOT_URL", "BOT_ROUTES"]],
  ["BOT_HEALTH_SECONDS", ["BOT_URL", "BOT_ROUTES"]],
  ...(["BOT_COMMAND_URL", "BOT_WARM", "BOT_MAX_PROCESSES", "BOT_START_SECONDS", "BOT_OUTPUT"] as const).map(
    (name): [Name, readonly Name[]] => [name, ["BOT_COMMAND"]],
  ),
];

/** One bot for all calls, or one for each called number. */
export type PipecatSettings = { readonly bot: PipecatBotOptions } | { readonly routes: PipecatRoutes };

/** Settings, or everything that is wrong with them at once. */
export type ReadPipecatSettings = { ok: true; settings: PipecatSettings } | { ok: false; problems: string[] };

/**
 * Reads where the Pipecat bots are from an environment, and how they are spoken with. Unset and empty variables take their
 * defaults. With `BOT_ROUTES`, the other variables are what a route has that does not say otherwise.
 *
 * @example
 * const read = readPipecatSettings({ BOT_URL: "ws://127.0.0.1:7860/ws-client" });
 * if (read.ok && "bot" in read.settings) pipecatBot(read.settings.bot);
 */
export function readPipecatSettings(env: Readonly<Record<string, string | undefined>>): ReadPipecatSettings {
  const given = givenOf(pipecatSettingNames, env);
  const parsed = environment.partial().safeParse(given);
  const problems = problemsOf(parsed.error);

  const places = PLACES.filter((name) => given[name] !== undefined);
  if (places.length === 0) problems.push(`BOT_URL is missing, or another of ${PLACES.slice(1).join(", ")}`);
  if (places.length > 1) problems.push(`${places.join(" and ")} exclude each other: a bot is at one place`);
  for (const [name, others] of COMPANIONS) {
    if (given[name] !== undefined && places.length > 0 && others.every((other) => given[other] === undefined)) {
      problems.push(`${name} is only good with ${others.join(" or ")}`);
    }
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems };

  const { data } = parsed;
  const capacities = data.BOT_CAPACITY ?? [];
  const expected = data.BOT_URL?.length ?? 1;
  if (capacities.length > 1 && capacities.length !== expected) {
    return { ok: false, problems: ["BOT_CAPACITY must be one number, or as many as BOT_URL has URLs"] };
  }
  const shared = defined({
    protocol: data.BOT_PROTOCOL,
    key: data.BOT_KEY,
    body: data.BOT_BODY,
    healthPath: data.BOT_HEALTH_PATH,
    healthCheckMs: data.BOT_HEALTH_SECONDS,
    connectTimeoutMs: data.BOT_CONNECT_SECONDS,
    reconnectMs: data.BOT_RECONNECT_SECONDS,
    inputSampleRate: data.BOT_INPUT_SAMPLE_RATE,
    dtmf: data.BOT_DTMF,
    twilioAccountSid: data.BOT_TWILIO_ACCOUNT_SID,
  });
  if (data.BOT_ROUTES !== undefined) {
    const read = readRoutes(data.BOT_ROUTES, shared);
    return read.ok
      ? { ok: true, settings: { routes: read.routes } }
      : { ok: false, problems: read.problems.map((problem) => `BOT_ROUTES: ${problem}`) };
  }
  const capacityOf = (index: number) => capacities[capacities.length === 1 ? 0 : index];
  const bot = defined({
    ...shared,
    url: data.BOT_URL?.map((url, index) => defined({ url, capacity: capacityOf(index) })),
    startUrl: data.BOT_START_URL,
    capacity: data.BOT_START_URL === undefined ? undefined : capacityOf(0),
    command:
      data.BOT_COMMAND === undefined
        ? undefined
        : defined({
            command: data.BOT_COMMAND,
            warm: data.BOT_WARM,
            max: data.BOT_MAX_PROCESSES,
            url: data.BOT_COMMAND_URL,
            startTimeoutMs: data.BOT_START_SECONDS,
            output: data.BOT_OUTPUT,
          }),
  });
  return { ok: true, settings: { bot } };
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
