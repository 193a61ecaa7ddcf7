import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { Readable } from "node:stream";

/**
 * The connections of all calls of the process. Node's own `fetch` gives an idle one up after 4 s, and so would open a new
 * one in most turns of a phone call; these stay until the other side closes them. An idle one keeps no process alive.
 */
const agents = {
  "http:": new HttpAgent({ keepAlive: true, keepAliveMsecs: 30_000 }),
  "https:": new HttpsAgent({ keepAlive: true, keepAliveMsecs: 30_000 }),
};

/** Whether a request to this address would find a connection that is open and idle. */
export function hasIdleConnection(url: string): boolean {
  const { protocol, hostname, port } = new URL(url);
  const agent = agents[protocol as keyof typeof agents];
  if (agent === undefined) return false;
  // Agents name IPv6 addresses without brackets.
  const prefix = `${hostname.replace(/^\[|\]$/g, "")}:${port || (protocol === "https:" ? 443 : 80)}:`;
  return Object.keys(agent.freeSockets).some((name) => name.startsWith(prefix));
}

/** As much of `fetch` as the OpenAI package uses, over the pool. */
export async function pooledFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  try {
    return await send(url, init);
  } catch (error) {
    // The other side closed an idle connection in the very moment it was used again: nothing has been asked yet.
    if (error instanceof StaleConnection) return send(url, init);
    throw error;
  }
}

class StaleConnection extends Error {}

function send(url: URL, { method = "GET", headers, body, signal }: RequestInit): Promise<Response> {
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? requestHttps : requestHttp)(url, {
      agent: agents[secure ? "https:" : "http:"],
      method,
      headers: Object.fromEntries(new Headers(headers)),
      ...(signal ? { signal } : {}),
    });
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && cause.code === "ECONNRESET" && !signal?.aborted;
      reject(isStale ? new StaleConnection(cause.message, { cause }) : cause);
    });
    outgoing.on("response", (incoming) => {
      try {
        resolve(responseOf(incoming));
      } catch (error) {
        // A status that is none, such as 999: nobody would catch it here.
        outgoing.destroy();
        reject(error);
      }
    });
    outgoing.end(typeof body === "string" ? body : undefined);
  });
}

/** @throws RangeError for a status below 200 or above 599 */
function responseOf(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const status = incoming.statusCode ?? 0;
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) incoming.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>), { status, headers });
}
