import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

/** The yardstick: ws, and each message goes back as it is. */
export async function bareWs(): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(data, { binary: false }));
    socket.on("error", () => {});
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
