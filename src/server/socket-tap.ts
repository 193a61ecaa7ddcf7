import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { SentFrames } from "./sent-frames.ts";

/** Who looks on. */
export interface SocketSight {
  message(dir: "in" | "out", bytes: Buffer, isBinary: boolean): void;
  close(dir: "in" | "out", code: number): void;
}

/**
 * Lets somebody see every message of a socket, at any time in its life, and changes nothing about it: what comes in is seen
 * before anybody acts on it, what goes out as it is written to the TCP socket below, whichever way it got there.
 *
 * @returns ends it
 */
export function tapSocket(socket: WebSocket, rawSocket: Duplex, sight: SocketSight): () => void {
  const onMessage = (data: Buffer, isBinary: boolean) => sight.message("in", data, isBinary);
  const onClose = (code: number) => {
    sight.close("in", code);
    untap();
  };
  const frames = new SentFrames({
    message: (bytes, isBinary) => sight.message("out", bytes, isBinary),
    close: (code) => {
      if (!isAnswer(socket)) sight.close("out", code);
    },
  });
  const { write } = rawSocket;
  const seen = (...written: Parameters<typeof write>): boolean => {
    const [data] = written as unknown[];
    if (typeof data === "string") frames.push(Buffer.from(data));
    else if (data instanceof Uint8Array) frames.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    return Reflect.apply(write, rawSocket, written);
  };
  function untap(): void {
    socket.off("message", onMessage);
    socket.off("close", onClose);
    rawSocket.write = write;
  }
  // Before the transport, which may answer at once.
  socket.prependListener("message", onMessage);
  socket.on("close", onClose);
  rawSocket.write = seen as typeof write;
  return untap;
}

/** Whether a close frame only answers the peer's: ws keeps that to itself. */
function isAnswer(socket: WebSocket): boolean {
  return (socket as { _closeFrameReceived?: unknown })._closeFrameReceived === true;
}
