import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

/** What answers in the server's place while it does not run. */
export interface TrialServer {
  /** What `/livez` says here, as the server itself would. */
  readonly instance: string;
  close(): Promise<void>;
}

/**
 * Listens where the server would, for as long as it takes to see whether the public address leads here: `/livez` tells who
 * it is, and a WebSocket on `/ws` says the same and is closed.
 *
 * @throws Error with the code `EADDRINUSE`, `EACCES` … when the address cannot be had
 */
export async function openTrialServer(host: string, port: number): Promise<TrialServer> {
  const instance = randomUUID();
  const http = createServer((request, response) => {
    const found = request.url?.split("?", 1)[0] === "/livez";
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? { live: true, instance } : { error: "not found" }));
  });
  const webSockets = new WebSocketServer({ server: http, maxPayload: 1024, perMessageDeflate: false });
  webSockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.send(instance);
  });
  // What the HTTP server fails with, the other tells as well.
  webSockets.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      resolve();
    });
  });
  return {
    instance,
    async close() {
      for (const socket of webSockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
