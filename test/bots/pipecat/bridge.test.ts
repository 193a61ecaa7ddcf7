import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, vi } from "vitest";
import { echoBot } from "../../../src/bots/index.ts";
import type { BridgeSettings } from "../../../src/bots/pipecat/bridge.ts";
import { type BridgeCounters, noBridgeCounts } from "../../../src/bots/pipecat/counters.ts";
import { bridgeBot } from "../../../src/bots/pipecat/pipecat-bot.ts";
import type { Line, Protocol } from "../../../src/bots/pipecat/protocol.ts";
import { CodecError } from "../../../src/codec/index.ts";
import { BotServer, type BotSide, PlainSeats } from "../../support/bot-server.ts";
import { it } from "../../support/open-server.ts";
import { sine } from "../../support/signals.ts";

/** Raw samples both ways; whatever is text is said aloud as a tone. */
class Plain implements Protocol {
  readonly inputSampleRate: number;
  readonly #line: Line;
  constructor(line: Line, inputSampleRate = 16_000) {
    this.#line = line;
    this.inputSampleRate = inputSampleRate;
  }
  opened(): void {
    this.#line.send("hello");
  }
  audio(samples: Int16Array): void {
    this.#line.send(new Uint8Array(samples.slice().buffer));
  }
  key(): void {}
  mark(): void {}
  heard(): void {}
  failed(): void {}
  received(data: Buffer): void {
    if (data.toString() === "trap") throw new CodecError("CODEC_TRAP", "the codec met a trap");
    if (data.toString() === "answer") this.#line.send(new Uint8Array(10_000));
    else this.#line.speech.say(sine(440, 24_000, Number(data.toString()) * 24, -12), 24_000, 1);
  }
  callOver(): void {
    this.#line.send("goodbye");
  }
}

const opened: BotServer[] = [];
let counters: BridgeCounters;
beforeEach(() => {
  counters = noBridgeCounts();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

async function openBots(play?: (bot: BotSide) => void): Promise<BotServer> {
  const server = await BotServer.open(play);
  opened.push(server);
  return server;
}

function bridged(seats: PlainSeats, settings: Partial<BridgeSettings> = {}) {
  const bot = bridgeBot({
    seats,
    protocol: (line) => new Plain(line),
    counters,
    connectTimeoutMs: 1_000,
    reconnectMs: 0,
    dtmf: false,
    ...settings,
  });
  return bot;
}

/** The connection under a bot's socket, for what no WebSocket library sends. */
const rawSocketOf = ({ socket }: BotSide) => (socket as unknown as { _socket: Socket })._socket;

const NOBODY = "ws://127.0.0.1:9/ws?token=secret-of-the-bot";

describe("a bridge", () => {
  it("gives the bot what the caller said before it was there", async ({ open }) => {
    const server = await openBots();
    const seats = new PlainSeats([server.url]);
    const offer = seats.offer.bind(seats);
    seats.offer = async function* () {
      await new Promise((resolve) => setTimeout(resolve, 400));
      yield* offer();
    };
    const { placeCall } = await open({ bot: bridged(seats) });
    const call = placeCall({ hangUpAfterMs: 1_000 });
    const bot = await server.call();
    await bot.closed;
    const report = await call.ended;
    const packets = bot.messages.all.filter((message) => typeof message !== "string").length;
    expect(report.sent.packets - packets).toBeLessThanOrEqual(2);
    expect(bot.messages.all[0]).toBe("hello");
    expect(bot.messages.all.at(-1)).toBe("goodbye");
    expect(seats.taken).toBe(0);
  });

  it("tries the next bot when one cannot be had", async ({ open }) => {
    const server = await openBots((bot) => bot.send("100"));
    const seats = new PlainSeats([NOBODY, server.url], { authorization: "Bearer key" });
    const { placeCall, log } = await open({ bot: bridged(seats) });
    const call = placeCall({ hangUpAfterMs: 500 });
    expect((await server.call()).headers.authorization).toBe("Bearer key");
    expect((await call.ended).endedBy).toBe("caller");
    expect(seats.failed).toEqual([NOBODY]);
    expect(seats.taken).toBe(0);
    expect(counters).toMatchObject({ connections: 1, connect_failures: 1, bots_gone: 0 });
    expect(await log.line("call ended", call.id)).toMatchObject({ notes: { bot: new URL(server.url).host } });
  });

  it("leaves no caller on a silent line when there is no bot", async ({ open }) => {
    const seats = new PlainSeats([NOBODY]);
    const { placeCall, log } = await open({ bot: bridged(seats) });
    const call = placeCall();
    expect((await call.ended).hungUpOverRest).toBe(true);
    const line = await log.line("call ended", call.id);
    expect(line).toMatchObject({ reason: "bot-failed", error: { name: "BotError", code: "BOT_UNREACHABLE" } });
    expect(log.text).not.toContain("secret-of-the-bot");
  });

  it("gives up a bot that does not answer, in time", async ({ open }) => {
    const silent = createServer().listen(0, "127.0.0.1");
    const sockets = new Set<Socket>();
    silent.on("connection", (socket) => sockets.add(socket));
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    try {
      const { placeCall, log } = await open({
        bot: bridged(new PlainSeats([`ws://127.0.0.1:${port}/`]), { connectTimeoutMs: 300 }),
      });
      const call = placeCall();
      await call.ended;
      const { error, streamMs } = await log.line("call ended", call.id);
      expect(error).toMatchObject({ code: "BOT_UNREACHABLE", message: "no bot took the call within 300 ms" });
      expect(streamMs).toBeGreaterThan(290);
      expect(streamMs).toBeLessThan(2_500);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it("hands the call to the fallback when its bot dies", async ({ open }) => {
    const server = await openBots((bot) => {
      bot.send("100");
      setTimeout(() => bot.socket.terminate(), 200);
    });
    const fallbackBot = vi.fn(echoBot({ greetingMs: 50 }));
    const { placeCall, log } = await open({ bot: bridged(new PlainSeats([server.url])), fallbackBot });
    const call = placeCall({ hangUpAfterMs: 800 });
    await call.ended;
    expect(fallbackBot).toHaveBeenCalledTimes(1);
    expect(await log.line("bot failed", call.id)).toMatchObject({ error: { code: "BOT_GONE" } });
    // Noted while there was another bot to come.
    expect(await log.line("call ended", call.id)).toMatchObject({ notes: { bot: new URL(server.url).host } });
    expect(counters).toMatchObject({ bots_gone: 1, reconnects: 0 });
  });

  it("takes a bot that says nothing and closes for one that failed", async ({ open }) => {
    const server = await openBots((bot) => bot.socket.close(1000));
    const { placeCall, log } = await open({ bot: bridged(new PlainSeats([server.url])) });
    const call = placeCall();
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ reason: "bot-failed", error: { code: "BOT_GONE" } });
  });

  it("takes a bot that says goodbye and keeps the connection open for one that has ended", async ({ open }) => {
    const server = await openBots((bot) => {
      bot.send("100");
      // A close with 1000, behind which it does nothing any more.
      rawSocketOf(bot).write(Uint8Array.of(0x88, 2, 0x03, 0xe8));
      bot.socket.pause();
    });
    const { placeCall, log } = await open({ bot: bridged(new PlainSeats([server.url])) });
    const call = placeCall();
    await call.ended;
    const { reason, streamMs } = await log.line("call ended", call.id);
    expect(reason).toBe("bot-ended");
    expect(streamMs).toBeLessThan(6_000);
  });

  it("gives up a bot that asks without end, and reads no answer", async ({ open }) => {
    const server = await openBots((bot) => {
      bot.socket.pause();
      const ask = setInterval(() => {
        for (let i = 0; i < 20; i++) bot.send("answer");
      }, 1);
      rawSocketOf(bot).once("close", () => clearInterval(ask));
    });
    const { placeCall, log } = await open({ bot: bridged(new PlainSeats([server.url])) });
    const call = placeCall();
    await call.ended;
    const { error, streamMs } = await log.line("call ended", call.id);
    expect(error).toMatchObject({ code: "BOT_STALLED" });
    expect(streamMs).toBeLessThan(8_000);
  });

  it("finds another bot when one dies, if it may", async ({ open }) => {
    const server = await openBots((bot) => {
      bot.send("100");
      if (server.calls.all.length === 1) setTimeout(() => bot.socket.close(1011), 100);
    });
    const seats = new PlainSeats([server.url]);
    const { placeCall } = await open({ bot: bridged(seats, { reconnectMs: 2_000 }) });
    const call = placeCall({ hangUpAfterMs: 1_200 });
    const second = await server.call(1);
    await second.closed;
    expect((await call.ended).endedBy).toBe("caller");
    expect(second.messages.all[0]).toBe("hello");
    expect(second.messages.all.filter((message) => typeof message !== "string").length).toBeGreaterThan(20);
    expect(counters).toMatchObject({ connections: 2, bots_gone: 1, reconnects: 1 });
    expect(seats.taken).toBe(0);
  });

  it("waits for its bot to be started again, if it may", async ({ open }) => {
    const server = await openBots((bot) => bot.send("100"));
    const { placeCall } = await open({ bot: bridged(new PlainSeats([server.url]), { reconnectMs: 5_000 }) });
    const call = placeCall({ hangUpAfterMs: 1_800 });
    await (await server.call()).messages.first(() => true);
    await server.close();
    await new Promise((resolve) => setTimeout(resolve, 600));
    const again = await BotServer.open(undefined, Number(new URL(server.url).port));
    opened.splice(0, 1, again);
    await (await again.call()).closed;
    expect((await call.ended).endedBy).toBe("caller");
    expect(counters).toMatchObject({ connections: 2, bots_gone: 1 });
    expect(counters.connect_failures).toBeGreaterThan(0);
  });

  it("gives up when one bot after the other dies", async ({ open }) => {
    const server = await openBots((bot) => {
      bot.send("20");
      setTimeout(() => bot.socket.terminate(), 20);
    });
    const { placeCall, log } = await open({ bot: bridged(new PlainSeats([server.url]), { reconnectMs: 1_000 }) });
    const call = placeCall();
    const report = await call.ended;
    expect(report.hungUpOverRest).toBe(true);
    const { streamMs, error } = await log.line("call ended", call.id);
    expect(error).toMatchObject({ code: "BOT_GONE" });
    expect(streamMs).toBeLessThan(3_500);
    expect(counters.connections).toBeGreaterThan(2);
    expect(counters.connections).toBeLessThan(8);
  });

  it("fails with what a message of its bot made the codec fail with, and takes nothing down", async ({ open }) => {
    const server = await openBots((bot) => bot.send("trap"));
    const seats = new PlainSeats([server.url]);
    const { placeCall, log } = await open({ bot: bridged(seats, { reconnectMs: 2_000 }) });
    const call = placeCall();
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ error: { code: "CODEC_TRAP" } });
    expect(counters.connections).toBe(1);
    expect(seats.taken).toBe(0);
  });

  it("leaves the bot that it has found when it cannot talk to it", async ({ open }) => {
    const server = await openBots();
    const seats = new PlainSeats([server.url]);
    const { placeCall, log } = await open({
      bot: bridged(seats, { protocol: (line) => new Plain(line, 12_345) }),
    });
    const call = placeCall();
    expect(await (await server.call()).closed).toBe(1000);
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ error: { name: "RangeError" } });
    expect(seats.taken).toBe(0);
  });

  it("closes what it holds when the server does", async ({ open }) => {
    const seats = new PlainSeats([]);
    const { server } = await open({ bot: bridged(seats) });
    await server.close();
    expect(seats.closed).toBe(true);
  });
});
