import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Handshake } from "./protocol.ts";

/** Headers that the WebSocket handshake reads. The others, cookies among them, stay in the primary. */
const HANDSHAKE_HEADERS = /^(upgrade|connection|sec-websocket-[a-z]+)$/;

/** What a worker needs of an upgrade request. */
export function handshakeOf({ method = "", headers }: IncomingMessage, head: Buffer): Handshake {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    HANDSHAKE_HEADERS.test(name) && value !== undefined ? [[name, String(value)]] : [],
  );
  return { method, headers: Object.fromEntries(kept), head: head.toString("base64") };
}

/** The request again, in the worker. */
export function requestOf({ method, headers }: Handshake, socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.method = method;
  request.url = "/ws";
  request.headers = headers;
  return request;
}

/**
 * A socket that may be handed to another process: nothing of it is read here any more. Node stops reading only once the
 * other process has said that it has the socket. By then the caller's first message may be there, would be read here, and
 * thrown away.
 *
 * @returns undefined for what cannot be handed over
 */
export function detach(rawSocket: Duplex): Socket | undefined {
  if (!(rawSocket instanceof Socket)) return undefined;
  // There is no public way: `pause()` stops what is handed on, not what is read.
  const { _handle: handle } = rawSocket as Socket & { _handle?: { readStop?(): number } | null };
  if (typeof handle?.readStop !== "function") return undefined;
  handle.readStop();
  return rawSocket;
}
