import { connect, type Socket } from "node:net";

const HANDSHAKE =
  "GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** A TCP socket to a server under test. */
export function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

/** One on which the handshake of a WebSocket has been made; its frames are the caller's business. */
export async function openStream(port: number): Promise<Socket> {
  const socket = await openSocket(port);
  socket.write(HANDSHAKE);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (answer) => {
      if (answer.subarray(0, 12).toString() === "HTTP/1.1 101") resolve(socket);
      else reject(new Error(`the server under test answered ${answer.toString().split("\r\n")[0]}`));
    });
  });
}
