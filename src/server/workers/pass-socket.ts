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

/** A socket that is handed over to another process. */
export interface PassingSocket {
  readonly socket: Socket;
  /** Gives it up, also when it has been sent and nobody has taken it. Too late, or a second time, it does nothing. */
  close(): void;
}

/**
 * A socket that may be handed to another process: nothing of it is read here any more. Node stops reading only once the
 * other process has said that it has the socket. By then the caller's first message may be there, would be read here, and
 * thrown away.
 *
 * @returns undefined for what cannot be handed over
 */
export function detach(rawSocket: Duplex): PassingSocket | undefined {
  if (!(rawSocket instanceof Socket)) return undefined;
  // There is no public way: `pause()` stops what is handed on, not what is read.
  const inside = rawSocket as Socket & { _handle?: { readStop?(): number; close(): void } | null };
  const { _handle: handle } = inside;
  if (typeof handle?.readStop !== "function") return undefined;
  handle.readStop();
  return {
    socket: rawSocket,
    close() {
      // One that was sent is none any more, and not counted: only its handle is open until the other process has it.
      if (inside._handle === null) handle.close();
      else rawSocket.destroy();
    },
  };
}
