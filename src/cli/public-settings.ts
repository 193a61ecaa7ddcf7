import { readSettings, type ServerSettings } from "../server/index.ts";
import { UsageError } from "./arguments.ts";
import type { Environment } from "./bot-by-name.ts";
import { behindTunnel, openTunnel, type Tunnel } from "./tunnel.ts";

/**
 * The settings; with a tunnel its address is the public one. It is opened before anybody asks where the server is reached,
 * and when all else has been found to be right.
 *
 * @throws UsageError when the settings need mending, or a tunnel cannot be had as things are
 */
export async function publicSettings(
  env: Environment,
  tunneled: boolean,
): Promise<{ settings: ServerSettings; tunnel: Tunnel | undefined }> {
  if (!tunneled) return { settings: checkedSettings(env), tunnel: undefined };
  const { port } = checkedSettings(behindTunnel(env, "https://not-open-yet.invalid"));
  const tunnel = await openTunnel(port, env);
  try {
    return { settings: checkedSettings(behindTunnel(env, tunnel.url)), tunnel };
  } catch (error) {
    // An address that is none of https: an open tunnel would keep the process.
    await tunnel.close();
    throw error;
  }
}

function checkedSettings(env: Environment): ServerSettings {
  const read = readSettings(env);
  if (!read.ok) throw new UsageError(`the settings need mending:\n  ${read.problems.join("\n  ")}`);
  return read.settings;
}
