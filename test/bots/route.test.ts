import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { routeBots } from "../../src/bots/route.ts";
import type { Bot, Call } from "../../src/call/index.ts";

const callTo = (to: string | undefined) => ({ to }) as Call;

/** Bots that say which route they stand at. */
function routed(...routes: string[]) {
  const answers: string[] = [];
  const bots = Object.fromEntries(routes.map((route): [string, Bot] => [route, () => void answers.push(route)]));
  const bot = routeBots(bots);
  return async (to: string | undefined) => {
    await bot(callTo(to));
    return answers.at(-1);
  };
}

describe("routes", () => {
  it("are the number, else its longest beginning, else the rest", async () => {
    const routeOf = routed("*", "+1*", "+12025550143", "+1202*", "+1202555*", "+44*");
    expect(await routeOf("+12025550143")).toBe("+12025550143");
    expect(await routeOf("+12025550144")).toBe("+1202555*");
    expect(await routeOf("+12029990143")).toBe("+1202*");
    expect(await routeOf("+13")).toBe("+1*");
    expect(await routeOf("+49301234567")).toBe("*");
    // Longer than a route is not that route.
    expect(await routeOf("+120255501431")).toBe("+1202555*");
    expect(await routeOf(undefined)).toBe("*");
  });

  it("are found as by looking at all of them", async () => {
    const digits = fc.string({ unit: fc.constantFrom("1", "2"), minLength: 1, maxLength: 5 });
    const route = fc.oneof(
      digits.map((number) => `+${number}`),
      digits.map((number) => `+${number}*`),
      fc.constant("*"),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(route, { minLength: 1 }), digits, async (routes, number) => {
        const to = `+${number}`;
        const best = routes
          .filter((route) => (route.endsWith("*") ? to.startsWith(route.slice(0, -1)) : route === to))
          .sort((a, b) => Number(a.endsWith("*")) - Number(b.endsWith("*")) || b.length - a.length)[0];
        expect(await routed(...routes)(to).catch(({ code }) => code)).toBe(best ?? "NO_ROUTE");
      }),
    );
  });

  it("refuse a call that none is for, without its number", async () => {
    const routeOf = routed("+1*");
    for (const to of ["+49301234567", undefined]) {
      const error = await routeOf(to).catch((error: Error) => error);
      expect(error).toMatchObject({ name: "BotError", code: "NO_ROUTE" });
      expect((error as Error).message).not.toContain("49301234567");
    }
  });

  it("are checked", () => {
    const bot = () => {};
    for (const route of ["", "12025550143", "+", "+0123", "+1202x", "+1202**", "*1", "+1 202", "+1234567890123456"]) {
      expect(() => routeBots({ [route]: bot })).toThrow(TypeError);
    }
    expect(() => routeBots({})).toThrow(TypeError);
    expect(() => routeBots({ "*": "echo" as never })).toThrow('routes["*"] must be a bot, got string');
  });

  it("let a bot fail, and wait for it", async () => {
    const bot = routeBots({ "*": () => Promise.reject(new Error("as it does")) });
    await expect(bot(callTo(undefined))).rejects.toThrow("as it does");
  });

  it("add up what their bots count, and close each once", async () => {
    let closed = 0;
    const close = async () => void closed++;
    const one: Bot = Object.assign(() => {}, { close, counters: { calls: 1, processes_started: 2 } });
    const two: Bot = Object.assign(() => {}, { close: () => close().then(() => Promise.reject(new Error("stuck"))) });
    const three: Bot = Object.assign(() => {}, { close, counters: { calls: 10 } });
    const bot = routeBots({ "+1*": one, "+2*": two, "+3*": three, "*": one, "+4*": () => {} });
    expect(bot.counters).toEqual({ calls: 11, processes_started: 2 });
    (three.counters as Record<string, number>).calls = 11;
    expect(bot.counters?.calls).toBe(12);
    await expect(bot.close?.()).rejects.toThrow("stuck");
    expect(closed).toBe(3);
  });
});
