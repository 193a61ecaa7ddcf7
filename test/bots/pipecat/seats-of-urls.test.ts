import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Seat, Seats } from "../../../src/bots/pipecat/seat.ts";
import { type UrlSeatsOptions, urlSeats } from "../../../src/bots/pipecat/seats/index.ts";

const patient = { timeout: 10_000 };
const forever = new AbortController().signal;
const unchecked = (urls: UrlSeatsOptions["urls"], more: Partial<UrlSeatsOptions> = {}) =>
  urlSeats({ urls, healthCheckMs: 0, ...more });

/** The seat that a call gets. */
async function take(seats: Seats): Promise<Seat> {
  const { value } = await seats.offer({}, forever).next();
  return value as Seat;
}

/** All that a call is offered when none of them can be connected to. */
async function offered(seats: Seats): Promise<string[]> {
  const urls: string[] = [];
  for await (const seat of seats.offer({}, forever)) {
    urls.push(seat.url);
    seat.release();
  }
  return urls;
}

describe("URL seats", () => {
  it("go to the bot with the least load, of equals to each in its turn", async () => {
    const seats = unchecked([{ url: "ws://a/" }, { url: "ws://b/" }, { url: "ws://c/" }]);
    const first = await take(seats);
    expect([first.url, (await take(seats)).url, (await take(seats)).url]).toEqual(["ws://a/", "ws://b/", "ws://c/"]);
    expect([(await take(seats)).url, (await take(seats)).url]).toEqual(["ws://a/", "ws://b/"]);
    first.release();
    first.release();
    // One call each at a and c: c is next in turn.
    expect([(await take(seats)).url, (await take(seats)).url]).toEqual(["ws://c/", "ws://a/"]);
  });

  it("weigh calls by capacity; what has none counts as the strongest", async () => {
    const seats = unchecked([
      { url: "ws://one/", capacity: 1 },
      { url: "ws://four/", capacity: 4 },
      { url: "ws://any/" },
    ]);
    const urls: string[] = [];
    for (let i = 0; i < 9; i++) urls.push((await take(seats)).url);
    const counts = (of: string[]) =>
      ["one", "four", "any"].map((name) => of.filter((url) => url.includes(name)).length);
    expect(counts(urls.slice(0, 3))).toEqual([1, 1, 1]);
    expect(counts(urls)).toEqual([1, 4, 4]);
    for (let i = 0; i < 9; i++) expect((await take(seats)).url).toBe("ws://any/");
  });

  it("are offered once each; all full is an error, none connected is not", async () => {
    const seats = unchecked([
      { url: "ws://a/", capacity: 1 },
      { url: "ws://b/", capacity: 2 },
    ]);
    expect(await offered(seats)).toEqual(["ws://a/", "ws://b/"]);
    const [a, b] = [await take(seats), await take(seats)];
    await take(seats);
    await expect(take(seats)).rejects.toMatchObject({ name: "BotError", code: "NO_BOT_FREE" });
    b.release();
    // Who could only be offered a part of them, because the others are full, finds no free bot.
    const offer = seats.offer({}, forever);
    expect((await offer.next()).value).toMatchObject({ url: "ws://b/" });
    await expect(offer.next()).rejects.toMatchObject({ code: "NO_BOT_FREE" });
    a.release();
  });

  it("hold as many calls as they may and are given back, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.constantFrom("take", "release", "fail"), fc.nat())),
        async (capacities, acts) => {
          const seats = unchecked(capacities.map((capacity, i) => ({ url: `ws://${i}/`, capacity })));
          const taken: Seat[] = [];
          const calls = (url: string) => taken.filter((seat) => seat.url === url).length;
          const hasRoom = () => capacities.some((capacity, i) => calls(`ws://${i}/`) < (capacity ?? Number.MAX_VALUE));
          for (const [act, which] of acts) {
            if (act === "take") {
              const seat = await take(seats).catch(() => undefined);
              expect(seat !== undefined).toBe(hasRoom());
              if (seat !== undefined) taken.push(seat);
            } else if (taken.length > 0) {
              const [seat] = taken.splice(which % taken.length, 1) as [Seat];
              if (act === "fail") seat.failed();
              seat.release();
              seat.release();
            }
            capacities.forEach((capacity, i) => {
              expect(calls(`ws://${i}/`)).toBeLessThanOrEqual(capacity ?? acts.length);
            });
          }
        },
      ),
    );
  });

  it("end with the signal, and when they are closed", async () => {
    const seats = unchecked([{ url: "ws://a/" }, { url: "ws://b/" }]);
    const call = new AbortController();
    const offer = seats.offer({}, call.signal);
    expect((await offer.next()).done).toBe(false);
    call.abort();
    expect((await offer.next()).done).toBe(true);
    await seats.close();
    expect(await offered(seats)).toEqual([]);
  });

  it("carry the key, and the body with the call's facts", async () => {
    const url = "wss://us-west.api.pipecat.daily.co/ws/generic/agent.org";
    const plain = await take(unchecked([{ url: `${url}?a=b` }]));
    expect([plain.url, plain.headers]).toEqual([`${url}?a=b`, {}]);

    const seats = unchecked([{ url }, { url: `${url}?a=b` }], { key: "pk_1", body: { note: "ü>>>", from: "nobody" } });
    const offer = seats.offer({ callId: "call-1", from: "+12025550143", to: undefined }, forever);
    for (const prefix of [`${url}?body=`, `${url}?a=b&body=`]) {
      const seat = (await offer.next()).value as Seat;
      expect(seat.headers).toEqual({ authorization: "Bearer pk_1" });
      expect(seat.url.startsWith(prefix)).toBe(true);
      const bytes = Buffer.from(new URL(seat.url).searchParams.get("body") as string, "base64");
      expect(JSON.parse(bytes.toString())).toEqual({ note: "ü>>>", call_id: "call-1", from: "+12025550143" });
    }
    // A number that is withheld is not taken from the body.
    const withheld = (await seats.offer({ callId: "call-1" }, forever).next()).value as Seat;
    expect(JSON.parse(atob(new URL(withheld.url).searchParams.get("body") as string))).toEqual({
      note: expect.any(String),
      call_id: "call-1",
    });
  });
});

describe("the health of bots at URLs", () => {
  const servers: Server[] = [];
  const open: Seats[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((seats) => seats.close()));
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    vi.useRealTimers();
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    servers.push(server);
    await new Promise((resolve) => server.once("listening", resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const watch = (urls: string[], more: Partial<UrlSeatsOptions> = {}) => {
    const seats = urlSeats({ urls: urls.map((url) => ({ url })), healthCheckMs: 20, ...more });
    open.push(seats);
    return seats;
  };

  it("is any answer below 500; those that are down are offered last, until they answer again", async () => {
    let status = 404;
    const paths = new Set<string | undefined>();
    const changing = await serve(({ url }, response) => {
      paths.add(url);
      response.writeHead(status).end();
    });
    const steady = await serve((_, response) => response.end());
    const seats = watch([`${changing}/ws?token=secret`, `${steady}/ws`]);
    const first = async () => {
      const { url, release } = await take(seats);
      release();
      return url.startsWith(changing) ? "changing" : "steady";
    };
    expect(await first()).toBe("changing");
    status = 503;
    await expect.poll(async () => seats.counters?.health_changes_down, patient).toBe(1);
    for (let i = 0; i < 3; i++) expect(await first()).toBe("steady");
    expect(await offered(seats)).toHaveLength(2);
    status = 401;
    await expect.poll(first, patient).toBe("changing");
    expect(seats.counters).toEqual({ health_changes_down: 1 });
    expect([...paths]).toEqual(["/status"]);
  });

  it("is asked once for all URLs of a host and port, one question at a time", async () => {
    let asked = 0;
    const silent = await serve(() => void asked++);
    const seats = watch([`${silent}/a`, `${silent}/b`], { healthCheckMs: 1, healthLimitMs: 300, healthPath: "/alive" });
    await expect.poll(() => asked, patient).toBe(1);
    await expect.poll(() => seats.counters?.health_changes_down, patient).toBe(1);
    expect(asked).toBeLessThanOrEqual(2);
  });

  it("is bad when nobody listens, and after a call could not be connected until the next good answer", async () => {
    const gone = watch(["ws://127.0.0.1:1/ws"]);
    await expect.poll(() => gone.counters?.health_changes_down, patient).toBe(1);

    const url = await serve((_, response) => response.end());
    const seats = watch([`${url}/a`, "ws://127.0.0.1:1/b"], { healthCheckMs: 200 });
    await expect.poll(() => seats.counters?.health_changes_down, patient).toBe(1);
    const seat = await take(seats);
    expect(seat.url).toBe(`${url}/a`);
    seat.failed();
    seat.failed();
    seat.release();
    expect(seats.counters).toEqual({ health_changes_down: 2 });
    await expect.poll(() => offered(seats).then(([first]) => first), patient).toBe(`${url}/a`);
  });

  it("without checks is that of the last five seconds' calls", async () => {
    vi.useFakeTimers();
    const seats = unchecked([{ url: "ws://a/" }, { url: "ws://b/" }]);
    const seat = await take(seats);
    seat.failed();
    seat.release();
    for (let i = 0; i < 3; i++) expect((await offered(seats))[0]).toBe("ws://b/");
    vi.advanceTimersByTime(5_001);
    expect(new Set([(await take(seats)).url, (await take(seats)).url])).toContain("ws://a/");
    expect(seats.counters).toEqual({ health_changes_down: 1 });
  });

  it("is not asked for any more once they are closed", async () => {
    let asked = 0;
    const url = await serve((_, response) => response.end(String(asked++)));
    const seats = watch([url], { healthCheckMs: 5 });
    await expect.poll(() => asked, patient).toBeGreaterThan(2);
    await seats.close();
    // Its own question comes behind those on their way.
    await fetch(url.replace("ws", "http"));
    const before = asked;
    for (let i = 0; i < 5; i++) await fetch(url.replace("ws", "http"));
    expect(asked).toBe(before + 5);
  });
});
