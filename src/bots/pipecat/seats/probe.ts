import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

/**
 * Asks once, on a connection of its own.
 *
 * @param url `http://…` or `https://…`
 * @returns the status of the answer, whose body is not read; undefined when none came within `limitMs`
 */
export function probe(url: string, limitMs: number, signal?: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const get = url.startsWith("https:") ? getHttps : getHttp;
    const request = get(url, { agent: false, ...(signal === undefined ? {} : { signal }) }, ({ statusCode }) =>
      settle(statusCode),
    );
    // A program that ends while it waits for a bot is not held up by that.
    const timer = setTimeout(() => settle(undefined), limitMs).unref();
    request.on("socket", (socket) => socket.unref());
    request.on("error", () => settle(undefined));
    const settle = (status: number | undefined) => {
      clearTimeout(timer);
      request.destroy();
      resolve(status);
    };
  });
}
