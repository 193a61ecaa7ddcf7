import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Bot } from "../call/index.ts";
import {
  createServer,
  readSettings,
  ServerError,
  type ServerSettings,
  type ServerUrls,
  settingNames,
  type WavixServer,
} from "../server/index.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { findBot, loadBot, type NamedBot } from "./bot-by-name.ts";

const HELP = `usage: pipecat-wavix start [options]     (npm start -- [options])

Starts the server that answers Wavix calls. Without WAVIX_API_KEY it runs in local mode: on this machine only,
with a simulated Wavix (npm run call) in place of the real one.

options:
  --bot NAME|FILE      who talks to the callers: echo (default), pipecat (a bot in Python), or a module whose default
                       export is a bot: ./my-bot.mjs
  --bot-url URL,…      where the Pipecat bots are: ws://127.0.0.1:7861/ws-client
  --bot-protocol P     what they speak: pipecat (default), or twilio: any Pipecat bot for telephones, on ws://…/ws
  --bot-command CMD    starts a Pipecat bot for each call: "python bot.py -t websocket --port {port}"
  --fallback-bot …     who takes a call over when the bot fails, named in the same way; default: nobody, the call ends
  --workers N          processes that carry calls, or auto: one for each core; default 1
  --port N             default 7860; 0 takes a free one
  --host ADDRESS       default 127.0.0.1, or 0.0.0.0 with WAVIX_API_KEY
  --public-url URL     where Wavix reaches this server, https://…
  --trace DIR          write a redacted trace of every call's messages into DIR
  --trace-audio        keep what was said in them
  --open-ws            also accept media sockets without a token, on plain /ws
  --bench-page         also serve the benchmark page /bench with WAVIX_API_KEY; in local mode it always is there
  -h, --help

Everything else is set in the environment, or in a file .env here (README, «Settings»):
${wrap(settingNames)}`;

/** How long the process may live on after the last call, when a bot's module does not let go of it. */
const EXIT_AFTER_MS = 1_000;

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
    trace: { type: "string" },
    "trace-audio": { type: "boolean" },
    "open-ws": { type: "boolean" },
    "bench-page": { type: "boolean" },
  });
  if (values === null) return 0;
  // Before the bot is loaded: it may look at the environment as it loads.
  if (existsSync(".env")) process.loadEnvFile(".env");
  const env: Record<string, string | undefined> = { ...process.env };
  for (const [flag, name] of Object.entries(FLAGS)) env[name] = values[flag as keyof typeof FLAGS] ?? env[name];
  const bot = findBot("bot", values.bot, env);
  const fallback = values["fallback-bot"];
  const fallbackBot = fallback === undefined ? undefined : findBot("fallback-bot", fallback, env);
  const speaksTwilio = bot.name === "pipecat" && env.BOT_PROTOCOL === "twilio";
  // A telephone's rate from the beginning: nothing is resampled twice.
  if (speaksTwilio) env.SAMPLE_RATE ||= "8000";
  if (values["trace-audio"]) env.TRACE_AUDIO = "1";
  if (values["open-ws"]) env.OPEN_WS = "1";
  const read = readSettings(env);
  if (!read.ok) throw new UsageError(`the settings need mending:\n  ${read.problems.join("\n  ")}`);

  const { settings } = read;
  const server = await openServer(settings, bot, fallbackBot);
  // A server in public answers the telephone; it shows pages only when told to.
  const hasBenchPage = settings.wavixApiKey === undefined || values["bench-page"] === true;
  if (hasBenchPage) server.app.use("/bench", (await import("../web/index.ts")).benchPage());
  if (speaksTwilio) {
    const { twilioCallsRouter } = await import("../bots/pipecat/index.ts");
    // A variable that is empty is one that is not set.
    const accountSid = env.BOT_TWILIO_ACCOUNT_SID || undefined;
    const authToken = env.BOT_TWILIO_AUTH_TOKEN || undefined;
    server.app.use(twilioCallsRouter({ hangUp: (callId) => server.hangUp(callId), accountSid, authToken }));
  }
  let urls: ServerUrls;
  try {
    urls = await server.listen();
  } catch (error) {
    // Its bots may have processes.
    await server.close();
    if (error instanceof ServerError && error.code !== "NO_WORKER") throw new UsageError(error.message);
    if (error instanceof ServerError) {
      console.error(`pipecat-wavix start: ${error.message}`);
      return 1;
    }
    const { code } = error as NodeJS.ErrnoException;
    const advice = code === "EADDRINUSE" ? "is in use; choose another with --port" : `cannot be had (${code})`;
    console.error(`pipecat-wavix start: port ${settings.port} on ${settings.host} ${advice}`);
    return 1;
  }
  console.log(banner(settings, urls, hasBenchPage, process.stdout.isTTY === true));

  await new Promise<void>((resolve) => {
    const signals = ["SIGINT", "SIGTERM"] as const;
    const stop = () => {
      if (server.callCount > 0) {
        const limit = Math.round(settings.drainMs / 1_000);
        console.log(
          `stopping: ${server.callCount} call(s) may go on for ${limit} s; press Ctrl-C again to end them now`,
        );
      }
      for (const signal of signals) process.off(signal, stop).on(signal, hurry);
      void server
        .drain()
        .then(() => server.close())
        .then(resolve);
    };
    // Whoever sends a third one does not want to wait for anything.
    const hurry = () => {
      for (const signal of signals) process.off(signal, hurry);
      void server.close();
    };
    for (const signal of signals) process.on(signal, stop);
  });
  // All calls are over. What a bot's module keeps open (a timer, a connection) must not keep the process.
  setTimeout(() => process.exit(0), EXIT_AFTER_MS).unref();
  return 0;
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
  const webhook =
    settings.webhookSecret === undefined || isTerminal
      ? urls.webhook
      : urls.webhook.replace(settings.webhookSecret, "<WEBHOOK_SECRET>");
  const lines = [
    "",
    `  Local URL      ${urls.local}`,
    `  Public URL     ${local ? "none (local mode: no WAVIX_API_KEY)" : urls.public}`,
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
