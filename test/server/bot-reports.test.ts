import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import {
  addBotDurations,
  addReport,
  type BotDurations,
  DURATION_BUCKETS_MS,
  durationsByLabels,
} from "../../src/server/bot-durations.ts";
import { MediaClient } from "../support/media-client.ts";
import { it } from "../support/open-server.ts";
import { metric, scrape } from "../support/operations.ts";

const OPERATOR_TOKEN = "token-of-the-operator";
const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Reports two turns, and what is no turn; then listens. */
const reporting: Bot = async (call) => {
  call.report?.("turn", { answerMs: 812.4, sttMs: 230 });
  call.report?.("turn", { answerMs: 12_000, llmTokens: 31 });
  call.report?.("Not a name", { answerMs: 1 });
  await call.closed;
};
const duration = (part: string, labels: string) => `wavix_bot_duration_seconds_${part}{report="turn",${labels}}`;

describe("the reports of a bot", () => {
  it("are in the log, the metrics, the record and /calls", async ({ open }) => {
    const cdr = join(folder, "calls.jsonl");
    const { placeCall, log, urls, server } = await open({ bot: reporting, cdr, operatorToken: OPERATOR_TOKEN });
    const call = placeCall();
    const reports = {
      turn: {
        count: 2,
        answerMs: { p50: 812, max: 12_000 },
        sttMs: { p50: 230, max: 230 },
        llmTokens: { p50: 31, max: 31 },
      },
    };
    const first = await log.line("bot report", call.id);
    expect(first).toMatchObject({ level: 30, report: "turn", answerMs: 812, sttMs: 230 });
    expect(log.lines.filter(({ msg }) => msg === "bot report")).toMatchObject([
      { callId: call.id, answerMs: 812 },
      { callId: call.id, report: "turn", answerMs: 12_000, llmTokens: 31 },
    ]);
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const shown = await fetch(`${urls.local}/calls/${call.id}`, { headers });
    expect(await shown.json()).toMatchObject({ callId: call.id, reports });
    const expectMetrics = async () => {
      const text = await scrape(urls);
      const values = [
        duration("bucket", 'figure="answer",le="0.8"'),
        duration("bucket", 'figure="answer",le="1"'),
        duration("bucket", 'figure="answer",le="10"'),
        duration("bucket", 'figure="answer",le="+Inf"'),
        duration("count", 'figure="answer"'),
        duration("sum", 'figure="answer"'),
        duration("sum", 'figure="stt"'),
      ].map((name) =>
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length + 1),
      );
      expect(values.map(Number)).toEqual([0, 1, 1, 2, 2, 12.812, 0.23]);
      expect(text).not.toMatch(/tokens|Not a name/i);
      expect(text.match(/^# TYPE wavix_bot_duration_seconds histogram$/gm)).toHaveLength(1);
    };
    await expectMetrics();
    call.hangUp();
    await call.ended;
    expect(await log.line("call ended", call.id)).toMatchObject({ reports });
    await expectMetrics();
    await server.close();
    expect(JSON.parse(readFileSync(cdr, "utf8"))).toMatchObject({ callId: call.id, reports });
  });

  it("are not in the record of a call without any", async ({ open }) => {
    const { placeCall, log } = await open({ bot: async () => {} });
    await placeCall().ended;
    expect(await log.line("call ended")).not.toHaveProperty("reports");
  });

  it("are of an open socket, too, under the name that it gave itself", async ({ openWithStub }) => {
    const { urls, log } = await openWithStub({ bot: reporting, openWs: true });
    const media = await MediaClient.open(urls.webSocket);
    media.start("open-1");
    expect(await log.line("bot report")).toMatchObject({ callId: "open-1", answerMs: 812 });
    await media.stop();
    expect(await log.line("call ended")).toMatchObject({ reports: { turn: { count: 2 } } });
    expect(await metric(urls, duration("count", 'figure="answer"'))).toBe(2);
  });

  it("have a line up to the thousandth of a call, then are counted", async ({ open }) => {
    const bot: Bot = (call) => {
      for (let i = 0; i < 1_500; i++) call.report?.("turn", { answerMs: i });
    };
    const { placeCall, log, urls } = await open({ bot });
    const calls = [placeCall(), placeCall()];
    for (const { ended, id } of calls) {
      await ended;
      // The last thousand of 0 to 1499.
      const reports = { turn: { count: 1_500, answerMs: { p50: 999, max: 1_499 } } };
      expect(await log.line("call ended", id)).toMatchObject({ reports });
      expect(log.lines.filter(({ msg, callId }) => msg === "bot report" && callId === id)).toHaveLength(1_000);
    }
    expect(await metric(urls, duration("count", 'figure="answer"'))).toBe(3_000);
  });

  it("are taken of a bot until it fails, then of the one that takes over", async ({ open }) => {
    const bot: Bot = (call) => {
      call.signal.addEventListener("abort", () => call.report?.("turn", { answerMs: 2 }));
      call.report?.("turn", { answerMs: 1 });
      throw new Error("the bot is broken");
    };
    const fallbackBot: Bot = (call) => call.report?.("turn", { answerMs: 3 });
    const { placeCall, log } = await open({ bot, fallbackBot });
    await placeCall().ended;
    const reports = { turn: { count: 2, answerMs: { p50: 1, max: 3 } } };
    expect(await log.line("call ended")).toMatchObject({ reason: "bot-failed", reports });
  });
});

describe("the durations that bots report", () => {
  const values = fc.array(fc.oneof(fc.nat(12_000), fc.constantFrom(...DURATION_BUCKETS_MS)), { minLength: 1 });

  it("are counted each in the first bucket that is not below it, and are as many in parts", () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1 }), (parts) => {
        const sum: BotDurations = {};
        for (const part of parts) {
          const ofPart: BotDurations = {};
          for (const answerMs of part) addReport(ofPart, { name: "turn", figures: { answerMs, words: 5 } });
          addBotDurations(sum, ofPart);
        }
        const all = parts.flat();
        expect(Object.keys(sum.turn ?? {})).toEqual(["answerMs"]);
        const { counts = [], sumMs } = sum.turn?.answerMs ?? {};
        let below = 0;
        for (const [i, boundMs] of [...DURATION_BUCKETS_MS, Number.POSITIVE_INFINITY].entries()) {
          below += counts[i] as number;
          expect(below).toBe(all.filter((ms) => ms <= boundMs).length);
        }
        expect(sumMs).toBe(all.reduce((total, ms) => total + ms, 0));
      }),
    );
  });

  it("have at most 20 names with 20 figures each, of all calls; those that are there go on", () => {
    const sum: BotDurations = {};
    for (let times = 0; times < 2; times++) {
      for (let name = 0; name < 25; name++) {
        const figures = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`f${at}Ms`, 100]));
        addReport(sum, { name: `report_${name}`, figures });
      }
    }
    const series = [...durationsByLabels(sum)];
    expect(series).toHaveLength(400);
    expect(series.at(-1)?.[0]).toEqual({ report: "report_19", figure: "f19" });
    expect(new Set(series.map(([, { sumMs }]) => sumMs))).toEqual(new Set([200]));
    addReport(sum, { name: "constructor", figures: { constructorMs: 1 } });
    expect(Object.keys(sum)).toHaveLength(20);
  });

  it("leave what they are added from as it is", () => {
    const part: BotDurations = {};
    addReport(part, { name: "constructor", figures: { answerMs: 100 } });
    const before = structuredClone(part);
    const sum: BotDurations = {};
    for (let times = 0; times < 2; times++) addBotDurations(sum, part);
    expect(part).toEqual(before);
    expect(sum.constructor).toMatchObject({ answerMs: { sumMs: 200 } });
  });
});
