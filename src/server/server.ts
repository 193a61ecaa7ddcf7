import { randomBytes } from "node:crypto";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { type Logger, pino } from "pino";
import { type Bot, createWavixTransport, type WavixTransport } from "../call/index.ts";
import { type CallEvent, createStreamTokenSigner, isCallOver, WavixRestClient } from "../wavix/control/index.ts";
import { WavixFrameSerializer } from "../wavix/wire/index.ts";
import { CallRegistry } from "./registry.ts";
import { CallSession, describe, type SessionContext } from "./session.ts";
import { defaultSettings, type ServerSettings } from "./settings.ts";
import { type Accept, type Admission, upgradeHandler } from "./upgrade.ts";
import { UsedTokens } from "./used-tokens.ts";
import { type WebhookAnswer, webhookRouter } from "./webhook.ts";

/** What {@link createServer} takes: a bot, and any of the settings. */
export interface ServerOptions extends Partial<ServerSettings> {
  readonly bot: Bot;
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
  /** @throws Error with the code `EADDRINUSE`, `EACCES` … when the address cannot be had */
  listen(): Promise<ServerUrls>;
  /** Takes no new calls, lets the running ones go on for `limitMs`, then ends them. */
  drain(limitMs?: number): Promise<void>;
  /** Ends all calls now and closes the server. */
  close(): Promise<void>;
}

/** A token is signed when the call is answered; the socket comes within seconds. */
const TOKEN_TTL_MS = 120_000;

/**
 * The whole Wavix call flow around a bot: webhook, answer, media socket, and the end of the call on both sides.
 *
 * @example
 * const server = createServer({ bot: echoBot(), port: 7860 });
 * const urls = await server.listen();
 * console.log(urls.webhook); // http://127.0.0.1:7860/wavix/inbound
 */
export function createServer(options: ServerOptions): WavixServer {
  const { bot, logger, rest: givenRest, ...given } = options;
  const settings: ServerSettings = { ...defaultSettings, ...given };
  const log = logger ?? pino({ level: settings.logLevel });
  const rest = givenRest ?? new WavixRestClient({ apiKey: settings.wavixApiKey, baseUrl: settings.wavixApiBase });
  const signer = createStreamTokenSigner({
    secret: settings.streamTokenSecret ?? randomBytes(32),
    ttlMs: TOKEN_TTL_MS,
  });
  const registry = new CallRegistry();
  const usedTokens = new UsedTokens();
  /** Sockets that were let in without a token: calls that this server does not control. */
  const openTransports = new Set<WavixTransport>();
  let urls: ServerUrls | undefined;
  let draining = false;

  const context: SessionContext = {
    settings,
    rest,
    bot,
    log,
    streamUrl: (callId) => `${(urls as ServerUrls).webSocket}/${signer.sign(callId)}`,
    onEnd: (session) => registry.end(session.callId),
  };
  const callCount = () => registry.size + openTransports.size;

  function onEvent(event: CallEvent): WebhookAnswer {
    const { callId } = event;
    const session = registry.get(callId);
    if (isCallOver(event)) {
      if (session === undefined) registry.end(callId);
      else session.event(event);
      return { accepted: true };
    }
    if (event.kind !== "setup") {
      session?.event(event);
      return { accepted: true };
    }
    // Wavix's outbound calls announce themselves with the same events.
    if (event.direction === "outbound") return { accepted: false, reason: "outbound" };
    if (session !== undefined) return { accepted: true, reason: "duplicate" };
    if (registry.hasEnded(callId)) return { accepted: false, reason: "over" };
    if (draining || callCount() >= settings.maxCalls) {
      const reason = draining ? "draining" : "capacity";
      log.warn({ callId, reason }, "call not taken");
      if (settings.whenFull === "hang-up") {
        registry.end(callId);
        rest.hangUp(callId).catch((error: unknown) => {
          log.error({ callId, code: (error as { code?: unknown }).code }, "hang-up failed");
        });
      }
      return { accepted: false, reason };
    }
    const fresh = new CallSession({ callId, from: event.from, to: event.to }, context);
    registry.add(callId, fresh);
    void fresh.answer();
    return { accepted: true };
  }

  function admit(token: string): Admission {
    // A call that was taken before the drain still gets its stream.
    if (token === "") {
      if (!settings.openWs) return { status: 401 };
      if (draining || callCount() >= settings.maxCalls) return { status: 503 };
      return { status: 101, accept: guarded(acceptOpen) };
    }
    const verified = signer.verify(token);
    if (!verified.ok || usedTokens.has(verified.tokenId)) {
      log.warn({ reason: verified.ok ? "used" : verified.reason }, "socket refused");
      return { status: 401 };
    }
    const { callId, tokenId, expiresAtMs } = verified;
    const session = registry.get(callId);
    if (session === undefined || !session.awaitsSocket) {
      log.warn({ callId, reason: session?.streaming ? "already streaming" : "no such call" }, "socket refused");
      return { status: 401 };
    }
    return {
      status: 101,
      accept: guarded((socket, rawSocket) =>
        session.attach(socket, rawSocket, () => usedTokens.add(tokenId, expiresAtMs)),
      ),
    };
  }

  /** A codec that cannot be had costs this socket, not the process. */
  function guarded(accept: Accept): Accept {
    return (socket, rawSocket) => {
      try {
        accept(socket, rawSocket);
      } catch (error) {
        log.error({ error: describe(error) }, "socket given up");
        socket.terminate();
      }
    };
  }

  /** Without a token there is no call to hang up: what a socket says of itself is not to be trusted with that. */
  const acceptOpen: Accept = (socket, rawSocket) => {
    const transport = createWavixTransport({
      ...settings,
      socket,
      rawSocket,
      serializer: new WavixFrameSerializer({ params: { sampleRate: settings.sampleRate } }),
    });
    openTransports.add(transport);
    void transport.run(bot).then((end) => {
      openTransports.delete(transport);
      const { callId, stats } = transport;
      const { error, ...how } = end;
      if (error === undefined) log.info({ callId, ...how, ...stats }, "call ended");
      else log.warn({ callId, ...how, error: describe(error), ...stats }, "call ended");
    });
  };

  const app = express();
  app.disable("x-powered-by");
  app.get("/health", (_request, response) => {
    response.status(draining ? 503 : 200).json({ status: draining ? "draining" : "ok", calls: callCount() });
  });
  app.use(webhookRouter(settings.webhookSecret, onEvent));

  let http: HttpServer | undefined;

  async function listen(): Promise<ServerUrls> {
    // Behind the routes that were added since.
    app.use((_request, response) => {
      response.status(404).json({ error: "not found" });
    });
    app.use((error: { status?: number }, _request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error);
      else response.status(error.status ?? 500).json({ error: error.status === 413 ? "too large" : "bad request" });
    });
    const server = createHttpServer({ headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5_000 }, app);
    server.on("upgrade", upgradeHandler(admit));
    server.on("clientError", (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(settings.port, settings.host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    http = server;
    const { port } = server.address() as AddressInfo;
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

  async function drain(limitMs = settings.drainMs): Promise<void> {
    draining = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    const open = [...openTransports].map((transport) => transport.closed);
    await Promise.race([Promise.all([registry.empty(), ...open]), limit]);
    clearTimeout(timer);
    await endAll("drain");
  }

  async function endAll(reason: string): Promise<void> {
    const end = { endedBy: "server", reason, now: true } as const;
    await Promise.all([
      ...[...registry].map((session) => session.end(end)),
      ...[...openTransports].map((transport) => transport.end(end)),
    ]);
    await registry.empty();
  }

  async function close(): Promise<void> {
    draining = true;
    const server = http;
    http = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    await endAll("shutdown");
    server?.closeAllConnections();
    await closed;
  }

  return {
    app,
    get callCount() {
      return callCount();
    },
    listen,
    drain,
    close,
  };
}
