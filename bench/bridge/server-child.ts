// server-child BOT-URL: this server, in a process of its own; with a URL each call is bridged to the bot there, without
// one it is echoed. Says what it has used.
import type { Bot } from "../../src/call/index.ts";
import { answer } from "../server/child.ts";
import { shipped } from "../shipped.ts";

const [url] = process.argv.slice(2);

/** What a bot hears the caller at, in Hz. */
const SAMPLE_RATE = 16_000;

async function chooseBot(): Promise<Bot> {
  if (url === undefined) {
    const { echoBot } = (await shipped("bots/index.js")) as typeof import("../../src/bots/index.ts");
    return echoBot({ greetingMs: 0 });
  }
  const { pipecatBot } = (await shipped("bots/pipecat/index.js")) as typeof import("../../src/bots/pipecat/index.ts");
  // Nobody is to be asked for health while CPU time is counted.
  return pipecatBot({ url, healthCheckMs: 0 });
}

answer({
  async open() {
    const { createServer } = (await shipped("server/index.js")) as typeof import("../../src/server/index.ts");
    const server = createServer({
      port: 0,
      openWs: true,
      sampleRate: SAMPLE_RATE,
      maxCalls: 10_000,
      maxCallsPerSecond: 0, // all calls come at once, from one address
      maxLoopDelayMs: 0,
      addressRequestsPerSecond: 0,
      logLevel: "silent",
      bot: await chooseBot(),
    });
    return Number(new URL((await server.listen()).local).port);
  },
  cpuUs() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
