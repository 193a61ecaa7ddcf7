import type { WebhookDelivery } from "../simulator/index.ts";
import { UsageError } from "./arguments.ts";

/** Where `npm start` listens in local mode. */
export const DEFAULT_SERVER = "http://127.0.0.1:7860";

/**
 * The webhook behind `--server`: the server's own, or the whole URL that was given.
 *
 * @throws UsageError when it is no URL
 */
export function webhookOf(server: string): string {
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new UsageError(`--server must be an http:// or https:// URL, got ${server}`);
  }
  const url = new URL(server);
  return url.pathname === "/" ? new URL("/wavix/inbound", url).href : url.href;
}

/** Whether anything answers there: null, or why not. */
export async function probe(url: string): Promise<string | null> {
  try {
    const response = await fetch(new URL("/livez", url), { redirect: "manual", signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return null;
  } catch (error) {
    const { name, cause } = error as { name: string; cause?: { code?: string; message?: string } };
    return cause?.code ?? cause?.message ?? name;
  }
}

/** What to do about a webhook that did not arrive as it should; null for one that did. */
export function whyNotTaken(webhookUrl: string, announced: WebhookDelivery | null): string | null {
  const { status = null, error = "nothing was sent" } = announced ?? {};
  if (status === null) return noServer(webhookUrl, error ?? "no reply");
  if (status < 300) return null;
  const secret = status === 404 ? "; where there is a WEBHOOK_SECRET, --server is the whole webhook URL with it" : "";
  return `${new URL(webhookUrl).origin} answered the webhook with ${status}${secret}`;
}

/** That nothing answers there. */
export function noServer(url: string, why: string): string {
  return `no server at ${new URL(url).origin} (${why}); start one with: npm start`;
}
