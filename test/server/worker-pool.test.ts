import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { it as base, describe, expect } from "vitest";
import WebSocket from "ws";
import { DURATION_BUCKETS_MS } from "../../src/server/bot-durations.ts";
import { noFigures } from "../../src/server/figures.ts";
import { createServer, defaultSettings, type ServerSettings } from "../../src/server/index.ts";
import { BackOff } from "../../src/server/workers/back-off.ts";
import { chooseWorker } from "../../src/server/workers/choose.ts";
import { createWorkerServer } from "../../src/server/workers/index.ts";
import type { PoolLimits } from "../../src/server/workers/limits.ts";
import { WorkerPool } from "../../src/server/workers/pool.ts";
import { parseFromWorker, parseToWorker } from "../../src/server/workers/protocol.ts";
import { createWavixSimulator } from "../../src/simulator/index.ts";
import { WavixRestClient } from "../../src/wavix/control/index.ts";
import { activeResources, expectNothingLeft } from "../support/leaks.ts";
import { LogCapture } from "../support/log-capture.ts";
import { MediaClient } from "../support/media-client.ts";
import { listener } from "../support/open-server.ts";
import { metric, scrape } from "../support/operations.ts";
import { openRestStub } from "../support/rest-stub.ts";
import { isAlive } from "../support/worker-cli.ts";

const WORKER = new URL("../../dist/cli/worker.js", import.meta.url).pathname;
/** Workers log for themselves: they are to be silent here. */
const settings: ServerSettings = { ...defaultSettings, port: 0, workers: 2, logLevel: "silent" };

/** A folder for the test's files; after the test nothing is left running. */
const it = base.extend<{ file: (name: string, text: string) => string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from it that this needs nothing else
  file: async ({}, use) => {
    const before = activeResources();
    const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
    await use((name, text) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    rmSync(folder, { recursive: true });
    await expectNothingLeft(before);
  },
});

const alive = (log: LogCapture) =>
  log.lines.flatMap(({ msg, workerPid }) =>
    msg === "worker ready" && isAlive(workerPid as number) ? [workerPid] : [],
  );

describe("the choice of a worker", () => {
  const worker = fc.record({ ready: fc.boolean(), callCount: fc.nat(5), delayMs: fc.nat(5) });

  it("is one that is ready and in time with the fewest calls, as long as there is one", () => {
    fc.assert(
      fc.property(fc.array(worker, { maxLength: 6 }), fc.nat(4), (workers, maxDelayMs) => {
        const chosen = chooseWorker(workers, maxDelayMs);
        const ready = workers.filter((one) => one.ready);
        const inTime = ready.filter(({ delayMs }) => maxDelayMs === 0 || delayMs <= maxDelayMs);
        if (ready.length === 0) expect(chosen).toBeUndefined();
        else if (inTime.length === 0) expect(chosen?.delayMs).toBe(Math.min(...ready.map(({ delayMs }) => delayMs)));
        else {
          expect(inTime).toContain(chosen);
          expect(chosen?.callCount).toBe(Math.min(...inTime.map(({ callCount }) => callCount)));
        }
      }),
    );
  });
});

describe("the back-off", () => {
  it("replaces at once what had lived, and waits longer and longer for what dies at its start", () => {
    const backOff = new BackOff();
    const waits = Array.from({ length: 12 }, () => backOff.nextMs(0));
    expect(waits.slice(0, 5)).toEqual([0, 200, 400, 800, 1_600]);
    expect(waits.at(-1)).toBe(30_000);
    expect([backOff.nextMs(60_000), backOff.nextMs(0)]).toEqual([0, 200]);
  });
});

describe("what primary and worker say to each other", () => {
  it("is understood, or not there: never an exception", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ type: fc.string() }), fc.jsonValue()), (junk) => {
        expect(parseFromWorker(junk)).toBeUndefined();
        expect(parseToWorker(junk)).toBeUndefined();
      }),
    );
    const types = fc.constantFrom("setup", "begin", "event", "socket", "end-all", "ask", "beat", "ended", "answer");
    const fields = fc.record({ key: fc.anything(), call: fc.anything(), health: fc.anything(), id: fc.anything() });
    fc.assert(
      fc.property(types, fields, (type, rest) => {
        parseFromWorker({ type, ...rest });
        parseToWorker({ type, ...rest });
      }),
    );
    expect(parseFromWorker({ type: "ended", key: "call-1", record: { reason: "stop" } })).toBeUndefined();
    const answer = (botEvents: object) =>
      parseFromWorker({ type: "answer", id: 1, figures: { ...noFigures(), botEvents } });
    const many = (length: number) => Object.fromEntries(Array.from({ length }, (_, at) => [`event_${at}`, at]));
    expect([answer({ calls: 1 }), answer(many(100))]).not.toContain(undefined);
    for (const bad of [{ calls: -1 }, { calls: "1" }, { "a label": 1 }, many(101)]) expect(answer(bad)).toBeUndefined();
    const reported = (botDurations: object) =>
      parseFromWorker({ type: "answer", id: 1, figures: { ...noFigures(), botDurations } });
    const counts = new Array(DURATION_BUCKETS_MS.length + 1).fill(1);
    const durations = { counts, sumMs: 5 };
    const each = (length: number, name: string, value: object) =>
      Object.fromEntries(Array.from({ length }, (_, at) => [`${name}${at}_Ms`, value]));
    const reports = (length: number) =>
      Object.fromEntries(Array.from({ length }, (_, at) => [`turn_${at}`, each(20, "figure", durations)]));
    expect([reported({ turn: { answerMs: durations } }), reported(reports(20))]).not.toContain(undefined);
    for (const bad of [
      ...[reports(21), { turn: each(21, "figure", durations) }, { "a label": { answerMs: durations } }],
      ...[{ turn: { "a labelMs": durations } }, { turn: { answer: durations } }, { turn: { answerMs: 5 } }],
      { turn: { answerMs: { counts, sumMs: -1 } } },
      { turn: { answerMs: { counts: [...counts, 1], sumMs: 5 } } },
      { turn: { answerMs: { counts: counts.with(0, Number.NaN), sumMs: 5 } } },
    ]) {
      expect(reported(bad)).toBeUndefined();
    }
    expect(parseToWorker({ type: "begin", call: { callId: "../x", streamUrl: "ws://x" } })).toBeUndefined();
    expect(parseToWorker({ type: "begin", call: { callId: "x", streamUrl: "ws://x" } })).toBeDefined();
  });

  it("counts only of calls that a worker has, whatever it says", async ({ file }) => {
    const exec = file(
      "liar.mjs",
      `const record = { startedAt: "", endedAt: "", endedBy: "bot", reason: "lie", durationMs: 1 };
      const token = { tokenId: "t", expiresAtMs: 1 };
      process.on("message", ({ type, call }) => {
        if (type === "setup") for (const junk of [7, null, "ready", {}, { type: "ready", x: 1 }]) process.send(junk);
        if (type === "exit") process.disconnect();
        if (call?.callId !== "call-2") return;
        process.send({ type: "token-used", key: "call-1", token });
        process.send({ type: "ended", key: "call-1", record });
        process.send({ type: "ended", key: "call-3", record });
        process.send({ type: "ended", key: "call-2", record });
      });
      process.send({ type: "hello" });`,
    );
    const ended: string[] = [];
    const used: string[] = [];
    let done = () => {};
    const told = new Promise<void>((resolve) => {
      done = resolve;
    });
    const pool = new WorkerPool({
      limits: { beatMs: 20, hungAfterBeats: 1_000 },
      ...{ settings, exec, init: null, log: pino({ level: "silent" }), rest: new WavixRestClient() },
      events: {
        tokenUsed: (callId) => used.push(callId),
        ended: (key) => {
          ended.push(key);
          done();
        },
      },
    });
    await pool.start();
    for (const callId of ["call-1", "call-2"]) pool.begin({ callId, streamUrl: "ws://127.0.0.1/" });
    expect([...pool.workers].map(({ keys }) => [...keys])).toEqual([["call-1"], ["call-2"]]);
    await told;
    expect([ended, used, pool.size, pool.has("call-1"), pool.awaitsSocket("call-1")]).toEqual([
      ...[["call-2"], [], 1, true, true],
    ]);
    // It has never said how it is: that is late.
    await expect.poll(() => pool.sustainedDelayMs, { interval: 20 }).toBeGreaterThan(60);
    await pool.close();
  });
});

describe("a worker that hangs", () => {
  it("is killed and replaced; the others' calls do not notice", async ({ file }) => {
    const bot = file(
      "bot.mjs",
      `export default async (call) => {
        if (call.from === "+12025550111") for (;;);
        await call.closed;
      };`,
    );
    await using simulator = await createWavixSimulator();
    const log = new LogCapture();
    const server = createWorkerServer({
      settings: { ...settings, wavixApiBase: simulator.apiUrl, operatorToken: "token-of-the-operator" },
      exec: WORKER,
      init: [{ flag: "bot", name: "./bot.mjs", file: bot }],
      logger: pino({}, log),
      limits: { beatMs: 100, hungAfterBeats: 20, askMs: 200 },
    });
    const urls = await server.listen();
    const well = simulator.placeCall({ webhookUrl: urls.webhook });
    await well.streaming;
    const hanging = simulator.placeCall({ webhookUrl: urls.webhook, from: "+12025550111" });
    await hanging.streaming;
    await expect.poll(() => metric(urls, "wavix_workers_missing"), { timeout: 5_000 }).toBe(1);
    const headers = { authorization: "Bearer token-of-the-operator" };
    const shown = async (path: string) => (await fetch(urls.local + path, { headers })).json();
    expect(await shown("/calls")).toMatchObject({ calls: [{ callId: well.id, worker: 1 }], workersMissing: 1 });
    expect(await shown(`/calls/${hanging.id}`)).toMatchObject({ workersMissing: 1 });
    // It will not do what it is told, but the call ends.
    expect(await server.hangUp(hanging.id)).toBe(true);
    expect(await server.hangUp("nobody")).toBe(false);
    expect(await hanging.ended).toMatchObject({ hungUpOverRest: true, closedBy: "cut" });
    expect(await log.line("worker died")).toMatchObject({ worker: 2, calls: 1, why: "a worker was killed by SIGKILL" });
    expect(await log.line("call ended")).toMatchObject({ callId: hanging.id, reason: "worker-died" });
    await expect.poll(() => metric(urls, "wavix_workers"), { timeout: 5_000 }).toBe(2);
    expect(await metric(urls, "wavix_worker_restarts_total")).toBe(1);
    expect(await metric(urls, 'wavix_calls_total{ended_by="server",reason="worker-died"}')).toBe(1);
    expect(await metric(urls, "wavix_workers_missing")).toBe(0);
    expect([well.state, simulator.requestCount("hangUp"), server.callCount]).toEqual(["answered", 1, 1]);
    await server.close();
    expect((await well.ended).hungUpOverRest).toBe(true);
    expect(simulator.requestCount("hangUp")).toBe(2);
    expect(alive(log)).toEqual([]);
  });
});

/** The only worker of a server, which hangs as soon as the stream of `call-1` starts; other calls wait for their sockets. */
async function openHanging(file: (name: string, text: string) => string, limits: Partial<PoolLimits>) {
  const rest = await openRestStub();
  const log = new LogCapture();
  const bot = file("bot.mjs", 'export default (call) => { if (call.callId === "call-1") for (;;); };');
  const server = createWorkerServer({
    settings: { ...settings, workers: 1, wavixApiBase: rest.url },
    ...{ exec: WORKER, init: [{ flag: "bot", name: "./bot.mjs", file: bot }], logger: pino({}, log) },
    limits: { ...limits, askMs: 200 },
  });
  const urls = await server.listen();
  const streamUrls: string[] = [];
  for (const id of ["call-1", "call-2", "call-3", "call-4"]) {
    const body = JSON.stringify({ id, event_type: "call_setup", direction: "inbound" });
    await fetch(urls.webhook, { method: "POST", headers: { "content-type": "application/json" }, body });
    streamUrls.push(await rest.streamUrl(id));
  }
  const [first, ...others] = streamUrls as [string, ...string[]];
  const media = await MediaClient.open(first);
  media.start("call-1");
  await expect.poll(() => metric(urls, "wavix_workers_missing"), { timeout: 5_000 }).toBe(1);
  return { server, rest, log, media, others };
}

describe("a worker that hangs with sockets on their way to it", () => {
  it("leaves none of them behind", async ({ file }) => {
    const { server, rest, log, media, others } = await openHanging(file, { beatMs: 100, hungAfterBeats: 30 });
    // It has no time for their handshakes; the first is on its way, the others wait for it to be taken.
    const cut = others.map((url) => new Promise((resolve) => new WebSocket(url).once("error", resolve)));
    await log.line("worker died");
    await Promise.all(cut);
    expect(await media.closed).toBe(1006);
    await server.close();
    expect(rest.count("hangUp")).toBe(4);
    await rest.close();
  });
});

describe("a hang-up from outside", () => {
  it("reaches the worker that has the call, by its id, or by the one an open socket goes by", async ({ file }) => {
    const bot = file(
      "bot.mjs",
      `import { OutputAudioRawFrame } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
      export default async (call) => {
        await call.send(new OutputAudioRawFrame({ audio: new Int16Array(24_000).fill(1_000), sampleRate: 24_000 }));
        await call.closed;
      };`,
    );
    const ends = file("ends.txt", "");
    await using simulator = await createWavixSimulator();
    const server = createWorkerServer({
      settings: { ...settings, wavixApiBase: simulator.apiUrl, openWs: true, cdr: ends },
      ...{ exec: WORKER, init: [{ flag: "bot", name: "./bot.mjs", file: bot }], logger: pino({ level: "silent" }) },
    });
    const urls = await server.listen();
    const [first, second] = [1, 2].map(() => simulator.placeCall({ webhookUrl: urls.webhook }));
    await Promise.all([first?.streaming, second?.streaming]);
    const media = await MediaClient.open(urls.webSocket);
    media.start("open-1");
    await media.message("media");
    expect(await server.hangUp("nobody")).toBe(false);
    const asked = ["open-1", first?.id, first?.id].map((id) => server.hangUp(id as string, "had-enough"));
    expect(await Promise.all(asked)).toEqual([true, true, true]);
    // The bot has said a second at once, and all of it is heard.
    expect((await first?.ended)?.playout).toMatchObject({ playedMs: expect.closeTo(1_000, 3), unheardMs: 0 });
    // The caller knows before the worker has said so.
    await expect.poll(() => server.hangUp(first?.id as string)).toBe(false);
    expect([second?.state, simulator.requestCount("hangUp")]).toEqual(["answered", 1]);
    expect(await media.closed).toBe(1000);
    await server.close();
    await second?.ended;
    const records = readFileSync(ends, "utf8").trimEnd().split("\n");
    const reasons = records.map((line) => JSON.parse(line)).map((one) => `${one.callId} ${one.endedBy} ${one.reason}`);
    expect(reasons.sort()).toEqual(
      [`${first?.id} bot had-enough`, "open-1 bot had-enough", `${second?.id} server shutdown`].sort(),
    );
  });
});

describe("the bots of workers", () => {
  it("count together, a dead worker's counts included, and are closed in each", async ({ file }) => {
    const closed = file("closed.txt", "");
    const cdr = file("calls.jsonl", "");
    const operatorToken = "token-of-the-operator";
    const bot = file(
      "bot.mjs",
      `import { appendFileSync } from "node:fs";
      const counters = { calls_taken: 0, bad: NaN, "not a name": 1 };
      const bot = async (call) => {
        counters.calls_taken++;
        call.report("turn", { answerMs: call.from === "+12025550111" ? 1_400 : 700 });
        if (call.from === "+12025550111") setTimeout(() => process.exit(1), 300);
        await call.closed;
      };
      const close = async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        appendFileSync(${JSON.stringify(closed)}, \`\${process.pid}\\n\`);
      };
      export default Object.assign(bot, { counters, close });`,
    );
    await using simulator = await createWavixSimulator();
    const log = new LogCapture();
    const server = createWorkerServer({
      settings: { ...settings, wavixApiBase: simulator.apiUrl, cdr, operatorToken },
      ...{ exec: WORKER, init: [{ flag: "bot", name: "./bot.mjs", file: bot }], logger: pino({}, log) },
      limits: { beatMs: 50, hungAfterBeats: 200 },
    });
    const urls = await server.listen();
    const taken = () => metric(urls, 'wavix_bot_events_total{event="calls_taken"}');
    const webhookUrl = urls.webhook;
    const answers = (part: string) => metric(urls, `wavix_bot_duration_seconds_${part}{report="turn",figure="answer"}`);
    expect(await taken()).toBe(0);
    const well = simulator.placeCall({ webhookUrl });
    await well.streaming;
    const fatal = simulator.placeCall({ webhookUrl, from: "+12025550111" });
    await expect.poll(taken, { timeout: 5_000, interval: 20 }).toBe(2);
    expect([await answers("count"), await answers("sum")]).toEqual([2, 2.1]);
    await fatal.ended;
    await expect.poll(() => metric(urls, "wavix_worker_restarts_total"), { timeout: 5_000 }).toBe(1);
    expect(await taken()).toBe(2);
    expect([await answers("count"), await answers("sum")]).toEqual([2, 2.1]);
    expect((await scrape(urls)).match(/^wavix_bot_events_total.*/gm)).toHaveLength(1);
    await expect.poll(() => metric(urls, "wavix_workers"), { timeout: 5_000 }).toBe(2);
    const reports = { turn: { count: 1, answerMs: { p50: 700, max: 700 } } };
    const headers = { authorization: `Bearer ${operatorToken}` };
    const shown = await fetch(`${urls.local}/calls/${well.id}`, { headers });
    expect(await shown.json()).toMatchObject({ reports });
    const running = alive(log);
    await server.close();
    await well.ended;
    const records = readFileSync(cdr, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.find(({ callId }) => callId === well.id)).toMatchObject({ reports });
    const lines = readFileSync(closed, "utf8").trimEnd().split("\n");
    expect(lines.map(Number).sort()).toEqual(running.sort());
  });
});

describe("a worker that hangs when its server is closed", () => {
  it("is given the time of a few beats, and nobody takes its place", async ({ file }) => {
    const { server, rest, log, media } = await openHanging(file, { beatMs: 100, hungAfterBeats: 10_000 });
    const cut = media.closed;
    await server.close();
    expect(await cut).toBe(1006);
    expect(rest.count("hangUp")).toBe(4);
    expect([log.count("worker hangs: it is killed"), log.count("worker ready")]).toEqual([1, 1]);
    await rest.close();
  });
});

describe("a server with workers", () => {
  it("that is closed while they start leaves none behind", async ({ file }) => {
    const bot = file("slow.mjs", "await new Promise((r) => setTimeout(r, 60_000)); export default () => {};");
    const init = [{ flag: "bot", name: "./slow.mjs", file: bot }];
    const server = createWorkerServer({ settings, exec: WORKER, init, logger: pino({ level: "silent" }) });
    const refused = expect(server.listen()).rejects.toMatchObject({ name: "ServerError", code: "CLOSED" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.close();
    await refused;
    await expect(server.listen()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("whose port is taken leaves no worker behind, and may be tried again", async ({ file: _ }) => {
    const rest = await openRestStub();
    // Not one that the system gives to whoever asks for any: between the two it must stay free.
    const blocker = createServer({ bot: listener, port: 20_000 + (process.pid % 10_000), logLevel: "silent" });
    const { local } = await blocker.listen();
    const log = new LogCapture();
    const server = createWorkerServer({
      settings: { ...settings, port: Number(new URL(local).port), wavixApiBase: rest.url },
      ...{ exec: WORKER, init: [{ flag: "bot", name: "echo" }], logger: pino({}, log) },
    });
    await expect(server.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect([log.count("worker ready"), alive(log)]).toEqual([2, []]);
    await blocker.close();
    await server.listen();
    expect(alive(log)).toHaveLength(2);
    await Promise.all([server.close(), server.close()]);
    expect([alive(log), log.count("worker died")]).toEqual([[], 0]);
    await rest.close();
    // Four processes start here.
  }, 20_000);

  it("does not start when no worker does, and says what became of them", async ({ file }) => {
    const exec = file("exit.mjs", "process.exit(3);");
    const server = createWorkerServer({ settings, exec, init: null, logger: pino({ level: "silent" }) });
    const error = { name: "ServerError", code: "NO_WORKER", message: "a worker exited with code 3" };
    await expect(server.listen()).rejects.toMatchObject(error);
    await server.close();
  });

  it("is not made by createServer: a function cannot be sent to another process", () => {
    expect(() => createServer({ bot: listener, workers: 2 })).toThrow(RangeError);
  });
});
