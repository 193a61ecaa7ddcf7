import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, vi } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import { FrameWriter } from "../../src/call/frame-writer.ts";
import type { Bot } from "../../src/call/index.ts";
import { OutputAudioRawFrame, OutputTransportMessageUrgentFrame } from "../../src/pipecat/index.ts";
import { CallTrace } from "../../src/server/call-trace.ts";
import { createServer } from "../../src/server/index.ts";
import { TraceFile } from "../../src/server/trace-file.ts";
import { MAX_TRACES, Tracer } from "../../src/server/tracer.ts";
import { scriptOf } from "../../src/simulator/index.ts";
import {
  parseTrace,
  type SocketStep,
  TRACE_FORMAT,
  type TraceHeader,
  type TraceStep,
} from "../../src/wavix/trace/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { API_KEY, CALLED, CALLER, it, listener, STREAM_TOKEN_SECRET, WEBHOOK_SECRET } from "../support/open-server.ts";
import { noise } from "../support/signals.ts";

const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const newFolder = () => join(folder, `traces-${++count}`);
const filesIn = (traceDir: string) => readdirSync(traceDir).map((name) => join(traceDir, name));
const read = (file: string) => parseTrace(readFileSync(file));
const onSocket = (steps: readonly TraceStep[], dir: "in" | "out") =>
  steps.filter((step): step is SocketStep & { kind: "text" } => step.kind === "text" && step.dir === dir);
const eventsOf = (steps: readonly { text: string }[]) => steps.map(({ text }) => JSON.parse(text).event as string);
const audioOf = (steps: readonly { text: string }[]) =>
  Buffer.concat(
    steps
      .map(({ text }) => JSON.parse(text))
      .filter(({ event }) => event === "media")
      .map(({ media }) => Buffer.from(media.payload, "base64")),
  );
/** The operator of the server. */
const OPERATOR_TOKEN = "token-of-the-operator";
const ask = (local: string, callId: string, token = OPERATOR_TOKEN) =>
  fetch(`${local}/calls/${callId}/trace`, { method: "POST", headers: { authorization: `Bearer ${token}` } });

describe("a trace", () => {
  it("has every message both ways in order, the call's steps, and nothing of what it must not have", async ({
    open,
  }) => {
    const traceDir = newFolder();
    const bot: Bot = async (call) => {
      await call.send(
        new OutputTransportMessageUrgentFrame({ message: { event: "note", to: CALLER, secret: "Rosa" } }),
      );
      await call.send(new OutputAudioRawFrame({ audio: noise(24_000), sampleRate: 24_000 }));
      await call.waitForPlayout();
      call.interrupt();
    };
    const options = { bot, traceDir, webhookSecret: WEBHOOK_SECRET };
    const { placeCall, log, server, simulator } = await open(options);
    const call = placeCall({ callerAudio: noise(48_000) });
    await log.line("call streaming", call.id);
    for (const raw of ["no JSON", '{"event":"song","from":"+12025550143"}', Buffer.from([0, 255, 7])]) {
      call.sendRaw(raw);
    }
    const report = await call.ended;
    await server.close();

    const [file, ...others] = filesIn(traceDir) as [string];
    expect(others).toEqual([]);
    expect(file).toMatch(new RegExp(`/\\d{8}T\\d{9}Z-${call.id}\\.jsonl$`));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { header, steps, cutOff } = read(file);
    expect(header).toMatchObject({ callId: call.id, audio: false, midCall: false });
    expect(cutOff).toBe(false);

    const incoming = eventsOf(onSocket(steps, "in").filter(({ text }) => text.startsWith("{")));
    expect(incoming.slice(0, 2)).toEqual(["connected", "start"]);
    expect(incoming.filter((event) => event === "media")).toHaveLength(report.sent.packets);
    expect(incoming.filter((event) => event === "mark")).toHaveLength(report.sent.marks);
    expect(incoming).toContain("song");
    expect(incoming.at(-1)).toBe("stop");
    expect(onSocket(steps, "in").map(({ text }) => text)).toContain("xx xxxx");
    expect(steps).toContainEqual({ ms: expect.any(Number), dir: "in", kind: "binary", socket: 1, byteLength: 3 });

    const outgoing = eventsOf(onSocket(steps, "out"));
    expect(outgoing.filter((event) => event === "media")).toHaveLength(report.received.packets);
    expect(outgoing.filter((event) => event !== "media")).toEqual(["note", "mark", "clear"]);
    expect(onSocket(steps, "out").find(({ text }) => text.includes("note"))?.text).toBe(
      '{"event":"note","to":"+11111111111","secret":"xxxx"}',
    );
    for (const { text, cuts } of [...onSocket(steps, "in"), ...onSocket(steps, "out")]) {
      if (text.includes('"media"')) expect(cuts).toMatchObject([{ length: 1280 }]);
    }
    // What it amounts to is what the log says.
    const rest = steps.filter(({ kind }) => kind !== "text" && kind !== "binary");
    expect(
      rest.map((step) => ("event" in step ? step.event : "operation" in step ? step.operation : step.kind)),
    ).toEqual(
      expect.arrayContaining(["call_setup", "ringing", "answered", "answer", "open", "hangUp", "close", "end"]),
    );
    expect(steps.at(-1)).toMatchObject({ kind: "end", endedBy: "bot", reason: "bot-ended", lost: 0 });

    const bytes = readFileSync(file, "latin1");
    const token = (simulator.requests[0] as { body: { stream_url: string } }).body.stream_url
      .split("/")
      .at(-1) as string;
    const numbers = [CALLER, CALLED].map((number) => number.slice(1));
    const secrets = [
      API_KEY,
      WEBHOOK_SECRET,
      STREAM_TOKEN_SECRET,
      token,
      token.split(".")[0],
      ...numbers,
      "Rosa",
      "/ws/",
    ];
    expect(secrets.filter((secret) => bytes.includes(secret as string))).toEqual([]);
    for (const samples of [noise(24_000), noise(48_000)]) {
      const voice = Buffer.from(samples.buffer, 960 * 7, 960).toString("base64");
      for (let at = 0; at + 8 <= voice.length; at += 8) expect(bytes).not.toContain(voice.slice(at, at + 8));
    }
  });

  it("with its audio, played back against a fresh server, gives the same echo sample by sample", async ({ open }) => {
    const first = newFolder();
    const again = newFolder();
    const bot = echoBot({ greetingMs: 0 });
    const behaviour = { losesEveryPacket: 17, repeatsEveryPacket: 23, swapsEveryPacket: 29, numbersAsStrings: true };
    // Where the echo ran dry, its rest of a packet would be filled up: that is a matter of the clock.
    const settings = { bot, traceAudio: true, playoutDelayMs: 500 };
    const recorded = await open({ ...settings, traceDir: first });
    const call = recorded.placeCall({ callerAudio: noise(48_000), hangUpAfterMs: 2_300, behaviour });
    await recorded.log.line("call streaming", call.id);
    call.sendRaw("{");
    await call.ended;
    await recorded.server.close();
    const trace = read(filesIn(first)[0] as string);

    const fresh = await open({ ...settings, traceDir: again });
    const ids = { callId: randomUUID(), streamId: randomUUID() };
    const replayed = fresh.placeCall({ callId: ids.callId, script: scriptOf(trace, ids) });
    // The script closes the socket as the recorded one was closed.
    await fresh.log.line("call ended", ids.callId);
    replayed.hangUp();
    const { received } = await replayed.ended;
    await fresh.server.close();
    const second = read(filesIn(again)[0] as string);

    expect(received).toMatchObject({ mismatchedStreamIds: 0, invalidMessages: 0 });
    const unnamed = (steps: readonly TraceStep[]) =>
      onSocket(steps, "in").map(({ text }) => text.replace(/"(call_id|stream_id)":"[^"]*"/g, ""));
    expect(unnamed(second.steps)).toEqual(unnamed(trace.steps));
    expect(second.steps.find(({ kind }) => kind === "close")).toMatchObject({ dir: "in", code: 1000 });
    const echoes = [trace, second].map(({ steps }) => audioOf(onSocket(steps, "out"))) as [Buffer, Buffer];
    const length = Math.min(...echoes.map((echo) => echo.length));
    // What is still in the playout delay when the caller hangs up depends on the moment.
    expect(Math.max(...echoes.map((echo) => echo.length)) - length).toBeLessThanOrEqual(25 * 960);
    expect(length).toBeGreaterThan(75 * 960);
    expect(echoes[0].subarray(0, length).equals(echoes[1].subarray(0, length))).toBe(true);
    expect(echoes[0].some((byte) => byte !== 0)).toBe(true);
  });

  it("of a call that runs begins when an operator asks for it, and not before", async ({ open }) => {
    const traceDir = newFolder();
    const options = { traceDir, traceCalls: "asked", operatorToken: OPERATOR_TOKEN, bot: echoBot() } as const;
    const { placeCall, log, server, urls } = await open(options);
    const [asked, other] = [placeCall(), placeCall()];
    for (const call of [asked, other]) await log.line("call streaming", call.id);
    expect(filesIn(traceDir)).toEqual([]);
    expect((await ask(urls.local, asked.id, "wrong")).status).toBe(401);
    expect((await ask(urls.local, "nobody")).status).toBe(404);
    const { file } = (await (await ask(urls.local, asked.id)).json()) as { file: string };
    expect(await (await ask(urls.local, asked.id)).json()).toEqual({ file });
    const before = asked.report();
    const direct = vi.spyOn(FrameWriter.prototype, "send");
    await expect.poll(() => asked.report().received.packets).toBeGreaterThan(before.received.packets + 30);
    // A traced call goes the same way as any other.
    expect(new Set(direct.mock.contexts).size).toBe(2);
    direct.mockRestore();
    asked.hangUp();
    other.hangUp();
    await Promise.all([asked.ended, other.ended]);
    await server.close();
    expect(readdirSync(traceDir)).toEqual([file]);
    const { header, steps } = read(join(traceDir, file));
    expect(header).toMatchObject({ callId: asked.id, midCall: true });
    const [incoming, outgoing] = [eventsOf(onSocket(steps, "in")), eventsOf(onSocket(steps, "out"))];
    expect(incoming[0]).toBe("media");
    expect(incoming.filter((event) => event === "media").length).toBeGreaterThan(20);
    // The direct way too, which had been taken before anybody asked.
    expect(outgoing.filter((event) => event === "media").length).toBeGreaterThan(20);
    expect(incoming.at(-1)).toBe("stop");
    expect(steps.at(-1)).toMatchObject({ kind: "end", endedBy: "caller" });
  });

  it("is there for a socket without a token, and for a call that never had one", async ({ open, openWithStub }) => {
    const traceDir = newFolder();
    const { urls, server } = await open({ traceDir, openWs: true });
    const media = await MediaClient.open(urls.webSocket);
    media.start("open-1");
    media.media();
    await media.stop();
    await server.close();
    const [open_] = filesIn(traceDir) as [string];
    expect(eventsOf(onSocket(read(open_).steps, "in"))).toEqual(["connected", "start", "media", "stop"]);

    const refused = newFolder();
    const stub = await openWithStub({ traceDir: refused });
    stub.rest.reply("answer", 403);
    await stub.announce("call-1");
    await stub.log.line("call ended");
    await stub.server.close();
    const { steps } = read(filesIn(refused)[0] as string);
    expect(steps).toMatchObject([
      { dir: "in", kind: "webhook", event: "call_setup" },
      { dir: "out", kind: "rest", operation: "answer", outcome: "forbidden" },
      { kind: "end", endedBy: "server", reason: "answer-failed", lost: 0 },
    ]);
  });
});

describe("the limits of traces", () => {
  const header: TraceHeader = {
    ...{ format: TRACE_FORMAT, version: 1, package: "0.0.0", startedAt: "", audio: false, midCall: false },
  };

  it("a file that is full says so in its last line, and a long one stays below its bound", async () => {
    const path = join(folder, "full.jsonl");
    const file = new TraceFile(path, () => undefined, 4_096);
    const trace = new CallTrace(file, header);
    for (let i = 0; i < 100; i++) trace.webhook("ringing");
    trace.end({ endedBy: "caller", reason: "stop" });
    await trace.close();
    const { steps } = read(path);
    expect(steps.at(-1)).toMatchObject({ kind: "end", lost: 101 - steps.length });
    expect(steps.length).toBeGreaterThan(20);
    expect(statSync(path).size).toBeLessThanOrEqual(4_096);
  });

  it("a disk that is full, and one that is slow, cost lines and nothing else", async ({ open }) => {
    const errors: unknown[] = [];
    const full = new TraceFile("/dev/full", (error) => errors.push(error), undefined, "w");
    full.write({ ms: 0 });
    await expect.poll(() => errors.length).toBe(1);
    full.write({ ms: 1 });
    await full.close();
    expect([full.lost, errors]).toEqual([1, [expect.objectContaining({ code: "ENOSPC" })]]);

    const slow = join(folder, "slow.jsonl");
    const file = new TraceFile(slow, () => undefined);
    // All in one go: nothing is written in between.
    for (let i = 0; i < 200; i++) file.write({ text: "x".repeat(10_000) });
    await file.close((lost) => ({ lost }));
    const lines = readFileSync(slow, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(90);
    expect(lines.length).toBeLessThan(120);
    expect(JSON.parse(lines.at(-1) as string)).toEqual({ lost: 201 - lines.length });

    const traceDir = newFolder();
    const { placeCall, log, server, urls } = await open({ traceDir, bot: echoBot() });
    rmSync(traceDir, { recursive: true });
    const call = placeCall({ hangUpAfterMs: 600 });
    const { received, endedBy } = await call.ended;
    expect(endedBy).toBe("caller");
    expect(received.packets).toBeGreaterThan(10);
    expect(await log.line("trace given up")).toMatchObject({ callId: call.id, error: { code: "ENOENT" } });
    await log.line("call ended", call.id);
    const metrics = await (await fetch(`${urls.local}/metrics`)).text();
    expect(Number(/^wavix_trace_lines_lost_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(40);
    await server.close();
    expect(existsSync(traceDir)).toBe(false);
  });

  it("no call is traced when the folder is full, until there is room again", async ({ open }) => {
    const traceDir = newFolder();
    const { server: first } = await open({ traceDir });
    await first.close();
    for (let i = 0; i < MAX_TRACES; i++) writeFileSync(join(traceDir, `old-${i}.jsonl`), "");
    const { placeCall, urls, log, simulator } = await open({ traceDir, operatorToken: OPERATOR_TOKEN });
    const call = placeCall();
    await log.line("call streaming", call.id);
    expect((await ask(urls.local, call.id)).status).toBe(503);
    expect(await (await fetch(`${urls.local}/metrics`)).text()).toMatch(/^wavix_calls_untraced_total [12]$/m);
    rmSync(join(traceDir, "old-0.jsonl"));
    await expect.poll(async () => (await ask(urls.local, call.id)).status, { timeout: 5_000 }).toBe(200);
    call.hangUp();
    await call.ended;
    expect(simulator.calls).toEqual([]);
    expect(filesIn(traceDir)).toHaveLength(MAX_TRACES);
  });

  it("those that another process puts into the folder count too", async () => {
    const directory = newFolder();
    mkdirSync(directory);
    for (let i = 0; i < MAX_TRACES - 50; i++) writeFileSync(join(directory, `old-${i}.jsonl`), "");
    const options = { directory, calls: "asked", audio: false, onError: () => {} } as const;
    const [one, other] = [await Tracer.open(options), await Tracer.open(options)];
    const begin = (tracer: Tracer) => tracer.follow(randomUUID()).begin();
    for (let i = 0; i < 50; i++) expect(begin(one)).toBeDefined();
    expect(begin(one)).toBeUndefined();
    await expect.poll(() => begin(other), { timeout: 5_000, interval: 200 }).toBeUndefined();
    await Promise.all([one.close(), other.close()]);
  });

  it("a folder that cannot be written is an error before the first call", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const traceDir of [file, join(file, "below"), "/dev/null/traces"]) {
      const server = createServer({ bot: listener, port: 0, logLevel: "silent", traceDir });
      await expect(server.listen()).rejects.toMatchObject({ name: "ServerError", code: "BAD_TRACE_DIR" });
      await expect(server.listen()).rejects.toThrow(/^TRACE_DIR: .* cannot be written \(E[A-Z]+\)$/);
      await server.close();
    }
  });

  it("there is no route for traces without a folder for them", async ({ open }) => {
    const { urls } = await open({ operatorToken: OPERATOR_TOKEN });
    expect((await ask(urls.local, "call-1")).status).toBe(404);
  });
});
