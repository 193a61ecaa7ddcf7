import { randomBytes } from "node:crypto";
import { createServer, readSettings, WAVIX_API_BASE } from "../server/index.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { findBot, loadBot, suitedTo } from "./bot-by-name.ts";
import { loadEnvFile } from "./env-file.ts";
import { listen } from "./listening.ts";
import { streamingCommands, webSocketUrlOf } from "./streaming-commands.ts";
import { exitSoon, untilStopped } from "./until-stopped.ts";

const HELP = `usage: pipecat-wavix bot [options]     (npm run bot -- [options])

Runs a bot by itself, for development: it takes Wavix's media stream on /ws and talks. Calls are not answered, not streamed
and not hung up from here: that is done by hand, with the two commands that it prints, and needs no key here.
npm start does all of that, and is what belongs on a telephone number: /ws is open to everybody here.

options:
  --bot NAME|FILE      who talks to the callers, as for start; default voice
  -t, --transport T    wavix, which is the only one
  -x, --proxy HOST     name under which the Internet reaches this bot: bot.example.com; also as a URL
  --host ADDRESS       default 127.0.0.1
  --port N             default 7860; 0 takes a free one
  --max-calls N        streams at once; default 10
  -h, --help

What a server may be told of streams in the environment or in .env (SAMPLE_RATE, PLAYOUT_DELAY_MS, MAX_CALL_SECONDS,
TRACE_DIR, LOG_LEVEL …) holds here too.`;

/** Variables of who answers calls: this is somebody who does not. */
const OF_CALL_CONTROL = [
  ...["WAVIX_API_KEY", "WAVIX_API_BASE", "PUBLIC_URL", "VERIFY_CALLS", "WEBHOOK_ALLOW"],
  ...["WEBHOOK_SECRET_PREVIOUS", "STREAM_TOKEN_SECRET", "STREAM_TOKEN_SECRET_PREVIOUS"],
];

export async function run(argv: string[]): Promise<number> {
  const values = readArguments(argv, HELP, {
    bot: { type: "string", default: "voice" },
    transport: { type: "string", short: "t", default: "wavix" },
    proxy: { type: "string", short: "x" },
    host: { type: "string" },
    port: { type: "string" },
    "max-calls": { type: "string" },
  });
  if (values === null) return 0;
  if (values.transport !== "wavix") throw new UsageError(`--transport must be wavix, got ${values.transport}`);
  const publicWebSocket = values.proxy === undefined ? undefined : webSocketUrlOf(values.proxy);
  // Before the bot is loaded: it may look at the environment as it loads.
  loadEnvFile();
  const { env } = process;
  // Whoever develops a bot wants to see what it understood.
  const bot = findBot("bot", values.bot, { ...env, VOICE_TRANSCRIPT: env.VOICE_TRANSCRIPT || "1" });
  const read = readSettings({
    ...suitedTo(bot),
    ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")),
    ...Object.fromEntries(OF_CALL_CONTROL.map((name) => [name, undefined])),
    HOST: values.host ?? env.HOST,
    PORT: values.port ?? env.PORT,
    MAX_CALLS: values["max-calls"] ?? (env.MAX_CALLS || "10"),
    WORKERS: "1",
    OPEN_WS: "1",
    // Nobody knows it: there is no webhook.
    WEBHOOK_SECRET: randomBytes(16).toString("hex"),
  });
  if (!read.ok) throw new UsageError(`the settings need mending:\n  ${read.problems.join("\n  ")}`);

  const { settings } = read;
  const server = createServer({ ...settings, bot: await loadBot(bot) });
  const { local, webSocket } = await listen(server, settings);
  const commands = streamingCommands(env.WAVIX_API_BASE || WAVIX_API_BASE, publicWebSocket ?? "wss://HOST/ws");
  const lines = [
    "",
    `  Bot            ${values.bot}`,
    `  Local URL      ${local}`,
    `  WebSocket URL  ${publicWebSocket ?? `${webSocket} (--proxy HOST says how the Internet reaches it)`}`,
    "",
    "  When a call comes in, its webhook (or GET /v1/calls) says CALL_ID. Answer the call:",
    "",
    commands.answer,
    "",
    "  and start the two-way stream:",
    "",
    commands.stream,
    "",
  ];
  console.log(lines.join("\n"));
  await untilStopped(server, settings.drainMs);
  exitSoon();
  return 0;
}
