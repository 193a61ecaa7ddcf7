import { existsSync } from "node:fs";
import { webhookUrlOf } from "../../../server/index.ts";
import { readInteger, UsageError } from "../../arguments.ts";
import { type Environment, findBot, loadBot, type NamedBot, suitedTo } from "../../bot-by-name.ts";
import { publicSettings } from "../../public-settings.ts";
import { exitSoon } from "../../until-stopped.ts";
import { jsonOf, writeReport } from "./report.ts";
import { watchFirstCall } from "./run.ts";

/** What the command line says of it. */
export interface CallValues {
  readonly bot?: string;
  readonly wait?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `doctor --call`: exit code 0 if a call came and all was seen of it. */
export async function run(env: Environment, tunneled: boolean, values: CallValues): Promise<number> {
  const { out = ".", json = false } = values;
  const waitSeconds = readInteger("wait", values.wait ?? "600", 1, 86_400);
  if (!existsSync(out)) throw new UsageError(`--out ${out}: there is no such folder`);
  const named = values.bot === undefined ? undefined : findBot("bot", values.bot, env);
  const bot = named === undefined ? undefined : await loadBot(named);
  const say = json ? () => undefined : console.log;
  const { settings, tunnel } = await publicSettings(named === undefined ? env : withSuited(env, named), tunneled);
  if (settings.port === 0) throw new UsageError("--call needs a PORT that is known beforehand, got 0");
  const signal = stopSignal();
  try {
    const webhook = webhookUrlOf(
      settings.publicUrl ?? `http://${settings.host}:${settings.port}`,
      settings.webhookSecret === undefined || process.stdout.isTTY ? settings.webhookSecret : "<WEBHOOK_SECRET>",
    );
    const parts = await watchFirstCall({
      settings,
      bot,
      waitMs: waitSeconds * 1_000,
      signal,
      onListening: () => {
        say(`\n  Webhook URL    ${webhook}\n\n  Call the number now, and say nothing. Waiting for ${waitSeconds} s …`);
      },
      onCall: () => say("  A call: this takes less than a minute …"),
    });
    if (parts === undefined && signal.aborted) throw new Error("it was stopped before a call came");
    if (parts === undefined) throw new Error(`no call came within ${waitSeconds} s; pipecat-wavix doctor may say why`);
    const files = await writeReport(out, parts);
    const ok = parts.cutShort === undefined;
    if (json) console.log(JSON.stringify({ ok, files, ...jsonOf(parts) }));
    else {
      if (!ok) say(`  Cut short: ${parts.cutShort}.`);
      say(`  What was seen is in ${files.markdown}\n  and for programs in ${files.json}\n`);
    }
    return ok ? 0 : 1;
  } finally {
    await tunnel?.close();
    exitSoon();
  }
}

/** A bot has the call as it would have it from the server: at the rate that suits it. */
function withSuited(env: Environment, bot: NamedBot): Environment {
  const unset = Object.entries(suitedTo(bot)).filter(([name]) => !env[name]);
  return { ...env, ...Object.fromEntries(unset) };
}

/** Aborts when the process is told to stop: once, since whoever says it twice does not want to wait for anything. */
function stopSignal(): AbortSignal {
  const aborter = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const stop = () => {
    for (const signal of signals) process.off(signal, stop);
    aborter.abort();
  };
  for (const signal of signals) process.on(signal, stop);
  return aborter.signal;
}
