import { lookup as systemLookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import WebSocket from "ws";
import { ASK_MS, ask } from "./ask.ts";
import type { Check } from "./check.ts";
import { fieldsOf } from "./wavix-account.ts";

/** Who should be found behind the public address. */
export interface PublicUrlQuestion {
  readonly publicUrl: string;
  /** What `/livez` says on this machine. */
  readonly instance: string;
  /** Whether it is the server itself, which lets no socket in without a token. */
  readonly isServer: boolean;
  /** Wavix is a stand-in on this machine, so that nothing need be public. */
  readonly wavixIsLocal: boolean;
  /** For tests. */
  readonly lookup?: (host: string) => Promise<{ address: string }[]>;
}

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
  ] as const),
  ...([
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
  ] as const),
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Errors of TLS, by what is to be done; beyond these the code has to do. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: get one that others trust",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is self-signed: get one that others trust",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes without its chain, or from nobody known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from nobody known",
};

/** Whether an address is one of this machine or of a local network. */
export function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** Whether the public address leads here: by name, by certificate, by who answers, and for WebSockets. */
export async function checkPublicUrl(question: PublicUrlQuestion): Promise<Check[]> {
  const named = await checkName(question);
  if (named !== undefined) return [named];
  const reached = await checkReach(question);
  return reached.state === "ok" ? [reached, await checkWebSocket(question)] : [reached];
}

const NAME = "Public URL";

/** What is wrong with the name, if anything. */
async function checkName({ publicUrl, wavixIsLocal, lookup }: PublicUrlQuestion): Promise<Check | undefined> {
  const { protocol, hostname } = new URL(publicUrl);
  if (wavixIsLocal) return undefined;
  if (protocol !== "https:") return { name: NAME, state: "mend", text: "must be https://, so that nobody reads along" };
  const host = hostname.replace(/^\[|\]$/g, "");
  const find = lookup ?? ((name: string) => systemLookup(name, { all: true }));
  try {
    const addresses = await withLimit(find(host));
    if (addresses.every(({ address }) => isPrivate(address))) {
      return { name: NAME, state: "mend", text: `${host} is an address of this machine or its network only` };
    }
    return undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOTFOUND") return { name: NAME, state: "mend", text: `${host} is not in the DNS` };
    return { name: NAME, state: "unknown", text: `${host} cannot be looked up (${code ?? "TIMEOUT"})` };
  }
}

async function checkReach({ publicUrl, instance }: PublicUrlQuestion): Promise<Check> {
  const url = `${publicUrl}/livez`;
  const answer = await ask(url);
  const here = (state: Check["state"], text: string): Check => ({ name: NAME, state, text });
  if (answer.status === null) {
    const { why } = answer;
    const certificate = CERTIFICATE[why];
    if (certificate !== undefined) return here("mend", `${certificate} (${why})`);
    if (why === "TIMEOUT") {
      return here(
        "unknown",
        `no answer within ${ASK_MS / 1_000} s; some networks do not reach their own public address`,
      );
    }
    return here("mend", `nothing answers there (${why})`);
  }
  const { live, instance: found } = fieldsOf(answer.json);
  if (answer.status === 200 && found === instance)
    return here("ok", `${new URL(publicUrl).host} leads here, as seen from here`);
  if (live === true) return here("mend", "leads to another server of this kind");
  return here("mend", `is answered by something else, with ${answer.status}: let the proxy pass all requests on`);
}

async function checkWebSocket({ publicUrl, instance, isServer }: PublicUrlQuestion): Promise<Check> {
  const name = "WebSocket";
  // As Wavix asks, with a token behind it. The server, open or full, turns away one that it has not made.
  const outcome = await openSocket(`${publicUrl.replace(/^http/, "ws")}/ws/doctor`);
  const passes = outcome === (isServer ? 401 : instance);
  if (passes) return { name, state: "ok", text: "upgrades come through" };
  if (outcome === "TIMEOUT") return { name, state: "mend", text: "no upgrade within 10 s: let the proxy pass Upgrade" };
  const what =
    typeof outcome === "number" ? `the upgrade is answered with ${outcome}` : `the upgrade fails (${outcome})`;
  return { name, state: "mend", text: `${what}: let the proxy pass Upgrade and Connection on /ws and below` };
}

/** 101 of one that says nothing, its first message, the status it was turned away with, or a code. */
function openSocket(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: ASK_MS, maxPayload: 1024, perMessageDeflate: false });
    let opened = false;
    const settle = (outcome: number | string) => {
      clearTimeout(timer);
      resolve(outcome);
      socket.terminate();
    };
    // Beyond the handshake, for what is said first.
    let timer = setTimeout(() => settle(opened ? 101 : "TIMEOUT"), ASK_MS);
    socket.on("open", () => {
      opened = true;
      clearTimeout(timer);
      timer = setTimeout(() => settle(101), 1_000);
    });
    socket.on("message", (data) => settle(String(data)));
    socket.on("unexpected-response", (request, response) => {
      request.destroy();
      settle(response.statusCode ?? 0);
    });
    socket.on("error", (error: Error & { code?: string }) => settle(error.code ?? "ERROR"));
  });
}

function withLimit<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error("no answer"), { code: "TIMEOUT" })), ASK_MS);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
