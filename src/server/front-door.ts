import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { AddressLimits } from "./address-limits.ts";
import type { CallDesk } from "./call-desk.ts";
import { AddressList, clientAddress } from "./client-address.ts";
import { type OperationsOptions, operationsRouter } from "./operations.ts";
import type { ServerSettings } from "./settings.ts";
import { type UpgradeAnswer, upgradeHandler } from "./upgrade.ts";
import { webhookRouter } from "./webhook.ts";

/** What the door needs of the server. */
export interface FrontDoorOptions extends Pick<OperationsOptions, "admission" | "host" | "metrics"> {
  readonly settings: ServerSettings;
  readonly desk: CallDesk;
}

/** How long the head of a request may take, at most. */
const HEAD_TIMEOUT_MS = 10_000;
/** Sockets beside those of calls: webhooks, probes, and those that are being turned away. */
const SPARE_CONNECTIONS = 500;

/** The HTTP side: routes, limits per address, secrets, and the upgrades. What comes in is up to the desk. */
export class FrontDoor {
  readonly app: Express = express();
  /** Requests that were turned away, by `kind reason`, of which there are a few. */
  readonly refused = new Map<string, number>();
  readonly #options: FrontDoorOptions;
  readonly #proxies: AddressList | undefined;
  readonly #upgradeLimits: AddressLimits;
  #http: Server | undefined;
  /** All that are open, but for the streams of calls: these are their host's. */
  readonly #connections = new Set<Duplex>();
  #finished = false;

  /** @throws RangeError for a network that is none */
  constructor(options: FrontDoorOptions) {
    const { settings, desk, ...operations } = options;
    const { operatorToken, webhookSecret, webhookSecretPrevious } = settings;
    const proxies = settings.trustProxy && new AddressList(settings.trustProxy);
    const allowed = settings.webhookAllow && new AddressList(settings.webhookAllow);
    const webhookLimits = new AddressLimits(settings.addressRequestsPerSecond);
    this.#options = options;
    this.#proxies = proxies;
    this.#upgradeLimits = new AddressLimits(settings.addressRequestsPerSecond);
    this.app.disable("x-powered-by");
    // For routes of one's own, which then read the same address from `request.ip`.
    if (proxies !== undefined) this.app.set("trust proxy", (address: string) => proxies.has(address));
    this.app.use(operationsRouter({ ...operations, operatorToken, traces: settings.traceDir !== undefined }));
    this.app.use(
      webhookRouter({
        secrets: [webhookSecret, webhookSecretPrevious].filter((secret) => secret !== undefined),
        gate(request) {
          const address = clientAddress(request, proxies);
          if (!webhookLimits.take(address)) return "rate";
          return allowed === undefined || allowed.has(address) ? undefined : "address";
        },
        onEvent: (event) => desk.event(event),
        onRefused: (reason) => this.#countRefused("webhook", reason),
      }),
    );
  }

  /**
   * Listens.
   *
   * @returns the port
   * @throws Error with the code `EADDRINUSE`, `EACCES` … when the address cannot be had
   */
  async open(): Promise<number> {
    this.#finishRoutes();
    const { settings } = this.#options;
    const { requestTimeoutMs: requestTimeout } = settings;
    const headersTimeout = Math.min(HEAD_TIMEOUT_MS, requestTimeout);
    // Node looks for requests that are too slow every 30 s, unless told otherwise.
    const connectionsCheckingInterval = Math.min(2_000, headersTimeout / 2);
    const http = createServer(
      { headersTimeout, requestTimeout, keepAliveTimeout: 5_000, connectionsCheckingInterval },
      this.app,
    );
    http.maxConnections = 2 * settings.maxCalls + SPARE_CONNECTIONS;
    http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    http.on("upgrade", upgradeHandler(this.#upgrade));
    http.on("clientError", (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(settings.port, settings.host, () => {
        http.off("error", reject);
        resolve();
      });
    });
    this.#http = http;
    return (http.address() as AddressInfo).port;
  }

  /**
   * Takes no more connections; cuts those that are left once `over` has settled. The event `close` of Node's server is not
   * waited for: it never comes when sockets were handed to processes that are gone.
   */
  async close(over: Promise<unknown>): Promise<void> {
    this.#http?.close();
    this.#http = undefined;
    await over;
    const cut = [...this.#connections].map((socket) => {
      socket.destroy();
      return new Promise((resolve) => socket.once("close", resolve));
    });
    await Promise.all(cut);
  }

  /** What comes behind the routes that were added since. */
  #finishRoutes(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.app.use((_request, response) => {
      response.status(404).json({ error: "not found" });
    });
    this.app.use((error: { status?: number }, _request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error);
      else response.status(error.status ?? 500).json({ error: error.status === 413 ? "too large" : "bad request" });
    });
  }

  readonly #upgrade = (token: string | undefined, request: IncomingMessage): UpgradeAnswer => {
    const answer: UpgradeAnswer = !this.#upgradeLimits.take(clientAddress(request, this.#proxies))
      ? { status: 429 }
      : token === undefined
        ? { status: 404 }
        : this.#options.desk.upgrade(token);
    if (answer.status === 101) this.#connections.delete(request.socket);
    else this.#countRefused("upgrade", UPGRADE_REFUSALS[answer.status]);
    return answer;
  };

  #countRefused(kind: "webhook" | "upgrade", reason: string): void {
    const key = `${kind} ${reason}`;
    this.refused.set(key, (this.refused.get(key) ?? 0) + 1);
  }
}

/** What the counter calls the statuses that an upgrade is turned away with. */
const UPGRADE_REFUSALS = { 401: "token", 404: "path", 429: "rate", 503: "no-room" } as const;
