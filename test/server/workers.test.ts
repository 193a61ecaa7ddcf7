import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  compareHeard,
  createWavixSimulator,
  prepareCallerAudio,
  readSpeechRecording,
  type SimulatedCall,
} from "../../src/simulator/index.ts";
import { createStreamTokenSigner } from "../../src/wavix/control/index.ts";
import { parseTrace } from "../../src/wavix/trace/index.ts";
import { MediaClient, SILENCE, upgradeStatus } from "../support/media-client.ts";
import { codesIn, tableRows } from "../support/readme.ts";
import { openRestStub } from "../support/rest-stub.ts";
import { expectSameSamples } from "../support/signals.ts";
import { EXACT_AUDIO, EXACT_BOT, isAlive, WorkerCli } from "../support/worker-cli.ts";

const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const OPERATOR_TOKEN = "token-of-the-operator";
const STREAM_TOKEN_SECRET = "secret-of-the-stream-tokens";
const { samples, sampleRate } = readSpeechRecording();
const speech = prepareCallerAudio(samples.subarray(0, 1.2 * sampleRate), sampleRate);

/** All of the exact audio was heard that there was time for, sample by sample. */
function expectExact({ recording, playout }: Awaited<SimulatedCall["ended"]>, atLeastMs: number): void {
  const { heard } = recording as NonNullable<typeof recording>;
  const first = heard.findIndex((sample) => sample !== 0);
  // What was played a moment before the end may be too late for the recording.
  const length = Math.min(Math.floor((playout.playedMs * 24_000) / 1_000), heard.length - first);
  expect(length).toBeGreaterThan(24 * atLeastMs);
  expectSameSamples(heard.slice(first, first + length), EXACT_AUDIO.slice(0, length));
  expect(playout.gaps).toBe(0);
}

async function post(webhook: string, body: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(webhook, { method: "POST", headers, body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}
const setup = (id: string) => ({ id, event_type: "call_setup", direction: "inbound" });

describe("workers", () => {
  it("carry calls, each the whole of its own; the primary shows them all", async () => {
    await using simulator = await createWavixSimulator();
    const env = { WAVIX_API_BASE: simulator.apiUrl, OPERATOR_TOKEN, CDR: "calls.jsonl", PLAYOUT_DELAY_MS: "160" };
    await using cli = await WorkerCli.start(env);
    const { webhook } = cli;
    const behaviour = { webhookCopies: 2 } as const;
    const place = () => simulator.placeCall({ webhookUrl: webhook, callerAudio: speech, speakAfterMs: 700, behaviour });
    const calls = [place(), place(), place(), place()];
    const owners = await Promise.all(calls.map(({ id }) => cli.ownerOf(id)));
    expect(owners.map(({ worker }) => worker).sort()).toEqual([1, 1, 2, 2]);

    const metric = async (name: string) => {
      const { text } = await cli.get(webhook, "/metrics");
      const line = text.split("\n").find((line) => line.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    };
    expect(await metric("wavix_calls_active")).toBe(4);
    const { text } = await cli.get(webhook, "/metrics");
    const names = [...text.matchAll(/^# TYPE (wavix_workers?_?\w*)/gm)].map(([, name]) => name as string);
    const documented = tableRows(page.split("\n## Workers\n")[1]?.split("\n## ")[0] as string);
    expect(names.sort()).toEqual(documented.map(([name]) => codesIn(name as string)[0]).sort());
    expect(await metric("wavix_workers")).toBe(2);
    expect(await metric("wavix_workers_missing")).toBe(0);
    for (const worker of [1, 2]) expect(await metric(`wavix_worker_calls{worker="${worker}"}`)).toBe(2);
    await expect.poll(() => metric('wavix_packets_total{direction="in"}')).toBeGreaterThan(100);
    expect(await metric("wavix_outbound_lateness_seconds_count")).toBeGreaterThan(20);
    const shown = JSON.parse((await cli.get(webhook, "/calls", OPERATOR_TOKEN)).text).calls;
    expect(shown.map((call: { callId: string; worker: number }) => [call.callId, call.worker]).sort()).toEqual(
      calls.map(({ id }, i) => [id, owners[i]?.worker]).sort(),
    );
    const one = await cli.get(webhook, `/calls/${calls[0]?.id}`, OPERATOR_TOKEN);
    expect(JSON.parse(one.text)).toMatchObject({ callId: calls[0]?.id, state: "streaming" });
    expect((await cli.get(webhook, `/calls/${randomUUID()}`, OPERATOR_TOKEN)).status).toBe(404);

    await new Promise((resolve) => setTimeout(resolve, speech.durationMs + 700));
    for (const call of calls) call.hangUp();
    const reports = await Promise.all(calls.map((call) => call.ended));
    for (const { recording, playout, received } of reports) {
      const { said, heard, sampleRate } = recording as NonNullable<typeof recording>;
      expect(compareHeard({ said, heard, sampleRate, ignoreHeardBeforeMs: 650 }).similarity).toBeGreaterThan(0.98);
      expect([playout.gaps, received.invalidMessages]).toEqual([0, 0]);
    }
    // Two copies of each webhook: one call each.
    expect(simulator.requests.map(({ operation }) => operation)).toEqual(calls.map(() => "answerCall"));
    await expect.poll(() => metric("wavix_calls_active")).toBe(0);
    expect(cli.records.map(({ callId }) => callId).sort()).toEqual(calls.map(({ id }) => id).sort());
    const sent = cli.records.reduce((sum, { packetsIn }) => sum + Number(packetsIn), 0);
    expect(await metric('wavix_packets_total{direction="in"}')).toBe(sent);
    expect(await metric('wavix_calls_total{ended_by="caller",reason="stop"}')).toBe(4);
    cli.kill("SIGTERM");
    expect(await cli.exit).toBe(0);
    await cli.expectGone();
  });

  it("let in whom the primary lets in: by token, once, and as many as there is room for", async () => {
    const rest = await openRestStub();
    const env = { WAVIX_API_BASE: rest.url, MAX_CALLS: "3", OPEN_WS: "1", STREAM_TOKEN_SECRET };
    await using cli = await WorkerCli.start(env);
    const { webhook } = cli;
    for (const id of ["call-1", "call-2", "call-3"]) expect(await post(webhook, setup(id))).toEqual({ accepted: true });
    expect(await post(webhook, setup("call-4"))).toEqual({ accepted: false, reason: "capacity" });
    expect(await post(webhook, setup("call-2"))).toEqual({ accepted: true, reason: "duplicate" });
    const [url, other] = [await rest.streamUrl("call-1"), await rest.streamUrl("call-2")];
    const origin = url.slice(0, url.lastIndexOf("/"));
    const sign = (callId: string, secret = STREAM_TOKEN_SECRET) =>
      `${origin}/${createStreamTokenSigner({ secret, ttlMs: 10_000 }).sign(callId)}`;
    expect(await upgradeStatus(sign("call-1", "another secret of 16 bytes"))).toBe(401);
    expect(await upgradeStatus(sign("call-9"))).toBe(401);
    expect(await upgradeStatus(origin)).toBe(503);

    // Until it has said `start`, a newer one takes its place.
    const first = await MediaClient.open(url);
    const media = await MediaClient.open(url);
    expect(await first.closed).toBe(1000);
    media.start("call-1");
    await cli.ownerOf("call-1");
    for (const again of [url, sign("call-1")]) expect(await upgradeStatus(again)).toBe(401);
    expect(media.socket.readyState).toBe(1);

    // What Wavix says of a call reaches the one who has it.
    const second = await MediaClient.open(other);
    second.start("call-2");
    await cli.ownerOf("call-2");
    await post(webhook, { id: "call-1", event_type: "completed" });
    await media.stop();
    await post(webhook, { id: "call-3", event_type: "cancelled" });
    const reasonOf = (callId: string) => cli.line((line) => line.msg === "call ended" && line.callId === callId);
    expect(await reasonOf("call-1")).toMatchObject({ endedBy: "caller" });
    expect(await reasonOf("call-3")).toMatchObject({ endedBy: "caller", reason: "cancelled" });
    expect(second.socket.readyState).toBe(1);
    expect(await post(webhook, setup("call-1"))).toEqual({ accepted: false, reason: "over" });

    // Open sockets count too, also those of which nothing came.
    const open = await MediaClient.open(origin);
    open.start("call-of-whoever");
    const handshakeOnly = connect({ port: Number(new URL(webhook).port), host: "127.0.0.1" });
    handshakeOnly.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    const [head] = await new Promise<[Buffer]>((resolve) => handshakeOnly.once("data", (data) => resolve([data])));
    expect(head.toString()).toMatch(/^HTTP\/1.1 400 /);
    await open.stop();
    await expect
      .poll(async () => JSON.parse((await cli.get(webhook, "/health")).text))
      .toEqual({ status: "ok", calls: 1 });
    expect(rest.count("hangUp")).toBe(0);
    await post(webhook, { id: "call-2", event_type: "completed" });
    await second.stop();

    // Whoever dies while it answers may have answered.
    rest.reply("answer", () => undefined, "call-5");
    await post(webhook, setup("call-5"));
    await rest.seen("answer", "call-5");
    const { pid } = await cli.line((line) => line.msg === "call offered" && line.callId === "call-5");
    cli.kill("SIGKILL", pid as number);
    expect(await reasonOf("call-5")).toMatchObject({ endedBy: "server", reason: "worker-died" });
    expect([rest.count("hangUp", "call-5"), rest.count("hangUp")]).toEqual([1, 1]);
    cli.kill("SIGINT");
    expect(await cli.exit).toBe(0);
    const secrets = [STREAM_TOKEN_SECRET, url.slice(origin.length + 1)];
    expect(secrets.filter((secret) => cli.output.includes(secret))).toEqual([]);
    await rest.close();
  });

  it("lose nothing that a caller says while its socket changes hands", async () => {
    const rest = await openRestStub();
    await using cli = await WorkerCli.start({ WAVIX_API_BASE: rest.url });
    const { webhook } = cli;
    const media = { event: "media", media: { payload: SILENCE, track: "inbound" } };
    const callIds = ["call-1", "call-2", "call-3", "call-4", "call-5"];
    for (const callId of callIds) {
      await post(webhook, setup(callId));
      const { pathname, port } = new URL(await rest.streamUrl(callId));
      const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
      socket.on("error", () => undefined).resume();
      const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`);
      // Not waiting for the answer, as nobody should.
      for (let i = 0; i < 40; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        socket.write(clientFrame(JSON.stringify(media)));
      }
      await cli.ownerOf(callId);
      socket.end(clientFrame(JSON.stringify({ event: "stop" })));
    }
    for (const callId of callIds) {
      const ended = await cli.line((line) => line.msg === "call ended" && line.callId === callId);
      expect(ended).toMatchObject({ reason: "stop", packetsIn: 40 });
    }
    await rest.close();
  });

  it("trace a call when an operator asks for it, whichever has it, and an open socket by the name it gave itself", async () => {
    const rest = await openRestStub();
    const traces = { TRACE_DIR: "traces", TRACE_CALLS: "asked", OPERATOR_TOKEN, OPEN_WS: "1" };
    await using cli = await WorkerCli.start({ WAVIX_API_BASE: rest.url, ...traces });
    const clients: MediaClient[] = [];
    for (const callId of ["call-1", "call-2"]) {
      await post(cli.webhook, setup(callId));
      clients.push(await MediaClient.open(await rest.streamUrl(callId)));
      clients.at(-1)?.start(callId);
    }
    const owners = [await cli.ownerOf("call-1"), await cli.ownerOf("call-2")];
    expect(owners.map(({ worker }) => worker).sort()).toEqual([1, 2]);
    const open = await MediaClient.open(new URL("/ws", cli.webhook.replace("http", "ws")).href);
    open.start("open-1");
    await expect
      .poll(async () => (await cli.get(cli.webhook, "/calls/open-1", OPERATOR_TOKEN)).status, { interval: 50 })
      .toBe(200);
    const ask = async (callId: string, token = OPERATOR_TOKEN) => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(new URL(`/calls/${callId}/trace`, cli.webhook), { method: "POST", headers });
      return { status: response.status, ...((await response.json()) as { file?: string; error?: string }) };
    };
    expect((await ask("call-1", "another token of 16 bytes")).status).toBe(401);
    expect(await ask("call-3")).toEqual({ status: 404, error: "no such call" });
    for (const callId of ["call-2", "open-1"]) {
      const { status, file = "" } = await ask(callId);
      expect(status).toBe(200);
      expect(await ask(callId)).toEqual({ status, file });
      await expect
        .poll(() => parseTrace(readFileSync(join(cli.folder, "traces", file))).header, { interval: 50 })
        .toMatchObject({ midCall: true });
    }
    expect(readdirSync(join(cli.folder, "traces"))).toHaveLength(2);
    for (const callId of ["call-1", "call-2"]) await post(cli.webhook, { id: callId, event_type: "completed" });
    await Promise.all([...clients, open].map((client) => client.stop()));
    cli.kill("SIGTERM");
    expect(await cli.exit).toBe(0);
    await rest.close();
  });

  it("die alone: their calls are hung up once, the others' go on sample by sample, and a new one takes over", async () => {
    await using simulator = await createWavixSimulator();
    const env = { WAVIX_API_BASE: simulator.apiUrl, CDR: "calls.jsonl", SEND_AHEAD_MS: "1000" };
    await using cli = await WorkerCli.start(env, { bot: EXACT_BOT });
    const place = () => simulator.placeCall({ webhookUrl: cli.webhook });
    const calls = [place(), place(), place(), place()];
    const owners = await Promise.all(calls.map(({ id }) => cli.ownerOf(id)));
    const lost = calls.filter((_, i) => owners[i]?.worker === 1);
    const safe = calls.filter((_, i) => owners[i]?.worker === 2);
    expect([lost.length, safe.length]).toEqual([2, 2]);
    const killed = owners.find(({ worker }) => worker === 1) as { pid: number };
    cli.kill("SIGKILL", killed.pid);
    for (const report of await Promise.all(lost.map((call) => call.ended))) {
      expect(report).toMatchObject({ endedBy: "rest", hungUpOverRest: true, closedBy: "cut" });
    }
    const deleted = () => simulator.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path);
    expect(deleted().sort()).toEqual(lost.map(({ id }) => `/v1/calls/${id}`).sort());
    const { workerPid } = await cli.line(({ msg, worker, workerPid }) => {
      return msg === "worker ready" && worker === 1 && workerPid !== killed.pid;
    });
    const fresh = place();
    expect(await cli.ownerOf(fresh.id)).toEqual({ worker: 1, pid: workerPid });
    expect(cli.lines.find(({ msg }) => msg === "worker died")).toMatchObject({ worker: 1, calls: 2 });

    // Calls are heard for as long as they last, less what is on its way at the end: a second more than is looked at.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (const call of [...safe, fresh]) call.hangUp();
    for (const call of safe) expectExact(await call.ended, 2_000);
    expectExact(await fresh.ended, 1_000);
    expect((await cli.get(cli.webhook, "/metrics")).text).toContain("\nwavix_worker_restarts_total 1\n");
    cli.kill("SIGTERM");
    expect(await cli.exit).toBe(0);
    const died = cli.records.filter(({ reason }) => reason === "worker-died");
    expect(died.map(({ callId }) => callId).sort()).toEqual(lost.map(({ id }) => id).sort());
    expect(cli.records).toHaveLength(5);
    expect(deleted()).toHaveLength(2);
  });

  it("hang their calls up and go when the primary is gone", async () => {
    await using simulator = await createWavixSimulator();
    await using cli = await WorkerCli.start({ WAVIX_API_BASE: simulator.apiUrl });
    const calls = [1, 2].map(() => simulator.placeCall({ webhookUrl: cli.webhook }));
    for (const { id } of calls) await cli.ownerOf(id);
    expect(cli.workerPids.filter(isAlive)).toHaveLength(2);
    cli.kill("SIGKILL");
    for (const call of calls) expect((await call.ended).hungUpOverRest).toBe(true);
    expect(simulator.requestCount("hangUp")).toBe(2);
    await cli.expectGone();
  });
});

describe("signals", () => {
  it("the first lets calls go on, the second ends them; workers that get them too do not mind", async () => {
    await using simulator = await createWavixSimulator();
    const env = { WAVIX_API_BASE: simulator.apiUrl, CDR: "calls.jsonl", DRAIN_SECONDS: "30" };
    await using cli = await WorkerCli.start(env, { bot: EXACT_BOT });
    const place = () => simulator.placeCall({ webhookUrl: cli.webhook });
    const calls = [place(), place()];
    const owners = await Promise.all(calls.map(({ id }) => cli.ownerOf(id)));
    // As Ctrl-C does.
    for (const pid of [cli.pid, ...cli.workerPids]) cli.kill("SIGINT", pid);
    await cli.says(/^stopping: 2 call\(s\) may go on for 30 s; press Ctrl-C again to end them now$/);
    expect((await cli.get(cli.webhook, "/readyz")).status).toBe(503);
    expect(await post(cli.webhook, setup(randomUUID()))).toEqual({ accepted: false, reason: "draining" });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    calls[0]?.hangUp();
    expectExact(await (calls[0] as SimulatedCall).ended, 400);
    expect([calls[1]?.state, ...owners.map(({ pid }) => isAlive(pid))]).toEqual(["answered", true, true]);
    // Any of the two, whichever came first.
    for (const pid of [cli.pid, ...cli.workerPids]) cli.kill("SIGTERM", pid);
    expect((await (calls[1] as SimulatedCall).ended).hungUpOverRest).toBe(true);
    expect(await cli.exit).toBe(0);
    await cli.expectGone();
    expect(cli.records.map(({ reason }) => reason)).toEqual(["stop", "shutdown"]);
    expect([cli.errors, cli.output.match(/^stopping/gm)?.length]).toEqual(["", 1]);
  });
});

describe.concurrent("a bot that cannot be loaded", () => {
  it.for([
    ['throw new Error("no model\\nin this folder");', 1, "--bot ./bot.mjs cannot be loaded: Error: no model"],
    ["export default 7;", 2, "--bot ./bot.mjs: its default export must be a bot"],
  ] as const)("ends the start with a line: %s", async ([bot, code, line], { expect }) => {
    await using cli = new WorkerCli({}, { bot });
    expect(await cli.exit).toBe(code);
    expect(cli.errors).toBe(`pipecat-wavix start: ${line}\n`);
    expect(cli.output).not.toContain("worker ready");
  });
});

/** A text message as a client sends it, masked with zeros. */
function clientFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const length = body.length < 126 ? [body.length | 0x80] : [126 | 0x80, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), body]);
}
