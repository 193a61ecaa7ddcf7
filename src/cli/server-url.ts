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
