import { webhookUrlOf } from "../server/index.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { findBot } from "./bot-by-name.ts";
import { type Check, lineOf } from "./doctor/check.ts";
import { checkBotSettings, checkPackages, checkProvider, providersOf } from "./doctor/providers.ts";
import { checkReachability } from "./doctor/reach.ts";
import { checkSetUp, tunnelUrlOf } from "./doctor/set-up.ts";
import { checkAccount } from "./doctor/wavix-account.ts";
import { checkNumber } from "./doctor/wavix-number.ts";
import { loadEnvFile } from "./env-file.ts";
import { wantsTunnel } from "./tunnel.ts";

const HELP = `usage: pipecat-wavix doctor [options]     (npm run doctor -- [options])

Checks a real set-up before the first call, and says what to mend: settings, Wavix's key and number, the public address,
and the keys of a voice bot's services. It changes nothing; requests that cost something are not made. Where the server does
not run, it listens on its port for a moment to see whether the public address leads here.

With --call it waits for the first call instead, does in less than a minute what Wavix's documents say nothing about, and
writes down what comes of it: a report to read, one for programs, and the switches of the simulator that would be like it.

options:
  --bot NAME           the bot that is to talk: with voice or realtime, the keys of their services are needed; default echo
  --number NUMBER      the number that is to be called; default: any of the account's
  --port N, --host A, --public-url URL, --tunnel ngrok   as for start
  --call               watch the first call; the caller hears beeps, should be silent, and is hung up
                       with --bot that bot has the call instead: less is seen, since nothing is tried
  --wait SECONDS       how long the first call is waited for; default 600
  --out FOLDER         where the reports go; default here
  --json               print the findings as one line of JSON, and nothing else
  -h, --help

Exit code 0 only if nothing needs mending; with --call, if a call came and all was tried.`;

const FLAGS = { port: "PORT", host: "HOST", "public-url": "PUBLIC_URL" } as const;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    bot: { type: "string" },
    number: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    "public-url": { type: "string" },
    tunnel: { type: "string" },
    call: { type: "boolean", default: false },
    wait: { type: "string" },
    out: { type: "string" },
    json: { type: "boolean", default: false },
  });
  if (values === null) return 0;
  const { number, json } = values;
  const astray = (["wait", "out"] as const).find((name) => !values.call && values[name] !== undefined);
  if (astray !== undefined) throw new UsageError(`--${astray} goes with --call`);
  if (values.call && number !== undefined) throw new UsageError("--number does not go with --call: dial any");
  if (number !== undefined && (number.match(/\d/g)?.length ?? 0) < 4) {
    throw new UsageError("--number must be a telephone number, or its last four digits at least");
  }
  const hasEnvFile = loadEnvFile();
  const env: Record<string, string | undefined> = { ...process.env };
  for (const [flag, name] of Object.entries(FLAGS)) env[name] = values[flag as keyof typeof FLAGS] ?? env[name];
  const tunneled = wantsTunnel(values.tunnel, values["public-url"], env);
  if (values.call) {
    const { run: runCall } = await import("./doctor/call/command.ts");
    return runCall(env, tunneled, values);
  }
  const { bot = "echo" } = values;
  findBot("bot", bot, env);

  const isTerminal = process.stdout.isTTY === true;
  const inColour = isTerminal && !process.env.NO_COLOR;
  const checks: Check[] = [];
  const report = (...found: readonly Check[]) => {
    checks.push(...found);
    if (!json) for (const check of found) console.log(lineOf(check, inColour));
  };

  const setUp = checkSetUp(env, hasEnvFile, tunneled);
  report(...setUp.checks);
  const { settings } = setUp;
  if (settings?.wavixApiKey !== undefined) {
    const access = { apiBase: settings.wavixApiBase, apiKey: settings.wavixApiKey };
    const account = await checkAccount(access);
    report(...account.checks);
    const publicUrl = tunneled ? tunnelUrlOf(env) : settings.publicUrl;
    if (account.accepted && publicUrl === undefined) {
      const text = "the tunnel has another address at every start, to be pasted anew; NGROK_DOMAIN keeps it";
      report({ name: "Wavix number", state: "unknown", text });
    } else if (account.accepted) {
      const webhookUrl = webhookUrlOf(publicUrl as string, settings.webhookSecret);
      const hidden = settings.webhookSecret === undefined ? undefined : "<WEBHOOK_SECRET>";
      const shownWebhook = isTerminal ? webhookUrl : webhookUrlOf(publicUrl as string, hidden);
      report(await checkNumber(access, { webhookUrl, shownWebhook, number, onCallWebhooks: account.onCallWebhooks }));
    }
  }
  if (settings !== undefined && (tunneled || settings.publicUrl !== undefined)) {
    report(...(await checkReachability(settings, tunneled, env)));
  }
  const ofBot = await checkBotSettings(bot, env);
  report(...ofBot.checks);
  report(...(await Promise.all(providersOf(bot).map((provider) => checkProvider(provider, bot, ofBot.env)))));
  report(checkPackages(bot, tunneled));

  const toMend = checks.filter(({ state }) => state === "mend").length;
  if (json) console.log(JSON.stringify({ ok: toMend === 0, checks }));
  else console.log(toMend === 0 ? "\nNothing needs mending." : `\n${toMend} to mend.`);
  return toMend === 0 ? 0 : 1;
}
