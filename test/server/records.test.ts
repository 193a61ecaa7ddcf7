import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import type { Bot } from "../../src/call/index.ts";
import { CallRecords } from "../../src/server/call-records.ts";
import { type CallRecord, createServer } from "../../src/server/index.ts";
import { MediaClient } from "../support/media-client.ts";
import { CALLED, CALLER, it, listener } from "../support/open-server.ts";

const folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (path: string): CallRecord[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("call detail records", () => {
  it("have a line for every call, however it ended, and no numbers", async ({ open }) => {
    const cdr = join(folder, "calls.jsonl");
    let calls = 0;
    const bot: Bot = async () => {
      if (++calls === 2) throw new Error("the bot is broken");
    };
    const { placeCall, simulator, server, log, urls } = await open({ bot, cdr, openWs: true });
    const ids = [];
    for (let i = 0; i < 2; i++) {
      const call = placeCall();
      ids.push(call.id);
      await call.ended;
      await log.line("call ended", call.id);
    }
    simulator.injectFault({ operation: "answerCall", kind: "status", status: 403 });
    const refused = placeCall({ ringTimeoutMs: 500 });
    await refused.ended;
    const media = await MediaClient.open(urls.webSocket);
    media.start("open-1");
    await media.closed;
    await server.close();

    const records = read(cdr);
    expect(records.map(({ callId }) => callId)).toEqual([...ids, refused.id, "open-1"]);
    expect(records.map(({ endedBy, reason }) => `${endedBy} ${reason}`)).toEqual([
      "bot bot-ended",
      "bot bot-failed",
      "server answer-failed",
      "bot bot-ended",
    ]);
    expect(records[0]).toMatchObject({ packetsOut: 0, interruptions: 0, starvations: 0, maxLatenessMs: 0 });
    expect(records[1]?.error).toMatchObject({ name: "Error", message: "the bot is broken" });
    expect(records[2]?.error).toMatchObject({ code: "forbidden" });
    for (const { startedAt, endedAt, durationMs } of records) {
      expect(Math.abs(Date.parse(endedAt) - Date.parse(startedAt) - durationMs)).toBeLessThanOrEqual(2);
    }
    // The log has the same.
    expect(await log.line("call ended", ids[1])).toMatchObject({ ...records[1] });
    for (const number of [CALLER, CALLED]) expect(readFileSync(cdr, "utf8")).not.toContain(number.slice(1));
  });

  it("are added to what is there, and all written when the server is closed in mid-call", async ({ open }) => {
    const cdr = join(folder, "again.jsonl");
    for (let round = 1; round <= 2; round++) {
      const { placeCall, server, log } = await open({ cdr });
      const calls = [placeCall(), placeCall(), placeCall()];
      for (const { id } of calls) await log.line("call streaming", id);
      await server.close();
      expect(read(cdr)).toHaveLength(3 * round);
      await Promise.all(calls.map((call) => call.ended));
    }
    expect(new Set(read(cdr).map(({ reason }) => reason))).toEqual(new Set(["shutdown"]));
  });

  it("go to standard output for -", () => {
    const program = `
      import { CallRecords } from ${JSON.stringify(new URL("../../dist/server/call-records.js", import.meta.url).href)};
      const records = await CallRecords.open("-", () => {});
      records.write({ callId: "call-1" });
      await records.close();`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(stdout).toBe('{"callId":"call-1"}\n');
  });

  it("say before the first call that they cannot be written", async () => {
    const cdr = join(folder, "no-such-folder", "calls.jsonl");
    const server = createServer({ bot: listener, port: 0, logLevel: "silent", cdr });
    await expect(server.listen()).rejects.toMatchObject({ name: "ServerError", code: "BAD_CDR" });
    await expect(server.listen()).rejects.toThrow(/CDR: .* cannot be written \(ENOENT\)/);
    await server.close();
  });

  it("are counted as lost when the disk is full, said once, and the calls go on", async () => {
    const errors: unknown[] = [];
    const records = await CallRecords.open("/dev/full", (error) => errors.push(error));
    records.write({ callId: "call-1" } as CallRecord);
    await expect.poll(() => errors.length).toBe(1);
    for (let i = 0; i < 10; i++) records.write({ callId: "call-2" } as CallRecord);
    await records.close();
    expect([records.lost, errors]).toEqual([10, [expect.objectContaining({ code: "ENOSPC" })]]);
  });
});
