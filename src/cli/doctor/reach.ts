import type { ServerSettings } from "../../server/index.ts";
import type { Environment } from "../bot-by-name.ts";
import { openTunnel, type Tunnel } from "../tunnel.ts";
import { ask } from "./ask.ts";
import type { Check } from "./check.ts";
import { checkPublicUrl, isPrivate } from "./public-url.ts";
import { openTrialServer, type TrialServer } from "./trial-server.ts";
import { fieldsOf } from "./wavix-account.ts";

/**
 * Whether Wavix would reach the server: the running one, or what stands in its place for a moment.
 *
 * @param env of which a tunnel is opened, where there is to be one
 */
export async function checkReachability(
  settings: ServerSettings,
  tunneled: boolean,
  env: Environment,
): Promise<readonly Check[]> {
  const name = "Public URL";
  const { port } = settings;
  const host = /^(0\.0\.0\.0|::)$/.test(settings.host) ? "127.0.0.1" : settings.host;
  const running = await ask(`http://${host.includes(":") ? `[${host}]` : host}:${port}/livez`);
  const { live, instance } = running.status === 200 ? fieldsOf(running.json) : {};
  const isServer = live === true && typeof instance === "string";
  if (isServer && tunneled) {
    return [{ name, state: "unknown", text: "the running server has the tunnel: stop it to have it tried" }];
  }
  let trial: TrialServer | undefined;
  let tunnel: Tunnel | undefined;
  try {
    if (!isServer) trial = await openTrialServer(settings.host, port);
    if (tunneled) tunnel = await openTunnel(port, env);
    const publicUrl = tunnel?.url ?? settings.publicUrl;
    if (publicUrl === undefined) return [{ name, state: "unknown", text: "there is none" }];
    const wavixIsLocal = isLocal(settings.wavixApiBase);
    const who = isServer ? String(instance) : (trial as TrialServer).instance;
    const port_: Check = { name: "Port", state: "ok", text: `${port}: ${isServer ? "the server runs" : "free"}` };
    return [port_, ...(await checkPublicUrl({ publicUrl, instance: who, isServer, wavixIsLocal }))];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (trial === undefined) {
      const text = code === "EADDRINUSE" ? `${port} is another program's` : `${port} cannot be had (${code})`;
      return [{ name: "Port", state: "mend", text }];
    }
    return [{ name, state: "mend", text: message }];
  } finally {
    await tunnel?.close();
    await trial?.close();
  }
}

function isLocal(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || (/^[\d.]+$|:/.test(host) && isPrivate(host));
}
