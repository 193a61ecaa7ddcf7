import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type BotProcess, startBot } from "./bot-process.ts";
import type { Python } from "./environments.ts";
import { pipecat, twilio } from "./languages.ts";
import { type Language, Line } from "./line.ts";
import { describeWith } from "./suite.ts";

const EXAMPLES = "examples/pipecat-bot";
const BOTS = "test/interop/bots";
const TWILIO = { TWILIO_ACCOUNT_SID: "AC1", TWILIO_AUTH_TOKEN: "no secret" };

/** One bot for the tests of a suite, and the line of each. */
function withBot(python: Python, script: string, options: { args?: string[]; env?: Record<string, string> } = {}) {
  const suite = {} as { bot: BotProcess; line: Line; call(path: string, language: Language): Promise<Line> };
  beforeAll(async () => {
    suite.bot = await startBot(python, script, options);
    console.log(`${script} on Pipecat ${python.version} answers after ${Math.round(suite.bot.startMs)} ms`);
  });
  suite.call = async (path, language) => {
    suite.line = await Line.open(suite.bot.url(path), language);
    return suite.line;
  };
  afterEach(async (context) => {
    if (context.task.result?.state === "fail") console.log(suite.line?.heard, suite.bot.output().slice(-6000));
    suite.line?.hangUp();
    await suite.line?.closed;
  });
  afterAll(() => suite.bot?.stop());
  return suite;
}

/** The greeting; then the words from the moment on at which the caller speaks into ten seconds of a tone. */
async function interrupts(line: Line, signal: string): Promise<string[]> {
  await line.hears("600 Hz");
  await line.hears("silence");
  line.press("1");
  await line.hears("400 Hz");
  const from = line.heard.length;
  line.speak(true);
  await line.hears(signal);
  await line.hears("500 Hz"); // the echo of the caller, so nothing of the tone is left
  line.speak(false);
  await line.hears("silence");
  return line.heard.slice(from);
}

async function saysGoodbye(line: Line): Promise<void> {
  line.press("#");
  await line.hears("300 Hz");
  expect(await line.closed).toBe(1000);
  expect(line.heard.at(-1)).toBe("silence");
  expect([...line.audioByteLengths]).toContain(96_000); // Pipecat's two seconds of silence, in one message
}

describeWith("current", (python) => {
  const suite = withBot(python, `${EXAMPLES}/bot.py`, { env: TWILIO });

  it("answers at /ws-client in protobuf", async () => {
    const line = await suite.call("/ws-client", pipecat("dtmf"));
    const heard = await interrupts(line, "interruption");
    expect(line.heard).toEqual(expect.arrayContaining(["bot-ready", "wavix-collect"]));
    expect(suite.bot.output()).toContain("Call call-1, the caller's number is known");
    expect(suite.bot.output()).not.toContain("2025550143");
    const rest = ["interruption", "user-started-speaking", "bot-interrupted", "bot-stopped-speaking"];
    expect(heard.filter((word) => rest.includes(word))).toEqual(rest);
    expect(heard.lastIndexOf("400 Hz")).toBeLessThan(heard.indexOf("interruption"));
    await saysGoodbye(line);
  });

  it("answers at /ws as Twilio's", async () => {
    const line = await suite.call("/ws", twilio);
    expect((await interrupts(line, "clear")).filter((word) => word === "clear")).toHaveLength(1);
    line.press("#");
    await line.hears("300 Hz");
    expect(await line.closed).toBe(1000);
  });

  it("bears a caller who hangs up", async () => {
    const ended = () => suite.bot.output().split(" finished running\n").length - 1;
    const before = ended();
    const line = await suite.call("/ws-client", pipecat("dtmf"));
    await line.hears("600 Hz");
    line.hangUp();
    expect(await line.closed).toBe(1000);
    await expect.poll(ended).toBeGreaterThan(before);
  });
});

describeWith("old", (python) => {
  const suite = withBot(python, `${EXAMPLES}/older_bot.py`);

  it("answers at a /ws-client of its own in protobuf", async () => {
    const line = await suite.call("/ws-client", pipecat("wavix-dtmf"));
    // No frame for it yet: the caller begins to speak, and the bot has stopped.
    const heard = await interrupts(line, "user-started-speaking");
    expect(line.heard).toEqual(expect.arrayContaining(["bot-ready", "wavix-collect"]));
    expect(suite.bot.output()).toContain("Call call-1");
    expect(heard[heard.indexOf("user-started-speaking") + 1]).toBe("bot-stopped-speaking");
    expect(heard).not.toContain("interruption");
    expect(heard.lastIndexOf("400 Hz")).toBeLessThan(heard.indexOf("user-started-speaking"));
    await saysGoodbye(line);
  });
});

for (const name of ["current", "old", "original"] as const) {
  describeWith(name, (python) => {
    const suite = withBot(python, `${BOTS}/stock_twilio_bot.py`, { args: ["-t", "twilio"], env: TWILIO });

    it("runs a bot that knows Twilio alone", async () => {
      const line = await suite.call("/ws", twilio);
      await line.hears("600 Hz");
      line.speak(true);
      await line.hears("clear");
      await line.hears("500 Hz");
      line.speak(false);
      line.press("1");
      await expect.poll(suite.bot.output).toContain("Key 1");
      line.press("#");
      await line.hears("300 Hz");
      expect(await line.closed).toBe(1000);
      // It would hang up at Twilio's; what is tested stays on this machine.
      expect(suite.bot.output()).toMatch(/Failed to hang up Twilio call: .*api\.twilio\.com/);
    });
  });
}

describeWith("current", (python) => {
  const asked: string[] = [];
  const rest = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (body) => asked.push(`${request.method} ${request.url} ${body}`));
    request.on("end", () => response.end("{}"));
  });
  const env = { ...TWILIO };
  beforeAll(async () => {
    await new Promise((resolve) => rest.listen(0, "127.0.0.1", () => resolve(undefined)));
    Object.assign(env, { TWILIO_API_BASE: `http://127.0.0.1:${(rest.address() as AddressInfo).port}` });
  });
  afterAll(() => rest.close());
  const suite = withBot(python, `${BOTS}/hang_up_twilio_bot.py`, { args: ["-t", "twilio"], env });

  it("hangs up where it is told", async () => {
    const line = await suite.call("/ws", twilio);
    await line.hears("600 Hz");
    line.press("#");
    expect(await line.closed).toBe(1000);
    expect(asked).toEqual(["POST /2010-04-01/Accounts/AC1/Calls/CA1.json Status=completed"]);
  });
});
