import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, vi } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { addBotEvents, BOT_EVENT_NAME, type BotEvents, botEventsOf } from "../../src/server/bot-events.ts";
import { closeBots } from "../../src/server/close-bots.ts";
import { createServer } from "../../src/server/index.ts";
import { LogCapture } from "../support/log-capture.ts";
import { it, listener } from "../support/open-server.ts";

/** A bot that listens, with parts of its own. */
const botWith = (parts: object): Bot => Object.assign((call: Parameters<Bot>[0]) => listener(call), parts);

describe("what bots count", () => {
  it("is summed by name, whatever is among it", () => {
    const name = fc.oneof(fc.constantFrom("constructor", "__proto__", "a", "b_2", "No", "2b", ""), fc.string());
    const count = fc.oneof(fc.nat(), fc.anything());
    fc.assert(
      fc.property(fc.array(fc.dictionary(name, count)), (parts) => {
        const sum: BotEvents = {};
        for (const part of parts) addBotEvents(sum, part);
        const expected = new Map<string, number>();
        for (const [key, value] of parts.flatMap((part) => Object.entries(part))) {
          const counts = typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
          if (counts && BOT_EVENT_NAME.test(key)) expected.set(key, (expected.get(key) ?? 0) + value);
        }
        expect(new Map(Object.entries(sum))).toEqual(expected);
      }),
    );
  });

  it("has at most 100 names; those that are there go on rising", () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`event_${at}`, 1]));
    const sum: BotEvents = {};
    for (let times = 0; times < 2; times++) addBotEvents(sum, many);
    expect(Object.keys(sum)).toHaveLength(100);
    expect(new Set(Object.values(sum))).toEqual(new Set([2]));
  });

  it("is of each bot once, and of none that cannot be looked at", () => {
    const one = botWith({ counters: { calls: 2 } });
    const broken = Object.defineProperty(botWith({}), "counters", {
      get() {
        throw new Error("not now");
      },
    });
    expect(botEventsOf([one, broken, one, listener, botWith({ counters: { calls: 1 } })])).toEqual({ calls: 3 });
  });
});

describe("the closing of bots", () => {
  it("does not come with a failure to listen, after which the server may try again", async ({ open }) => {
    const { urls } = await open();
    const close = vi.fn(async () => {});
    const port = Number(new URL(urls.local).port);
    const server = createServer({ bot: botWith({ close }), port, logLevel: "silent" });
    await expect(server.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(close).not.toHaveBeenCalled();
    await server.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("may fail, at once or later: that is logged, and the server closes", async ({ open }) => {
    const bot = botWith({
      close() {
        throw new Error("first");
      },
    });
    const fallbackBot = botWith({ close: () => Promise.reject(new Error("second")) });
    const { server, log } = await open({ bot, fallbackBot });
    await server.close();
    expect(
      log.lines.filter(({ msg }) => msg === "a bot could not be closed").map(({ error }) => error?.message),
    ).toEqual([...["first", "second"]]);
  });

  it("is not waited for longer than its time, which is that of all", async () => {
    vi.useFakeTimers();
    try {
      const log = new LogCapture();
      const settled = vi.fn();
      const hanging = () => botWith({ close: () => new Promise(() => {}) });
      const quick = botWith({ close: async () => {} });
      const closing = closeBots([hanging(), quick, hanging()], pino({}, log)).then(settled);
      await vi.advanceTimersByTimeAsync(9_999);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      await closing;
      expect(log.count("a bot could not be closed")).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });
});
