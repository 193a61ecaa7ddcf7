import { UsageError } from "./arguments.ts";
import type { Environment } from "./bot-by-name.ts";
import { findPackage } from "./find-package.ts";

/** A public address whose requests come to a port of this machine. */
export interface Tunnel {
  /** `https://…` */
  readonly url: string;
  /** Never rejects. */
  close(): Promise<void>;
}

/** What is used of the package `@ngrok/ngrok`, which is not there for those who have an address of their own. */
interface Ngrok {
  forward(options: { addr: string; authtoken: string; domain?: string }): Promise<{
    url(): string | null;
    close(): Promise<void>;
  }>;
}

/** Names of its variables. */
export const tunnelSettingNames = ["NGROK_AUTH_TOKEN", "NGROK_DOMAIN"] as const;

const PACKAGE = "@ngrok/ngrok";
const OPEN_MS = 20_000;
const CLOSE_MS = 3_000;
const TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken";

/** What to do about the errors that a first use meets (https://ngrok.com/docs/errors). */
const ADVICE: Readonly<Record<string, string>> = {
  ERR_NGROK_105: `NGROK_AUTH_TOKEN is not one of ngrok's; yours is at ${TOKEN_PAGE}`,
  ERR_NGROK_107: `NGROK_AUTH_TOKEN is not valid any more; a new one is at ${TOKEN_PAGE}`,
  ERR_NGROK_108: "the account has as many tunnels as it may; close one at https://dashboard.ngrok.com/agents",
  ERR_NGROK_320: "NGROK_DOMAIN is another account's; yours are at https://dashboard.ngrok.com/domains",
  ERR_NGROK_334: "NGROK_DOMAIN is online already: another tunnel of yours has it",
  ERR_NGROK_4018: `NGROK_AUTH_TOKEN is missing or not verified; yours is at ${TOKEN_PAGE}`,
};

/**
 * Whether a tunnel is to be opened: it was asked for, or there is a token for one and no other public address.
 *
 * @param asked value of `--tunnel`
 * @param publicUrl value of `--public-url`
 * @throws UsageError for a tunnel there is none of, and for two public addresses
 */
export function wantsTunnel(asked: string | undefined, publicUrl: string | undefined, env: Environment): boolean {
  if (asked === undefined) return publicUrl === undefined && !env.PUBLIC_URL && Boolean(env.NGROK_AUTH_TOKEN);
  if (asked !== "ngrok") throw new UsageError(`--tunnel must be ngrok, got ${asked}`);
  if (publicUrl !== undefined) throw new UsageError("--tunnel and --public-url are two public addresses: give one");
  return true;
}

/**
 * The environment of a server that a tunnel leads to. Nobody else needs to reach its port, and the tunnel says on whose
 * behalf it comes.
 */
export function behindTunnel(env: Environment, url: string): Environment {
  return { ...env, PUBLIC_URL: url, HOST: env.HOST || "127.0.0.1", TRUST_PROXY: env.TRUST_PROXY || "127.0.0.1" };
}

/**
 * Opens a tunnel to a port of this machine, whether anything listens there yet or not.
 *
 * @throws UsageError when the package or the token is missing
 * @throws Error in one line, without the token, when ngrok opens none
 * @example
 * const tunnel = await openTunnel(7860, process.env);
 * tunnel.url; // https://example.ngrok-free.app
 */
export async function openTunnel(port: number, env: Environment): Promise<Tunnel> {
  const found = findPackage(PACKAGE);
  if (found === undefined) throw new UsageError(`a tunnel needs the package ${PACKAGE}: npm install ${PACKAGE}`);
  const authtoken = env.NGROK_AUTH_TOKEN?.trim();
  if (!authtoken) throw new UsageError(`a tunnel needs NGROK_AUTH_TOKEN; yours is at ${TOKEN_PAGE}`);
  if (port === 0) throw new UsageError("a tunnel needs a PORT that is known beforehand, got 0");
  const domain = env.NGROK_DOMAIN?.trim();

  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`ngrok has opened none within ${OPEN_MS / 1_000} s`)), OPEN_MS);
  });
  // Also while nobody waits for it yet: the package itself may take its time.
  late.catch(() => undefined);
  let opening: ReturnType<Ngrok["forward"]> | undefined;
  try {
    const ngrok = await load(found);
    opening = ngrok.forward({ addr: `127.0.0.1:${port}`, authtoken, ...(domain ? { domain } : {}) });
    const listener = await Promise.race([opening, late]);
    const url = listener.url()?.replace(/\/+$/, "");
    if (!url) throw new Error("ngrok has given it no address");
    return { url, close: () => within(CLOSE_MS, listener.close()) };
  } catch (error) {
    // Also one that comes too late: it would keep the process.
    opening?.then((listener) => listener.close()).catch(() => undefined);
    throw new Error(`the tunnel cannot be opened: ${reasonOf(error, authtoken)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function load(url: string): Promise<Ngrok> {
  const module: Partial<Ngrok> & { default?: Ngrok } = await import(url);
  const { forward } = module.default ?? module;
  if (typeof forward !== "function") throw new Error(`${PACKAGE} has no forward(): install version 1`);
  return { forward };
}

/** ngrok says it in several lines, of which the first tells what, and by a code. */
function reasonOf(error: unknown, authtoken: string): string {
  const { message = String(error), errorCode } = error as { message?: string; errorCode?: unknown };
  const code = typeof errorCode === "string" ? errorCode : /ERR_NGROK_\d+/.exec(message)?.[0];
  const advice = code === undefined ? undefined : ADVICE[code];
  if (advice !== undefined) return `${advice} (${code})`;
  const line = message.split(/\r?\n/, 1)[0]?.replaceAll(authtoken, "<NGROK_AUTH_TOKEN>").slice(0, 200);
  return code === undefined ? `${line}` : `${line} (${code})`;
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
