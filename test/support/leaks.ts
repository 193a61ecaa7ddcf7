import { subscribe } from "node:diagnostics_channel";
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, vi } from "vitest";
import type { WebSocket } from "ws";
import { packetClock } from "../../src/call/index.ts";
import { defaultCodec } from "../../src/codec/index.ts";
import type { ServerUrls, WavixServer } from "../../src/server/index.ts";
import { StreamWatch } from "../../src/server/stream-watch.ts";

/** What keeps this process alive, by kind: timers, sockets, servers, requests on their way. */
export function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The sockets that servers of this process have accepted and that are not closed. */
const accepted = new Set<Socket>();
subscribe("net.server.socket", (message) => {
  const { socket } = message as { socket: Socket };
  accepted.add(socket);
  socket.once("close", () => accepted.delete(socket));
});

/** Those that are not another process's now: what was handed over has no handle any more, and is never closed here. */
const acceptedHere = () =>
  [...accepted].filter((socket) => (socket as unknown as { _handle: unknown })._handle !== null || socket.connecting);

/** A server's watch is its own; its timer keeps no process alive, so that nothing else would tell of it. */
const watches = new Set<StreamWatch>();
const { add } = StreamWatch.prototype;
StreamWatch.prototype.add = function (...stream) {
  watches.add(this);
  add.apply(this, stream);
};

/** What calls hold in a server, and what they share in the process. */
export interface Holdings {
  readonly calls: number;
  readonly watchedStreams: number;
  readonly openResamplers: number;
  readonly webSockets: number;
  /** Of the process, of the servers that have a WebSocket, and of each of these and the TCP socket below it. */
  readonly listeners: number;
}

/** What is held now. With calls that live on it is the same before and after a fault among others. */
export function holdings({ server, urls }: { server: WavixServer; urls: ServerUrls }): Holdings {
  const port = Number(new URL(urls.local).port);
  const webSockets = [...accepted].flatMap((socket) => {
    const webSocket = webSocketOver(socket);
    return webSocket !== undefined && socket.localPort === port ? [[socket, webSocket] as const] : [];
  });
  const servers = webSockets.map(([socket]) => (socket as unknown as { server: EventEmitter }).server);
  const emitters = new Set<EventEmitter>([process, ...servers, ...webSockets.flat()]);
  return {
    calls: server.callCount,
    watchedStreams: [...watches].reduce((sum, { size }) => sum + size, 0),
    openResamplers: defaultCodec().openResamplers,
    webSockets: webSockets.length,
    listeners: [...emitters].reduce((sum, emitter) => sum + listenerCount(emitter), 0),
  };
}

/** As much is held as `before`, no more and no less, and no more transports tick than there are calls. */
export async function expectSameHoldings(
  opened: { server: WavixServer; urls: ServerUrls },
  before: Holdings,
): Promise<void> {
  await vi.waitFor(() => expect(holdings(opened)).toEqual(before), { timeout: 10_000, interval: 10 });
  expect(packetClock.size).toBeLessThanOrEqual(before.calls);
}

/** Every call of a server ends, and with the last one all that calls share is given back. */
export async function expectNoCalls(opened: { server: WavixServer; urls: ServerUrls }): Promise<void> {
  const nothing = { calls: 0, watchedStreams: 0, openResamplers: 0, webSockets: 0, tickingTransports: 0 };
  await vi.waitFor(
    () => {
      const { listeners: _, ...held } = holdings(opened);
      expect({ ...held, tickingTransports: packetClock.size }).toEqual(nothing);
    },
    { timeout: 6_000, interval: 10 },
  );
}

/**
 * Once all is closed, nothing is left running that was not there `before`, and no timer at all: the only one that was
 * there is the runner's own, which limits the test.
 */
export async function expectNothingLeft(before: Readonly<Record<string, number>>): Promise<void> {
  const left = () =>
    Object.entries({ ...activeResources(), acceptedSockets: acceptedHere().length }).filter(
      ([kind, count]) => kind !== "Immediate" && count > (kind === "Timeout" ? 0 : (before[kind] ?? 0)),
    );
  // Sockets say goodbye to each other in their own time; the wait's own timer is over when the count is taken.
  for (let wait = 0; wait < 400 && left().length > 0; wait++) await sleep(5);
  expect(Object.fromEntries(left())).toEqual({});
}

/** The WebSocket that ws has put on a TCP socket. */
function webSocketOver(socket: Socket): WebSocket | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "websocket");
  return key && (socket as unknown as Record<symbol, WebSocket | undefined>)[key];
}

function listenerCount(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}
