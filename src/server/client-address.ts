import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Hops of an `X-Forwarded-For` that are looked at; whoever sends more is up to something. */
const MAX_HOPS = 16;

/** Addresses as a list of settings names them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. */
export class AddressList {
  readonly #list = new BlockList();

  /** @throws RangeError for what is no address and no network */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", prefix, ...rest] = network.split("/");
      const version = isIP(address);
      const bits = version === 4 ? 32 : 128;
      const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
      if (version === 0 || rest.length > 0 || length < 0 || length > bits) {
        throw new RangeError(`networks must be addresses or networks such as 192.0.2.0/24, got ${network}`);
      }
      this.#list.addSubnet(address, length, version === 4 ? "ipv4" : "ipv6");
    }
  }

  /** An IPv4 address in IPv6 clothes (`::ffff:192.0.2.7`) is the IPv4 address. */
  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? "ipv4" : "ipv6");
  }
}

/**
 * The address a request comes from. A proxy's word (`X-Forwarded-For`) is taken only where the proxy is one of
 * `proxies`, hop by hop from the nearest: what a stranger wrote into the header stands behind its own address.
 *
 * @returns `""` when the socket is gone already
 * @example
 * clientAddress(request, new AddressList(["127.0.0.1"])); // "203.0.113.9"
 */
export function clientAddress(request: IncomingMessage, proxies: AddressList | undefined): string {
  let address = plain(request.socket.remoteAddress ?? "");
  if (proxies === undefined) return address;
  const header = request.headers["x-forwarded-for"];
  const hops = String(header ?? "")
    .split(",")
    .slice(-MAX_HOPS);
  while (proxies.has(address)) {
    const hop = plain(hops.pop()?.trim() ?? "");
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

/**
 * What a limit per address counts: an IPv6 site has 2^64 addresses to itself, so its network is what counts.
 *
 * @example
 * addressKey("2001:db8:1:2:3:4:5:6"); // "2001:db8:1:2::/64"
 */
export function addressKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("%", 1)[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

/** Node names IPv4 peers of a dual-stack socket `::ffff:192.0.2.7`. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
