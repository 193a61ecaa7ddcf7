import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { type Logger, pino } from "pino";
import { type Bot, Lateness } from "../call/index.ts";
import { WavixRestClient } from "../wavix/control/index.ts";
import { AddressLimits } from "./address-limits.ts";
import { Admission } from "./admission.ts";
import { CallFlow } from "./call-flow.ts";
import { describe } from "./call-record.ts";
import type { CallRecords } from "./call-records.ts";
import { CallTotals } from "./call-totals.ts";
import { AddressList, clientAddress } from "./client-address.ts";
import { ServerError } from "./errors.ts";
import { LoopDelay } from "./loop-delay.ts";
import type { createMetrics } from "./metrics.ts";
import { operationsRouter } from "./operations.ts";
import { defaultSettings, type ServerSettings } from "./settings.ts";
import { StreamWatch } from "./stream-watch.ts";
import { type UpgradeAnswer, upgradeHandler } from "./upgrade.ts";
import { webhookRouter } from "./webhook.ts";

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
   * @throws ServerError `ALREADY_LISTENING`, `CLOSED`; `BAD_PROMPT` and `BAD_CDR` for files of the settings
   */
  listen(): Promise<ServerUrls>;
  /** Takes no new calls, lets the running ones go on for `limitMs`, then ends them. */
  drain(limitMs?: number): Promise<void>;
  /** Ends all calls now, writes what is left of the records, and closes the server. */
  close(): Promise<void>;
}

/** How long the head of a request may take, at most. */
const HEAD_TIMEOUT_MS = 10_000;
/** Sockets beside those of calls: webhooks, probes, and those that are being turned away. */
const SPARE_CONNECTIONS = 500;

/**
 * The whole Wavix call flow around a bot: webhook, answer, media socket, and the end of the call on both sides.
 *
 * @throws RangeError for a network that is none in `webhookAllow` or `trustProxy`, or a stream token secret that is too short
 * @example
 * const server = createServer({ bot: echoBot(), port: 7860 });
 * const urls = await server.listen();
 * console.log(urls.webhook); // http://127.0.0.1:7860/wavix/inbound
 */
export function createServer(options: ServerOptions): WavixServer {
  const { bot, fallbackBot, logger, rest: givenRest, ...given } = options;
  const settings: ServerSettings = { ...defaultSettings, ...given };
  const log = logger ?? pino({ level: settings.logLevel });
  const rest = givenRest ?? new WavixRestClient({ apiKey: settings.wavixApiKey, baseUrl: settings.wavixApiBase });
  const proxies = settings.trustProxy && new AddressList(settings.trustProxy);
  const allowed = settings.webhookAllow && new AddressList(settings.webhookAllow);
  const bots: [Bot, ...Bot[]] = fallbackBot === undefined ? [bot] : [bot, fallbackBot];
  const totals = new CallTotals();
  const loopDelay = new LoopDelay();
  const lateness = new Lateness();
  const webhookLimits = new AddressLimits(settings.addressRequestsPerSecond);
  const upgradeLimits = new AddressLimits(settings.addressRequestsPerSecond);
  /** By `kind reason`, of which there are a few. */
  const refusedRequests = new Map<string, number>();
  let urls: ServerUrls | undefined;
  let records: CallRecords | undefined;
  let metrics: ReturnType<typeof createMetrics> | undefined;

  const calls = new CallFlow({
    settings,
    rest,
    bots,
    log,
    watch: new StreamWatch(settings),
    lateness,
    webSocketUrl: () => (urls as ServerUrls).webSocket,
    onRecord: (record) => {
      totals.add(record);
      records?.write(record);
    },
  });
  const admission = new Admission(settings, () => calls.size, loopDelay);
  calls.admission = admission;

  function countRefused(kind: "webhook" | "upgrade", reason: string): void {
    const key = `${kind} ${reason}`;
    refusedRequests.set(key, (refusedRequests.get(key) ?? 0) + 1);
  }

  function upgrade(token: string | undefined, request: IncomingMessage): UpgradeAnswer {
    const answer: UpgradeAnswer = !upgradeLimits.take(clientAddress(request, proxies))
      ? { status: 429 }
      : token === undefined
        ? { status: 404 }
        : calls.upgrade(token);
    if (answer.status !== 101) countRefused("upgrade", UPGRADE_REFUSALS[answer.status]);
    return answer;
  }

  const app = express();
  app.disable("x-powered-by");
  // For routes of one's own, which then read the same address from `request.ip`.
  if (proxies !== undefined) app.set("trust proxy", (address: string) => proxies.has(address));
  app.use(
    operationsRouter({
      admission,
      calls,
      operatorToken: settings.operatorToken,
      async metrics() {
        const { createMetrics } = await import("./metrics.ts");
        metrics ??= createMetrics({
          ...{ calls, totals, admission, loopDelay, lateness, refusedRequests },
          maxCalls: settings.maxCalls,
          lostRecords: () => records?.lost ?? 0,
        });
        return metrics();
      },
    }),
  );
  app.use(
    webhookRouter({
      secrets: [settings.webhookSecret, settings.webhookSecretPrevious].filter((secret) => secret !== undefined),
      gate(request) {
        const address = clientAddress(request, proxies);
        if (!webhookLimits.take(address)) return "rate";
        return allowed === undefined || allowed.has(address) ? undefined : "address";
      },
      onEvent: (event) => calls.event(event),
      onRefused: (reason) => countRefused("webhook", reason),
    }),
  );

  let http: HttpServer | undefined;
  let state: "new" | "listening" | "closed" = "new";
  let finished = false;

  /** What comes behind the routes that were added since. */
  function finishRoutes(): void {
    if (finished) return;
    finished = true;
    app.use((_request, response) => {
      response.status(404).json({ error: "not found" });
    });
    app.use((error: { status?: number }, _request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error);
      else response.status(error.status ?? 500).json({ error: error.status === 413 ? "too large" : "bad request" });
    });
  }

  /** What only some servers have. */
  async function openExtras(): Promise<void> {
    if (settings.failurePrompt !== undefined) {
      const { readPrompt } = await import("./prompt.ts");
      bots.push(await readPrompt(settings.failurePrompt));
    }
    if (settings.cdr !== undefined) {
      const { CallRecords } = await import("./call-records.ts");
      records = await CallRecords.open(settings.cdr, (error) =>
        log.error({ error: describe(error) }, "call detail records cannot be written any more"),
      );
    }
  }

  async function listen(): Promise<ServerUrls> {
    if (state === "listening") throw new ServerError("ALREADY_LISTENING", "listen() was called twice on one server");
    if (state === "closed") throw new ServerError("CLOSED", "the server is closed: make a new one to listen again");
    state = "listening";
    try {
      await openExtras();
      finishRoutes();
      http = await openHttp();
    } catch (error) {
      state = "new";
      bots.splice(fallbackBot === undefined ? 1 : 2);
      await records?.close();
      records = undefined;
      throw error;
    }
    loopDelay.start();
    const { port } = http.address() as AddressInfo;
    const host = settings.host === "0.0.0.0" || settings.host === "::" ? "127.0.0.1" : settings.host;
    const local = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const outside = settings.publicUrl ?? local;
    urls = {
      local,
      public: outside,
      webhook: `${outside}/wavix/inbound${settings.webhookSecret === undefined ? "" : `/${settings.webhookSecret}`}`,
      webSocket: `${outside.replace(/^http/, "ws")}/ws`,
    };
    return urls;
  }

  async function openHttp(): Promise<HttpServer> {
    const { requestTimeoutMs: requestTimeout } = settings;
    const headersTimeout = Math.min(HEAD_TIMEOUT_MS, requestTimeout);
    // Node looks for requests that are too slow every 30 s, unless told otherwise.
    const connectionsCheckingInterval = Math.min(2_000, headersTimeout / 2);
    const server = createHttpServer(
      { headersTimeout, requestTimeout, keepAliveTimeout: 5_000, connectionsCheckingInterval },
      app,
    );
    server.maxConnections = 2 * settings.maxCalls + SPARE_CONNECTIONS;
    server.on("upgrade", upgradeHandler(upgrade));
    server.on("clientError", (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(settings.port, settings.host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    return server;
  }

  async function drain(limitMs = settings.drainMs): Promise<void> {
    admission.draining = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([calls.empty(), limit]);
    clearTimeout(timer);
    await calls.endAll("drain");
  }

  async function close(): Promise<void> {
    admission.draining = true;
    state = "closed";
    loopDelay.stop();
    const server = http;
    http = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    await calls.endAll("shutdown");
    server?.closeAllConnections();
    await closed;
    await records?.close();
  }

  return {
    app,
    get callCount() {
      return calls.size;
    },
    listen,
    drain,
    close,
  };
}

/** What the counter calls the statuses that an upgrade is turned away with. */
const UPGRADE_REFUSALS = { 401: "token", 404: "path", 429: "rate", 503: "no-room" } as const;
