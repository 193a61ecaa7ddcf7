import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWavixSimulator, type WavixSimulator } from "../../src/simulator/index.ts";
import { BotServer, type BotSide } from "../support/bot-server.ts";
import { command, folder, localUrl, said, start } from "../support/commands.ts";
import { childrenOf, untilGone } from "../support/processes.ts";
import { WorkerCli } from "../support/worker-cli.ts";

/** A bot in a process of its own, which only listens. */
const BOT = `
import { createServer } from "node:http";
import { WebSocketServer } from ${JSON.stringify(import.meta.resolve("ws"))};
const server = createServer((_request, response) => response.end());
new WebSocketServer({ server });
server.listen(Number(process.argv[2]), "127.0.0.1");
`;
/** Puts it where the command runs. */
function botCommand(): string {
  writeFileSync(join(folder(), "bot.mjs"), BOT);
  return `${process.execPath} bot.mjs {port}`;
}

let simulator: WavixSimulator;
let bots: BotServer;
beforeEach(async () => {
  simulator = await createWavixSimulator();
  bots = await BotServer.open();
});
afterEach(async () => {
  await simulator.close();
  await bots.close();
});

const started = (bot: BotSide) =>
  bot.messages.first((message) => String(message).includes('"start"')).then((text) => JSON.parse(text as string));

async function events(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  const lines = [...text.matchAll(/^wavix_bot_events_total\{event="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, event, count]) => [event, Number(count)]));
}

/** As a bot's TwilioFrameSerializer does, when it is pointed here. */
function hangUp(url: string, callSid: string, password: string): Promise<Response> {
  return fetch(new URL(`/2010-04-01/Accounts/AC1/Calls/${callSid}.json`, url), {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`AC1:${password}`)}` },
    body: new URLSearchParams({ Status: "completed" }),
  });
}

describe("start --bot pipecat", () => {
  it("bridges calls to where BOT_URL says, at 8 kHz for Twilio's, and has its REST side", async () => {
    const server = await start(["--bot", "pipecat", "--bot-protocol", "twilio", "--bot-url", bots.url], {
      WAVIX_API_BASE: simulator.apiUrl,
      BOT_TWILIO_AUTH_TOKEN: "secret-of-the-bot",
    });
    const url = localUrl(server.output);
    const call = simulator.placeCall({ webhookUrl: `${url}/wavix/inbound` });
    const bot = await bots.call();
    const { start: facts } = await started(bot);
    expect(facts).toMatchObject({ callSid: call.id, mediaFormat: { sampleRate: 8_000 } });
    const media = await bot.messages.first((message) => String(message).includes('"media"'));
    expect(Buffer.from(JSON.parse(media as string).media.payload, "base64")).toHaveLength(160);
    expect((await hangUp(url, call.id, "wrong")).status).toBe(401);
    expect((await hangUp(url, randomUUID(), "secret-of-the-bot")).status).toBe(404);
    expect((await hangUp(url, call.id, "secret-of-the-bot")).status).toBe(200);
    expect(await call.ended).toMatchObject({ hungUpOverRest: true });
    expect(await bot.closed).toBe(1000);
    await said(server, "call ended");
    expect(await events(url)).toMatchObject({ connections: 1, connect_failures: 0 });
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    expect(server.output).not.toContain("secret-of-the-bot");
  });

  it("does so in workers, whose counts are added up", async () => {
    const argv = ["--bot", "pipecat", "--bot-protocol", "twilio", "--bot-url", bots.url];
    await using cli = await WorkerCli.start({ WAVIX_API_BASE: simulator.apiUrl }, { argv });
    const calls = [0, 1].map(() => simulator.placeCall({ webhookUrl: cli.webhook }));
    const owners = await Promise.all(calls.map(({ id }) => cli.ownerOf(id)));
    expect(new Set(owners.map(({ worker }) => worker)).size).toBe(2);
    await Promise.all([bots.call(0), bots.call(1)]);
    for (const { id, ended } of calls) {
      expect((await hangUp(cli.webhook, id, "any")).status).toBe(200);
      expect(await ended).toMatchObject({ hungUpOverRest: true });
      const line = await cli.line(({ msg, callId }) => msg === "call ended" && callId === id);
      expect(line).toMatchObject({ endedBy: "bot", reason: "hang-up" });
    }
    await expect.poll(() => events(cli.webhook)).toMatchObject({ connections: 2 });
    cli.kill("SIGTERM");
    await cli.expectGone();
  });

  it("starts bots by BOT_COMMAND, and leaves none behind", async () => {
    const server = await start(["--bot", "pipecat", "--bot-command", botCommand()], {
      WAVIX_API_BASE: simulator.apiUrl,
      BOT_CONNECT_SECONDS: "20",
    });
    const url = localUrl(server.output);
    const call = simulator.placeCall({ webhookUrl: `${url}/wavix/inbound` });
    await said(server, "call streaming");
    await expect.poll(() => events(url), { timeout: 10_000 }).toMatchObject({ connections: 1, processes_started: 2 });
    const children = childrenOf(server.child.pid as number).map(({ pid }) => pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    call.hangUp();
    await call.ended;
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
    await untilGone(...children);
  });

  it("says when a bot is not there, and when a command brings none up, before any call does", async () => {
    const server = await start(["--bot", "pipecat", "--bot-url", "ws://127.0.0.1:9/ws-client?token=secret-of-the-bot"]);
    await expect.poll(() => server.output).toContain("pipecat-wavix: the bot 127.0.0.1:9 does not answer\n");
    expect(server.output).not.toContain("secret-of-the-bot");
    const other = await start(["--bot", "pipecat", "--bot-command", `${process.execPath} --no-such-option {port}`]);
    await expect.poll(() => other.output, { timeout: 5_000 }).toMatch(/^pipecat-wavix: the bot's process .*$/m);
  });

  it("says what is wrong with its settings, all at once", async () => {
    const { code, stderr } = await command(["start", "--bot", "pipecat", "--bot-protocol", "morse"], { BOT_WARM: "x" });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pipecat-wavix start: the settings of the bot need mending:\n/);
    for (const name of ["BOT_URL is missing", "BOT_PROTOCOL must be", "BOT_WARM must be"])
      expect(stderr).toContain(name);
  });

  it("says so too before there are workers", async () => {
    const { code, stderr } = await command(["start", "--workers", "2", "--bot", "pipecat", "--bot-url", "http://x"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pipecat-wavix start: the settings of the bot need mending:\n {2}BOT_URL must be .*\n$/);
  });

  it.each(["--bot-url", "--bot-protocol", "--bot-command"])("does not leave %s out for another bot", async (flag) => {
    const { code, stderr } = await command(["start", "--port", "0", flag, "twilio"]);
    expect(code).toBe(2);
    expect(stderr).toBe(`pipecat-wavix start: ${flag} goes with --bot pipecat\n`);
  });

  it("has Twilio's REST side for routes, too", async () => {
    const routes = { "+1202*": { url: bots.url, protocol: "twilio" }, "*": { url: bots.url } };
    writeFileSync(join(folder(), "routes.json"), JSON.stringify(routes));
    const server = await start(["--bot", "pipecat"], { BOT_ROUTES: "routes.json" });
    expect((await hangUp(localUrl(server.output), randomUUID(), "any")).status).toBe(404);
    expect(await (await hangUp(localUrl(server.output), randomUUID(), "any")).json()).toMatchObject({ code: 20404 });
  });

  it("leaves no bot behind when its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    try {
      const argv = ["start", "--port", String(port), "--bot", "pipecat", "--bot-command", botCommand()];
      const { code, stderr } = await command(argv);
      expect(code).toBe(1);
      expect(stderr).toContain(`port ${port}`);
    } finally {
      other.close();
    }
  });
});
