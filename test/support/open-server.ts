import { pino } from "pino";
import { it as base, expect } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { createServer, type ServerOptions, type ServerUrls, type WavixServer } from "../../src/server/index.ts";
import {
  createWavixSimulator,
  type PlaceCallOptions,
  type SimulatedCall,
  type SimulatorOptions,
  type WavixSimulator,
} from "../../src/simulator/index.ts";
import { WavixRestClient } from "../../src/wavix/control/index.ts";
import { activeResources, expectNoCalls, expectNothingLeft } from "./leaks.ts";
import { LogCapture } from "./log-capture.ts";
import { openRestStub, type RestStub } from "./rest-stub.ts";

export const API_KEY = "key-of-the-account";
export const WEBHOOK_SECRET = "secret-of-the-webhook";
export const STREAM_TOKEN_SECRET = "secret-of-the-stream-tokens";
export const CALLER = "+12025550143";
export const CALLED = "+12025550199";

/** A server that listens, and what it has logged. */
export interface TestServer {
  readonly server: WavixServer;
  readonly urls: ServerUrls;
  readonly log: LogCapture;
  /** Posts a webhook as Wavix does; a string goes out as it is. */
  post(body: unknown, url?: string): Promise<{ status: number; body: Record<string, unknown> }>;
}

export interface SimulatorServer extends TestServer {
  readonly simulator: WavixSimulator;
  placeCall(options?: Partial<PlaceCallOptions>): SimulatedCall;
}

export interface StubServer extends TestServer {
  readonly rest: RestStub;
  /** Announces a call, whose events and socket are then the test's to send. */
  announce(callId: string, fields?: object): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** What a server is opened with, and for how long it waits for Wavix's REST side. */
export type TestOptions = Partial<ServerOptions> & {
  restTimeoutMs?: number;
  /** Adds routes of one's own, before the server listens. */
  routes?: (server: WavixServer) => void;
};

interface Openers {
  /** A server with a simulated Wavix, callers included. */
  open(options?: TestOptions, simulatorOptions?: SimulatorOptions): Promise<SimulatorServer>;
  /** A server with Wavix's REST side only. */
  openWithStub(options?: TestOptions): Promise<StubServer>;
}

/** Listens until the call is over. */
export const listener: Bot = async (call) => {
  await call.closed;
};

/**
 * `it` with servers to open. After each test no call, socket, timer or codec slot is left, and nothing stands in a log that
 * must not.
 */
export const it = base.extend<Openers & { house: House }>({
  house: async ({ task }, use) => {
    const before = activeResources();
    const house = new House();
    await use(house);
    const passed = task.result?.state !== "fail";
    try {
      if (passed) await house.expectClean();
    } finally {
      await house.close();
    }
    if (passed) await expectNothingLeft(before);
  },
  open: ({ house }, use) => use((options, simulatorOptions) => house.open(options, simulatorOptions)),
  openWithStub: ({ house }, use) => use((options) => house.openWithStub(options)),
});

/** The servers of one test, or of several. */
export class House {
  readonly #servers: (TestServer & { streamUrls(): string[] })[] = [];
  readonly #wavixes: { close(): Promise<void> }[] = [];

  async open(options: TestOptions = {}, simulatorOptions: SimulatorOptions = {}): Promise<SimulatorServer> {
    const simulator = await createWavixSimulator({ apiKey: API_KEY, ...simulatorOptions });
    this.#wavixes.push(simulator);
    const opened = await this.#listen({ wavixApiBase: simulator.apiUrl, ...options }, () => simulator.requests);
    // Also where the server is told that it has another name outside.
    const webhookUrl = opened.urls.webhook.replace(opened.urls.public, opened.urls.local);
    return {
      ...opened,
      simulator,
      placeCall: (call) => simulator.placeCall({ webhookUrl, from: CALLER, to: CALLED, ...call }),
    };
  }

  async openWithStub(options: TestOptions = {}): Promise<StubServer> {
    const rest = await openRestStub();
    this.#wavixes.push(rest);
    const opened = await this.#listen({ wavixApiBase: rest.url, ...options }, () => rest.requests);
    const setup = { event_type: "call_setup", direction: "inbound", from: CALLER, to: CALLED };
    return { ...opened, rest, announce: (id, fields = {}) => opened.post({ id, ...setup, ...fields }) };
  }

  async #listen(
    { restTimeoutMs, routes, ...options }: TestOptions & { wavixApiBase: string },
    requests: () => readonly { body?: unknown }[],
  ): Promise<TestServer> {
    const log = new LogCapture();
    const limits = { timeoutMs: restTimeoutMs, retryDelayMs: 10 };
    const rest = new WavixRestClient({ apiKey: API_KEY, baseUrl: options.wavixApiBase, ...limits });
    const server = createServer({
      bot: listener,
      port: 0,
      wavixApiKey: API_KEY,
      streamTokenSecret: STREAM_TOKEN_SECRET,
      logger: pino({ level: "trace" }, log),
      ...(restTimeoutMs === undefined ? {} : { rest }),
      ...options,
    });
    routes?.(server);
    const urls = await server.listen();
    const opened: TestServer = {
      server,
      urls,
      log,
      async post(body, url = urls.webhook) {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: typeof body === "string" ? body : JSON.stringify(body),
        });
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      },
    };
    const streamUrls = () => requests().flatMap(({ body }) => (body as { stream_url?: string })?.stream_url ?? []);
    this.#servers.push({ ...opened, streamUrls });
    return opened;
  }

  async expectClean(): Promise<void> {
    for (const { server, urls, log, streamUrls } of this.#servers) {
      await expectNoCalls({ server, urls });
      const tokens = streamUrls().map((url) => url.slice(url.lastIndexOf("/") + 1));
      const numbers = [CALLER, CALLED].map((number) => number.slice(1));
      const secrets = [API_KEY, WEBHOOK_SECRET, STREAM_TOKEN_SECRET, urls.webSocket, ...numbers, ...tokens];
      expect(secrets.filter((secret) => log.text.includes(secret))).toEqual([]);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(({ server }) => server.close()));
    await Promise.all(this.#wavixes.map((wavix) => wavix.close()));
  }
}
