import { fileURLToPath } from "node:url";
import type { PipecatBotOptions } from "../bots/pipecat/index.ts";
import type { Bot } from "../call/index.ts";
import { createServer, type ServerSettings, type ServerUrls, settingNames, type WavixServer } from "../server/index.ts";
import { readArguments, UsageError } from "./arguments.ts";
import {
  checkBot,
  type Environment,
  findBot,
  loadBot,
  type NamedBot,
  pipecatSettings,
  suitedTo,
} from "./bot-by-name.ts";
import { loadEnvFile } from "./env-file.ts";
import { listen } from "./listening.ts";
import { publicSettings } from "./public-settings.ts";
import { wantsTunnel } from "./tunnel.ts";
import { exitSoon, untilStopped } from "./until-stopped.ts";

const HELP = `usage: pipecat-wavix start [options]     (npm start -- [options])

Starts the server that answers Wavix calls. Without WAVIX_API_KEY it runs in local mode: on this machine only,
with a simulated Wavix (npm run call) in place of the real one.

options:
  --bot NAME|FILE      who talks to the callers: echo (default); voice (Deepgram hears, OpenAI thinks, Cartesia speaks);
                       realtime (OpenAI, speech to speech); pipecat (a bot in Python); or a module whose
                       default export is a bot: ./my-bot.mjs
  --bot-url URL,…      where the Pipecat bots are: ws://127.0.0.1:7861/ws-client
  --bot-protocol P     what they speak: pipecat (default), or twilio: any Pipecat bot for telephones, on ws://…/ws
  --bot-command CMD    starts a Pipecat bot for each call: "python bot.py -t websocket --port {port}"
  --fallback-bot …     who takes a call over when the bot fails, named in the same way; default: nobody, the call ends
  --workers N          processes that carry calls, or auto: one for each core; default 1
  --port N             default 7860; 0 takes a free one
  --host ADDRESS       default 127.0.0.1, or 0.0.0.0 with WAVIX_API_KEY
  --public-url URL     where Wavix reaches this server, https://…
  --tunnel ngrok       gets a public address from ngrok (npm install @ngrok/ngrok, and NGROK_AUTH_TOKEN), also without
                       this option where there is a token and no PUBLIC_URL
  --trace DIR          write a redacted trace of every call's messages into DIR
  --trace-audio        keep what was said in them
  --open-ws            also accept media sockets without a token, on plain /ws
  --bench-page         also serve the benchmark page /bench with WAVIX_API_KEY; in local mode it always is there
  -h, --help

Everything else is set in the environment, or in a file .env here (README, «Settings»; for what begins with BOT_, and
goes with --bot pipecat: docs/pipecat.md):
${wrap(settingNames)}`;

/** Options that stand for a variable of the environment. */
const FLAGS = {
  workers: "WORKERS",
  port: "PORT",
  host: "HOST",
  "public-url": "PUBLIC_URL",
  trace: "TRACE_DIR",
  "bot-url": "BOT_URL",
  "bot-protocol": "BOT_PROTOCOL",
  "bot-command": "BOT_COMMAND",
} as const;

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    bot: { type: "string", default: "echo" },
    "bot-url": { type: "string" },
    "bot-protocol": { type: "string" },
    "bot-command": { type: "string" },
    "fallback-bot": { type: "string" },
    workers: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    "public-url": { type: "string" },
    tunnel: { type: "string" },
    trace: { type: "string" },
    "trace-audio": { type: "boolean" },
    "open-ws": { type: "boolean" },
    "bench-page": { type: "boolean" },
  });
  if (values === null) return 0;
  // Before the bot is loaded: it may look at the environment as it loads.
  loadEnvFile();
  const env: Record<string, string | undefined> = { ...process.env };
  for (const [flag, name] of Object.entries(FLAGS)) env[name] = values[flag as keyof typeof FLAGS] ?? env[name];
  const bot = findBot("bot", values.bot, env);
  const fallback = values["fallback-bot"];
  const fallbackBot = fallback === undefined ? undefined : findBot("fallback-bot", fallback, env);
  await checkBot(bot);
  if (fallbackBot !== undefined) await checkBot(fallbackBot);
  const ofPipecat = ["bot-url", "bot-protocol", "bot-command"] as const;
  const protocols = await protocolsOf([bot, ...(fallbackBot === undefined ? [] : [fallbackBot])], env);
  const astray = ofPipecat.find((flag) => values[flag] !== undefined);
  if (protocols.size === 0 && astray !== undefined) throw new UsageError(`--${astray} goes with --bot pipecat`);
  for (const [name, value] of Object.entries(defaultsFor(protocols, bot))) env[name] ||= value;
  if (values["trace-audio"]) env.TRACE_AUDIO = "1";
  if (values["open-ws"]) env.OPEN_WS = "1";
  const { settings, tunnel } = await publicSettings(env, wantsTunnel(values.tunnel, values["public-url"], env));
  try {
    const server = await openServer(settings, bot, fallbackBot);
    // A server in public answers the telephone; it shows pages only when told to.
    const hasBenchPage = settings.wavixApiKey === undefined || values["bench-page"] === true;
    if (hasBenchPage) server.app.use("/bench", (await import("../web/index.ts")).benchPage());
    if (protocols.has("twilio")) {
      const { twilioCallsRouter } = await import("../bots/pipecat/index.ts");
      // A variable that is empty is one that is not set.
      const accountSid = env.BOT_TWILIO_ACCOUNT_SID || undefined;
      const authToken = env.BOT_TWILIO_AUTH_TOKEN || undefined;
      server.app.use(twilioCallsRouter({ hangUp: (callId) => server.hangUp(callId), accountSid, authToken }));
    }
    const urls = await listen(server, settings);
    console.log(banner(settings, urls, hasBenchPage, process.stdout.isTTY === true));
    await untilStopped(server, settings.drainMs);
  } finally {
    await tunnel?.close();
  }
  exitSoon();
  return 0;
}

type Protocol = NonNullable<PipecatBotOptions["protocol"]>;

/**
 * What the Pipecat bots among these speak.
 *
 * @throws UsageError when their settings need mending: here, and not in every worker
 */
async function protocolsOf(bots: readonly NamedBot[], env: Environment): Promise<ReadonlySet<Protocol>> {
  if (bots.every(({ name }) => name !== "pipecat")) return new Set();
  const settings = await pipecatSettings(env);
  const all = "bot" in settings ? [settings.bot] : Object.values(settings.routes);
  return new Set(all.map(({ protocol = "pipecat" }) => protocol));
}

/** Defaults of the server's variables that suit a bot, in place of the usual ones. */
function defaultsFor(protocols: ReadonlySet<Protocol>, bot: NamedBot): Environment {
  if (bot.name !== "pipecat") return suitedTo(bot);
  // A piece of its audio, 40 ms, or of Twilio's a burst of 138 ms; and the usual 60 ms for one that comes late.
  const PLAYOUT_DELAY_MS = protocols.has("twilio") ? "200" : "100";
  // A telephone's rate from the beginning: nothing is resampled twice.
  return protocols.has("pipecat") ? { PLAYOUT_DELAY_MS } : { PLAYOUT_DELAY_MS, SAMPLE_RATE: "8000" };
}

/** In one process with its bot; or as the front door of workers, which load their bots themselves. */
async function openServer(
  settings: ServerSettings,
  bot: NamedBot,
  fallbackBot: NamedBot | undefined,
): Promise<WavixServer> {
  if (settings.workers > 1) {
    const { createWorkerServer } = await import("../server/workers/index.ts");
    const exec = fileURLToPath(new URL("./worker.js", import.meta.url));
    return createWorkerServer({ settings, exec, init: fallbackBot === undefined ? [bot] : [bot, fallbackBot] });
  }
  const fallback = fallbackBot === undefined ? undefined : await load(fallbackBot);
  return createServer({ ...settings, bot: await load(bot), fallbackBot: fallback });
}

/** Whose bot it is wants to see where it broke. */
async function load(bot: NamedBot): Promise<Bot> {
  try {
    return await loadBot(bot);
  } catch (error) {
    const { cause } = error as Error;
    if (cause !== undefined) console.error(cause);
    throw error;
  }
}

/** What a person wants to know first. The webhook's secret is shown to a person only, not to a log. */
function banner(settings: ServerSettings, urls: ServerUrls, hasBenchPage: boolean, isTerminal: boolean): string {
  const local = settings.wavixApiKey === undefined;
  const isPublic = settings.publicUrl !== undefined;
  const webhook =
    settings.webhookSecret === undefined || isTerminal
      ? urls.webhook
      : urls.webhook.replace(settings.webhookSecret, "<WEBHOOK_SECRET>");
  const lines = [
    "",
    `  Local URL      ${urls.local}`,
    `  Public URL     ${isPublic ? urls.public : "none (local mode: no WAVIX_API_KEY)"}`,
    `  Webhook URL    ${webhook}`,
    `  WebSocket URL  ${urls.webSocket}${settings.openWs ? "" : "/<token>"}`,
    ...(settings.workers > 1 ? [`  Workers        ${settings.workers}`] : []),
    ...(hasBenchPage ? [`  Benchmarks     ${urls.local}/bench`] : []),
    "",
    local
      ? "  Now, in another terminal: npm run call"
      : "  At Wavix: Numbers & trunks > My numbers > Edit number > paste the webhook URL as the inbound call webhook.",
    "",
  ];
  return lines.join("\n");
}

function wrap(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 96) lines.push(`  ${name}`);
    else lines[lines.length - 1] = `${last} ${name}`;
  }
  return lines.join("\n");
}
