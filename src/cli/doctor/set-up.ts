import { readSettings, type ServerSettings } from "../../server/index.ts";
import type { Environment } from "../bot-by-name.ts";
import { behindTunnel } from "../tunnel.ts";
import type { Check } from "./check.ts";

/** Of package.json's `engines`. */
const OLDEST_NODE = [20, 19] as const;

/** What is configured, as far as it can be read. */
export interface SetUp {
  readonly checks: readonly Check[];
  /** Undefined when they need mending. */
  readonly settings: ServerSettings | undefined;
  /** The address comes with a tunnel, which is opened when the server starts. */
  readonly tunneled: boolean;
}

/** The machine, the file, and the settings: nothing of it needs the network. */
export function checkSetUp(
  env: Environment,
  hasEnvFile: boolean,
  tunneled: boolean,
  version = process.versions.node,
): SetUp {
  const checks = [checkNode(version), checkEnvFile(hasEnvFile)];
  const known = tunneled ? behindTunnel(env, tunnelUrlOf(env) ?? "https://not-open-yet.invalid") : env;
  const read = readSettings(known);
  const problems = read.ok ? [] : [...read.problems];
  if (!env.WAVIX_API_KEY?.trim()) problems.unshift("WAVIX_API_KEY is missing");
  if (!env.WAVIX_API_KEY?.trim() && !known.PUBLIC_URL?.trim())
    problems.push("PUBLIC_URL is missing, or NGROK_AUTH_TOKEN");
  const text = problems.length === 0 ? "all can be used" : problems.join("; ");
  checks.push({ name: "Settings", state: problems.length === 0 ? "ok" : "mend", text });
  if (!read.ok) return { checks, settings: undefined, tunneled };
  checks.push(checkSecret(read.settings));
  return { checks, settings: read.settings, tunneled };
}

/** Known before the tunnel is open, where it has a name. */
export function tunnelUrlOf({ NGROK_DOMAIN }: Environment): string | undefined {
  return NGROK_DOMAIN?.trim() ? `https://${NGROK_DOMAIN.trim()}` : undefined;
}

function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldest, least] = OLDEST_NODE;
  const isNew = major > oldest || (major === oldest && minor >= least);
  const text = isNew ? version : `${version}: install ${OLDEST_NODE.join(".")} or newer`;
  return { name: "Node", state: isNew ? "ok" : "mend", text };
}

function checkEnvFile(there: boolean): Check {
  const text = there
    ? "read"
    : "there is none in this folder: only the environment counts (.env.example is one to fill in)";
  return { name: ".env", state: there ? "ok" : "not-needed", text };
}

/** Wavix signs nothing. */
function checkSecret({ webhookSecret, webhookAllow }: ServerSettings): Check {
  const name = "Webhook secret";
  if (webhookSecret !== undefined) return { name, state: "ok", text: "set" };
  if (webhookAllow !== undefined) return { name, state: "ok", text: "none, but WEBHOOK_ALLOW" };
  const text = "without WEBHOOK_SECRET anybody can post calls: openssl rand -hex 16 makes one";
  return { name, state: "mend", text };
}
