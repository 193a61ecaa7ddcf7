import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { MAX_MESSAGE_LENGTH } from "../wavix/wire/index.ts";

/** Takes a socket that was let in, and the TCP socket below it. */
export type Accept = (socket: WebSocket, rawSocket: Duplex) => void;

/** What is to happen with an upgrade: let it in with `accept`, or turn it away with a status. */
export type UpgradeAnswer =
  | { readonly status: 401 | 404 | 429 | 503 }
  | { readonly status: 101; readonly accept: Accept };

const REASONS = {
  401: "Unauthorized",
  404: "Not Found",
  429: "Too Many Requests",
  503: "Service Unavailable",
} as const;
/** A peer that pings without reading gets no pongs beyond this. */
const MAX_BUFFERED_FOR_PONG = 64 * 1024;

/**
 * Handles the upgrades of an HTTP server: `admit` is given the path's part behind `/ws` (`""`, or a token; undefined for
 * another path) and decides before any WebSocket exists. Returns what is to be hung on the server's `upgrade` event.
 */
export function upgradeHandler(admit: (token: string | undefined, request: IncomingMessage) => UpgradeAnswer) {
  const webSocketServer = new WebSocketServer({
    noServer: true,
    // The longest message the serializer reads; ws itself would take 100 MiB.
    maxPayload: MAX_MESSAGE_LENGTH,
    perMessageDeflate: false,
    clientTracking: false,
    autoPong: false,
  });
  return (request: IncomingMessage, rawSocket: Duplex, head: Buffer): void => {
    // A reset in mid-upgrade must not take the process down.
    rawSocket.on("error", ignore);
    const path = /^\/ws(?:\/([\w.-]{1,600}))?$/.exec(pathOf(request));
    const answer = admit(path === null ? undefined : (path[1] ?? ""), request);
    if (answer.status !== 101) {
      const { status } = answer;
      // Whoever was turned away and does not hang up would keep the socket, and the server from closing.
      rawSocket.once("finish", () => rawSocket.destroy());
      rawSocket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    webSocketServer.handleUpgrade(request, rawSocket, head, (socket) => {
      rawSocket.off("error", ignore);
      socket.on("ping", pong);
      answer.accept(socket, rawSocket);
    });
  };
}

/** Not a closure: it would keep the request of every socket for as long as the socket lives. */
function pong(this: WebSocket, data: Buffer): void {
  if (this.readyState === 1 && this.bufferedAmount < MAX_BUFFERED_FOR_PONG) this.pong(data);
}

/** A query that Wavix or a proxy added does no harm. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] as string;
}

function ignore(): void {}
