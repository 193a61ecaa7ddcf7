import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { WavixRestClient } from "../wavix/control/index.ts";
import { Admission } from "./admission.ts";
import { CallDesk } from "./call-desk.ts";
import type { CallHost, HostEvents } from "./call-host.ts";
import { describe } from "./call-record.ts";
import type { CallRecords } from "./call-records.ts";
import { CallTotals } from "./call-totals.ts";
import { ServerError } from "./errors.ts";
import { FrontDoor } from "./front-door.ts";
import { LoopDelay } from "./loop-delay.ts";
import type { createMetrics } from "./metrics.ts";
import type { ServerUrls, WavixServer } from "./server.ts";
import type { ServerSettings } from "./settings.ts";
import { webhookUrlOf } from "./webhook.ts";

/** What a server is put together from, beside the parts that all have. */
export interface ServerParts {
  readonly settings: ServerSettings;
  readonly log: Logger;
  readonly rest: WavixRestClient;
  /** Makes what carries the calls. */
  openHost(events: HostEvents): CallHost;
  /** Loads what adds the host's own figures, when somebody first asks for any. */
  loadMetrics?(): Promise<(registry: Registry) => void>;
}

/** Front door, desk, records and the host of the calls, as one server. */
export function wholeServer({ settings, log, rest, openHost, loadMetrics }: ServerParts): WavixServer {
  const totals = new CallTotals();
  const loopDelay = new LoopDelay();
  let urls: ServerUrls | undefined;
  let records: CallRecords | undefined;
  let metrics: Promise<ReturnType<typeof createMetrics>> | undefined;
  let opening: Promise<ServerUrls> | undefined;
  let state: "new" | "listening" | "closed" = "new";

  const host = openHost({
    tokenUsed: (callId, token) => desk.tokenUsed(callId, token),
    ended: (key, record) => desk.ended(key, record),
  });
  const admission = new Admission(settings, host, loopDelay);
  const desk: CallDesk = new CallDesk({
    ...{ settings, rest, log, host, admission },
    webSocketUrl: () => (urls as ServerUrls).webSocket,
    onRecord: (record) => {
      totals.add(record);
      records?.write(record);
    },
  });
  const door: FrontDoor = new FrontDoor({
    ...{ settings, desk, admission, host },
    async metrics() {
      metrics ??= openMetrics();
      return (await metrics)();
    },
  });

  async function openMetrics() {
    const { createMetrics } = await import("./metrics.ts");
    return createMetrics({
      ...{ host, totals, admission, loopDelay, addMetrics: await loadMetrics?.() },
      refusedRequests: door.refused,
      maxCalls: settings.maxCalls,
      lostRecords: () => records?.lost ?? 0,
    });
  }

  async function listen(): Promise<ServerUrls> {
    if (state === "listening") throw new ServerError("ALREADY_LISTENING", "listen() was called twice on one server");
    if (state === "closed") throw new ServerError("CLOSED", "the server is closed: make a new one to listen again");
    state = "listening";
    opening = open();
    return opening;
  }

  async function open(): Promise<ServerUrls> {
    try {
      if (settings.cdr !== undefined) {
        const { CallRecords } = await import("./call-records.ts");
        records = await CallRecords.open(settings.cdr, (error) =>
          log.error({ error: describe(error) }, "call detail records cannot be written any more"),
        );
      }
      goOnUnlessClosed();
      await host.start();
      goOnUnlessClosed();
      urls = urlsOf(settings, await door.open());
      goOnUnlessClosed();
    } catch (error) {
      await door.close(host.close());
      await records?.close();
      records = undefined;
      if (state !== "closed") state = "new";
      throw error;
    }
    loopDelay.start();
    return urls;
  }

  function goOnUnlessClosed(): void {
    if (state === "closed") throw new ServerError("CLOSED", "the server was closed before it listened");
  }

  async function drain(limitMs = settings.drainMs): Promise<void> {
    admission.draining = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([desk.empty(), limit]);
    clearTimeout(timer);
    await desk.endAll("drain");
  }

  async function close(): Promise<void> {
    admission.draining = true;
    state = "closed";
    loopDelay.stop();
    await door.close(desk.endAll("shutdown").then(() => host.close()));
    // What is being opened is closed there.
    await opening?.catch(() => undefined);
    await host.releaseBots?.();
    await host.releaseBots?.();
    await records?.close();
  }

  return {
    app: door.app,
    get callCount() {
      return host.size;
    },
    listen,
    hangUp: (callId, reason = "hang-up") => host.hangUp(callId, reason),
    drain,
    close,
  };
}

function urlsOf(settings: ServerSettings, port: number): ServerUrls {
  const host = settings.host === "0.0.0.0" || settings.host === "::" ? "127.0.0.1" : settings.host;
  const local = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const outside = settings.publicUrl ?? local;
  return {
    local,
    public: outside,
    webhook: webhookUrlOf(outside, settings.webhookSecret),
    webSocket: `${outside.replace(/^http/, "ws")}/ws`,
  };
}
