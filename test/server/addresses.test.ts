import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect } from "vitest";
import WebSocket from "ws";
import { AddressLimits } from "../../src/server/address-limits.ts";
import { AddressList, addressKey, clientAddress } from "../../src/server/client-address.ts";
import { it } from "../support/open-server.ts";
import { metric } from "../support/operations.ts";

const request = (remoteAddress: string | undefined, forwardedFor?: string) =>
  ({ socket: { remoteAddress }, headers: { "x-forwarded-for": forwardedFor } }) as unknown as IncomingMessage;

describe("the address of a request", () => {
  const proxies = new AddressList(["127.0.0.1", "10.0.0.0/8", "::1"]);

  it.for<[string, string | undefined, string | undefined, string]>([
    ["its socket's", "192.0.2.7", undefined, "192.0.2.7"],
    ["its socket's, in IPv4", "::ffff:192.0.2.7", undefined, "192.0.2.7"],
    ["its socket's, when that is no proxy", "192.0.2.7", "203.0.113.9", "192.0.2.7"],
    ["what a proxy says", "127.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["what a proxy says of a proxy", "::ffff:127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"],
    ["not what the client wrote before", "127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"],
    ["the proxy's, when it says nonsense", "127.0.0.1", "unknown", "127.0.0.1"],
    ["the last proxy's that was understood", "127.0.0.1", "203.0.113.9, x, 10.0.0.1", "10.0.0.1"],
    ["nobody's, when the socket is gone", undefined, "203.0.113.9", ""],
  ])("is %s", ([, remote, header, expected]) => {
    expect(clientAddress(request(remote, header), proxies)).toBe(expected);
  });

  it("is the socket's without proxies, whatever the header says", () => {
    fc.assert(
      fc.property(fc.string(), (header) => clientAddress(request("192.0.2.7", header), undefined) === "192.0.2.7"),
    );
    fc.assert(
      fc.property(fc.string(), (header) => typeof clientAddress(request("127.0.0.1", header), proxies) === "string"),
    );
  });

  it("counts by network in IPv6", () => {
    expect(addressKey("192.0.2.7")).toBe("192.0.2.7");
    expect(addressKey("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(addressKey("2001:db8::6")).toBe("2001:db8:0:0::/64");
    expect(addressKey("2001:0db8:0001:0002::")).toBe(addressKey("2001:db8:1:2::ffff"));
    expect(addressKey("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
    expect(addressKey("::1")).toBe("0:0:0:0::/64");
  });

  it("is in a list of networks, or not", () => {
    const list = new AddressList(["192.0.2.0/24", "2001:db8::/32"]);
    for (const inside of ["192.0.2.255", "::ffff:192.0.2.1", "2001:db8:ffff::1"]) expect(list.has(inside)).toBe(true);
    for (const outside of ["192.0.3.1", "2001:db9::1", "", "x", "192.0.2"]) expect(list.has(outside)).toBe(false);
    expect(() => new AddressList(["192.0.2.0/33"])).toThrow("got 192.0.2.0/33");
  });
});

describe("the limit per address", () => {
  it("is each address's own, in a table that does not grow", () => {
    const limits = new AddressLimits(1, 100);
    const takes = (address: string, nowMs: number) => [1, 2, 3].map(() => limits.take(address, nowMs));
    expect(takes("192.0.2.1", 0)).toEqual([true, true, false]);
    expect(takes("192.0.2.2", 0)).toEqual([true, true, false]);
    expect(takes("192.0.2.1", 1_000)).toEqual([true, false, false]);
    for (let i = 0; i < 1_000; i++) limits.take(`10.0.${i >> 8}.${i & 255}`, 1_000);
    expect(limits.size).toBe(100);
    // It was forgotten, and starts afresh.
    expect(limits.take("192.0.2.1", 1_000)).toBe(true);
  });

  it("turns webhooks away with 429, of that address alone", async ({ openWithStub }) => {
    const { urls, rest } = await openWithStub({ addressRequestsPerSecond: 1, trustProxy: ["127.0.0.1"] });
    const post = async (from: string) => {
      const headers = { "x-forwarded-for": from, "content-type": "application/json" };
      return (
        await fetch(urls.webhook, { method: "POST", headers, body: '{"id":"call-1","event_type":"early_media"}' })
      ).status;
    };
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push(await post("203.0.113.9"));
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses).toContain(429);
    expect(await post("203.0.113.10")).toBe(200);
    expect(await metric(urls, 'wavix_requests_refused_total{kind="webhook",reason="rate"}')).toBeGreaterThan(0);
    expect(rest.requests).toHaveLength(0);
  });

  it("turns upgrades away with 429, of that address alone", async ({ openWithStub }) => {
    const { urls } = await openWithStub({ addressRequestsPerSecond: 1, trustProxy: ["127.0.0.1"] });
    const upgrade = (from: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(urls.webSocket, { headers: { "x-forwarded-for": from } });
        socket.on("error", () => {});
        socket.on("unexpected-response", (request, response) => {
          request.destroy();
          resolve(response.statusCode ?? 0);
        });
      });
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push(await upgrade("203.0.113.9"));
    expect(statuses.slice(0, 2)).toEqual([401, 401]);
    expect(statuses).toContain(429);
    expect(await upgrade("203.0.113.10")).toBe(401);
    expect(await metric(urls, 'wavix_requests_refused_total{kind="upgrade",reason="token"}')).toBeGreaterThanOrEqual(3);
  });
});
