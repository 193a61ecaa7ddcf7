import type { Express } from "express";
import { type Logger, pino } from "pino";
import type { Bot } from "../call/index.ts";
import { WavixRestClient } from "../wavix/control/index.ts";
import { LocalHost } from "./local-host.ts";
import { defaultSettings, type ServerSettings } from "./settings.ts";
import { wholeServer } from "./whole-server.ts";

/** What {@link createServer} takes: a bot, and any of the settings. */
export interface ServerOptions extends Partial<ServerSettings> {
  readonly bot: Bot;
  /** Takes a call over when `bot` fails; `failurePrompt` comes after it. */
  readonly fallbackBot?: Bot | undefined;
  /** Default: pino on standard output at `logLevel`. */
  readonly logger?: Logger | undefined;
  /** Default: a client for `wavixApiBase` with `wavixApiKey`. */
  readonly rest?: WavixRestClient | undefined;
}

/** Where a listening server is reached. */
export interface ServerUrls {
  readonly local: string;
  readonly public: string;
  /** To be pasted at Wavix; holds the webhook secret. */
  readonly webhook: string;
  readonly webSocket: string;
}

export interface WavixServer {
  /** For routes of your own. */
  readonly app: Express;
  /** Calls that are up now. */
  readonly callCount: number;
  /**
   * Once per server; after a failure it may be tried again.
   *
   * @throws Error with the code `EADDRINUSE`, `EACCES` … when the address cannot be had
   * @throws ServerError `ALREADY_LISTENING`, `CLOSED`; `BAD_PROMPT`, `BAD_CDR` and `BAD_TRACE_DIR` for files of the settings
   */
  listen(): Promise<ServerUrls>;
  /**
   * Ends one call from outside as its bot would: the caller hears what was said, then it is hung up. Its record has
   * `endedBy: "bot"` and the reason. Settles when that has begun, not when the call is over.
   *
   * @param reason default: `hang-up`
   * @returns false when there is no such call, or none any more
   * @example
   * app.delete("/my/calls/:id", async ({ params }, response) => {
   *   response.sendStatus((await server.hangUp(params.id)) ? 202 : 404);
   * });
   */
  hangUp(callId: string, reason?: string): Promise<boolean>;
  /** Takes no new calls, lets the running ones go on for `limitMs`, then ends them. */
  drain(limitMs?: number): Promise<void>;
  /** Ends all calls now, writes what is left of the records, and closes the server. */
  close(): Promise<void>;
}

/**
 * The whole Wavix call flow around a bot: webhook, answer, media socket, and the end of the call on both sides.
 *
 * @throws RangeError for a network that is none in `webhookAllow` or `trustProxy`, a stream token secret that is too short,
 * or more than one worker
 * @example
 * const server = createServer({ bot: echoBot(), port: 7860 });
 * const urls = await server.listen();
 * console.log(urls.webhook); // http://127.0.0.1:7860/wavix/inbound
 */
export function createServer(options: ServerOptions): WavixServer {
  const { bot, fallbackBot, logger, rest: givenRest, ...given } = options;
  const settings: ServerSettings = { ...defaultSettings, ...given };
  if (settings.workers !== 1) {
    // A bot that is a function cannot be handed to another process.
    throw new RangeError(`workers must be 1, got ${settings.workers}: workers are started by pipecat-wavix start`);
  }
  const log = logger ?? pino({ level: settings.logLevel });
  const rest = givenRest ?? new WavixRestClient({ apiKey: settings.wavixApiKey, baseUrl: settings.wavixApiBase });
  const bots: readonly [Bot, ...Bot[]] = fallbackBot === undefined ? [bot] : [bot, fallbackBot];
  return wholeServer({
    settings,
    log,
    rest,
    openHost: (events) => new LocalHost({ settings, rest, bots, log, events }),
  });
}
