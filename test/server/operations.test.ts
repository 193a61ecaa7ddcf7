import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import type { Bot } from "../../src/call/index.ts";
import { settingNames } from "../../src/server/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { it } from "../support/open-server.ts";
import { metric, scrape } from "../support/operations.ts";
import { codesIn, section, tableRows } from "../support/readme.ts";

const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const chapter = (title: string) => page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] as string;
const OPERATOR_TOKEN = "token-of-the-operator";

describe("/metrics", () => {
  it("has the figures of running calls and of those that have ended, and they only rise", async ({ open }) => {
    const { placeCall, urls, log } = await open({ bot: echoBot() });
    const [first, second] = [placeCall(), placeCall()];
    for (const { id } of [first, second]) await log.line("call streaming", id);
    const packets = (direction: string) => metric(urls, `wavix_packets_total{direction="${direction}"}`);
    for (const direction of ["in", "out"]) await expect.poll(() => packets(direction)).toBeGreaterThan(10);
    expect(await metric(urls, "wavix_calls_active")).toBe(2);
    expect(await metric(urls, "wavix_calls_limit")).toBe(500);
    const before = await packets("in");
    first.hangUp();
    await first.ended;
    const line = await log.line("call ended", first.id);
    expect(await packets("in")).toBeGreaterThanOrEqual(before as number);
    expect(await metric(urls, "wavix_calls_active")).toBe(1);
    expect(await metric(urls, `wavix_calls_total{ended_by="caller",reason="${line.reason}"}`)).toBe(1);
    const lateness = await metric(urls, "wavix_outbound_lateness_seconds_count");
    expect(lateness).toBeGreaterThan(1);
    expect(await metric(urls, 'wavix_outbound_lateness_seconds_bucket{le="+Inf"}')).toBeGreaterThanOrEqual(
      lateness as number,
    );
    const inTime = await metric(urls, 'wavix_outbound_lateness_seconds_bucket{le="0"}');
    expect(inTime).toBeGreaterThan(0);
    second.hangUp();
    await second.ended;
    const lines = [line, await log.line("call ended", second.id)];
    const sum = lines.reduce((total, { packetsIn }) => total + Number(packetsIn), 0);
    expect(await packets("in")).toBe(sum);
  });

  it("has no label that a bot or a caller can make up", async ({ openWithStub }) => {
    const bot: Bot = (call) => call.hangUp(`made up for ${call.callId}`);
    const { announce, rest, urls, log } = await openWithStub({ bot });
    for (let i = 0; i < 3; i++) {
      await announce(`call-${i}`);
      const media = await MediaClient.open(await rest.streamUrl(`call-${i}`));
      media.start(`call-${i}`);
      media.send({ event: `made-up-${i}` });
      await rest.seen("hangUp", `call-${i}`);
      await media.stop();
      await log.line("call ended", `call-${i}`);
    }
    expect(await metric(urls, 'wavix_calls_total{ended_by="bot",reason="other"}')).toBe(3);
    expect(await scrape(urls)).not.toMatch(/made.up|call-\d/);
  });

  it("is what docs/operations.md says, and of the process", async ({ openWithStub }) => {
    const { urls, post } = await openWithStub({ webhookSecret: "not-for-metrics" });
    await post({}, `${urls.local}/wavix/inbound/wrong`);
    const text = await scrape(urls);
    const names = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name as string);
    const documented = tableRows(chapter("Metrics")).map(([name]) => codesIn(name as string)[0]);
    expect(names.filter((name) => name.startsWith("wavix_")).sort()).toEqual([...documented].sort());
    expect(names.filter((name) => name.startsWith("nodejs_")).length).toBeGreaterThan(5);
    expect(new Set(names).size).toBe(names.length);
    expect(text).not.toContain("not-for-metrics");
  });

  it("costs nothing before it is asked for", () => {
    const server = new URL("../../dist/server/index.js", import.meta.url).href;
    const program = `
      import { createRequire } from "node:module";
      import { createServer } from ${JSON.stringify(server)};
      const { cache } = createRequire(${JSON.stringify(server)});
      const loaded = () => Object.keys(cache).some((file) => file.includes("prom-client"));
      const server = createServer({ bot: () => {}, port: 0, logLevel: "silent" });
      const { local } = await server.listen();
      await fetch(local + "/readyz");
      const before = loaded();
      await fetch(local + "/metrics");
      console.log(before, loaded());
      await server.close();`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(stdout).toBe("false true\n");
  });
});

describe("/calls", () => {
  const asked = async (url: string, token?: string) => {
    const response = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: (await response.json()) as { calls?: unknown[] } };
  };

  it("is not there without a token", async ({ openWithStub }) => {
    const { urls } = await openWithStub();
    for (const path of ["/calls", "/calls/call-1"]) {
      expect(await asked(urls.local + path, "undefined")).toEqual({ status: 404, body: { error: "not found" } });
    }
  });

  it("shows an operator the calls, from the first webhook on", async ({ openWithStub }) => {
    const opened = await openWithStub({ operatorToken: OPERATOR_TOKEN, openWs: true });
    const { announce, rest, urls, post, log } = opened;
    const calls = `${urls.local}/calls`;
    for (const wrong of [undefined, "", "token-of-the-operato", `${OPERATOR_TOKEN}x`]) {
      for (const url of [calls, `${calls}/call-1`]) expect((await asked(url, wrong)).status).toBe(401);
    }
    expect((await asked(calls, OPERATOR_TOKEN)).body).toEqual({ calls: [] });
    let reply = () => {};
    rest.reply("answer", (response) => {
      reply = () => response.end('{"success":true}');
    });
    await announce("call-1");
    await rest.seen("answer");
    const one = async () => (await asked(`${calls}/call-1`, OPERATOR_TOKEN)).body;
    expect(await one()).toMatchObject({ callId: "call-1", state: "answering" });
    reply();
    await log.line("call answered");
    expect(await one()).toMatchObject({ state: "waiting" });
    const media = await MediaClient.open(await rest.streamUrl());
    media.start("call-1");
    await log.line("call streaming");
    media.media();
    await expect.poll(one).toMatchObject({ state: "streaming", streamId: "stream-1", packetsIn: 1, drops: {} });
    const open = await MediaClient.open(urls.webSocket);
    open.start("open-1");
    await expect.poll(async () => (await asked(`${calls}/open-1`, OPERATOR_TOKEN)).status).toBe(200);
    const all = await asked(calls, OPERATOR_TOKEN);
    expect(all.body.calls).toHaveLength(2);
    expect(JSON.stringify(all.body)).not.toContain("+1202555");
    await open.stop();
    await post({ id: "call-1", event_type: "completed" });
    await media.stop();
    await log.line("call ended", "call-1");
    expect((await asked(`${calls}/call-1`, OPERATOR_TOKEN)).status).toBe(404);
  });
});

describe("docs/operations.md", () => {
  it("names every setting, with its default, and no other", () => {
    const named = codesIn(page.replace(/```[\s\S]*?```/g, "")).flatMap(
      (code) => /^([A-Z][A-Z_]+)(?:=|$)/.exec(code)?.[1] ?? [],
    );
    expect(named.filter((name) => !settingNames.includes(name))).toEqual([]);
    expect(settingNames.filter((name) => !named.includes(name))).toEqual([]);
    const inReadme = new Map(tableRows(section("Settings")).map(([name, value]) => [name, value]));
    const limits = tableRows(chapter("Limits"));
    expect(limits.length).toBeGreaterThan(10);
    for (const [name, value] of limits) expect([name, value]).toEqual([name, inReadme.get(name as string)]);
  });
});
