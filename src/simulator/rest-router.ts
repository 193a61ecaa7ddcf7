import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { SimulatorError } from "./errors.ts";

/** Processes that a call id can name. */
export const maxProcesses = 256;

/** A new call id that names the process whose call it is, in its first two digits. */
export function callIdOf(process: number): string {
  return process.toString(16).padStart(2, "0") + randomUUID().slice(2);
}

/** The process that a call id names. */
export function processOf(callId: string): number {
  return Number.parseInt(callId.slice(0, 2), 16);
}

/** A REST side that listens; `url` is what a server is given as `WAVIX_API_BASE`. */
export interface RestRouter {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * One REST side before those of several processes: a server knows one only. A request goes to the process that its call id
 * names. The list of all calls, which belongs to no process, is a 404.
 *
 * @example
 * const router = await openRestRouter(7870, [first.apiPort, second.apiPort]);
 * second.placeCall({ webhookUrl, callId: callIdOf(1) });
 *
 * @param port 0 for a free one
 * @param ports REST sides of the processes, by number; may be filled in later
 * @throws SimulatorError `API_LISTEN_FAILED`
 */
export async function openRestRouter(port: number, ports: readonly number[]): Promise<RestRouter> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, response) => {
    const callId = /^\/v1\/calls\/([0-9a-f-]{36})(?=\/|\?|$)/i.exec(incoming.url ?? "")?.[1];
    const target = callId === undefined ? undefined : ports[processOf(callId)];
    if (target === undefined) {
      incoming.resume();
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: false, message: "Not found" }));
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request({ host: "127.0.0.1", port: target, method, path: url, headers, agent }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.on("error", () => response.destroy());
      reply.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (cause) {
    throw new SimulatorError("API_LISTEN_FAILED", `the REST side cannot listen on port ${port}`, { cause });
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const stopped = once(server, "close");
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await stopped;
    },
  };
}
