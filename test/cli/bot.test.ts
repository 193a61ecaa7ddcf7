import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { webSocketUrlOf } from "../../src/cli/streaming-commands.ts";
import { createWavixSimulator } from "../../src/simulator/index.ts";
import { command, localUrl, running, said, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

const KEY = "key-of-the-account";

/** The commands that were printed, as a shell would send them. */
function requestsIn(output: string, variables: Record<string, string>) {
  const filled = output.replace(/\$([A-Z_]+)/g, (_, name) => variables[name] as string);
  return [...filled.matchAll(/curl -X (\w+) "([^"]+)" \\\n((?:.*\\\n)*.*)/g)].map(([, method, url, rest = ""]) => ({
    method: method as string,
    url: url as string,
    headers: Object.fromEntries([...rest.matchAll(/-H "([^:"]+): ([^"]+)"/g)].map(([, name, value]) => [name, value])),
    body: /-d '([^']*)'/.exec(rest)?.[1] as string,
  }));
}

async function send({ url, ...request }: ReturnType<typeof requestsIn>[number]) {
  const response = await fetch(url, request as RequestInit);
  return { status: response.status, body: await response.json() };
}

async function startBot(argv: string[], env: Record<string, string> = {}) {
  return start([...argv], env, "bot", /start the two-way stream:\n\n[\s\S]*\n\n/);
}

describe("bot", () => {
  it("talks on calls that are answered and streamed by the commands it prints, and hangs none up", async () => {
    await using simulator = await createWavixSimulator({ apiKey: KEY });
    const port = await freePort();
    const argv = ["--bot", "echo", "-t", "wavix", "-x", `http://127.0.0.1:${port}`, "--port", `${port}`];
    // What a server for a number needs is not asked for, and not used.
    const bot = await startBot(argv, { WAVIX_API_BASE: simulator.apiUrl, WAVIX_API_KEY: KEY });
    // Somebody who takes webhooks, and does nothing about them.
    const hook = createServer((_, response) => response.end()).listen(0, "127.0.0.1");
    await once(hook, "listening");
    try {
      const webhookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
      const calls = [1, 2].map(() => simulator.placeCall({ webhookUrl }));
      for (const call of calls) {
        const [answer, stream] = requestsIn(bot.output, { CALL_ID: call.id, WAVIX_API_KEY: KEY });
        expect(await send(answer!)).toEqual({ status: 200, body: { success: true } });
        expect(await send(stream!)).toMatchObject({ status: 200, body: { success: true } });
        expect(await call.streaming).toBe(true);
      }
      // Its tone is heard on both; then the callers hang up.
      for (const call of calls) while (call.report().received.packets < 20) await new Promise(setImmediate);
      for (const call of calls) call.hangUp();
      for (const call of calls) {
        expect(await call.ended).toMatchObject({ endedBy: "caller", hungUpOverRest: false });
      }
      expect(simulator.requestCount("hangUp")).toBe(0);
      expect(simulator.requestCount()).toBe(4);
      await said(bot, "call ended");
    } finally {
      hook.close();
    }
    bot.child.kill("SIGTERM");
    expect(await bot.exit).toBe(0);
    expect(bot.output).not.toContain(KEY);
  }, 40_000);

  it("has no webhook, and as many streams as it may", async () => {
    const bot = await startBot(["--bot", "echo", "--port", "0", "--max-calls", "1"]);
    const url = localUrl(bot.output);
    expect(bot.output).toContain(`ws://${new URL(url).host}/ws (--proxy HOST`);
    expect(bot.output).toContain('"https://api.wavix.com/v1/calls/$CALL_ID/answer"');
    expect(bot.output).toContain('"stream_url":"wss://HOST/ws","stream_type":"twoway","stream_channel":"inbound"');
    const hook = await fetch(`${url}/wavix/inbound`, { method: "POST", body: '{"id":"x","event_type":"call_setup"}' });
    expect(hook.status).toBe(404);
    const open = () =>
      new Promise<WebSocket | number>((resolve) => {
        const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
        socket.on("open", () => resolve(socket));
        socket.on("unexpected-response", (request, response) => {
          request.destroy();
          resolve(response.statusCode as number);
        });
        socket.on("error", () => undefined);
      });
    const first = (await open()) as WebSocket;
    expect(first).toBeInstanceOf(WebSocket);
    expect(await open()).toBe(503);
    first.close();
    bot.child.kill("SIGTERM");
    expect(await bot.exit).toBe(0);
  }, 40_000);

  it("says in a line what is wrong", async () => {
    const cases: [string[], RegExp][] = [
      [["-t", "webrtc"], /^pipecat-wavix bot: --transport must be wavix, got webrtc\n$/],
      [["-x", "http://me@x/?y"], /^pipecat-wavix bot: --proxy must be a host name such as bot.example.com, got .*\n$/],
      [["--bot", "nobody"], /^pipecat-wavix bot: --bot must be .* got nobody\n$/],
      [["--bot", "echo", "--port", "x"], /^pipecat-wavix bot: the settings need mending:\n {2}PORT must be .*\n$/],
    ];
    const outcomes = await Promise.all(cases.map(([argv]) => command(["bot", ...argv])));
    outcomes.forEach(({ code, stderr }, i) => {
      expect(stderr).toMatch(cases[i]![1]);
      expect(code).toBe(2);
    });
    expect((await running(["bot", "--help"]).outcome).stdout).toContain("default voice");
  }, 40_000);
});

describe("webSocketUrlOf", () => {
  it("takes a host as people copy it", () => {
    for (const proxy of ["bot.example.com", "https://bot.example.com/", "wss://bot.example.com/ws"]) {
      expect(webSocketUrlOf(proxy)).toBe("wss://bot.example.com/ws");
    }
    expect(webSocketUrlOf("bot.example.com:8443")).toBe("wss://bot.example.com:8443/ws");
    expect(webSocketUrlOf("https://example.com/bots/1")).toBe("wss://example.com/bots/1/ws");
    expect(webSocketUrlOf("http://127.0.0.1:7860")).toBe("ws://127.0.0.1:7860/ws");
  });
});
