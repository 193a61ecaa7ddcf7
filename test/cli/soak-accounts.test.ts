import { expect, it } from "vitest";
import { flatnessOf } from "../../src/cli/flatness.ts";
import { Accounts } from "../../src/cli/soak-accounts.ts";
import type { CallRecord } from "../../src/server/index.ts";
import type { CallReport } from "../../src/simulator/index.ts";

const record = (different: Partial<CallRecord> = {}) =>
  ({ callId: "a", endedBy: "caller", reason: "stop", packetsIn: 100, packetsOut: 90, ...different }) as CallRecord;
const report = (sent: number, received: number, different: Partial<CallReport> = {}, afterStop = 0) =>
  ({
    ...{ callId: "a", streamId: "s", closedBy: "simulator", closeCode: 1000, sent: { packets: sent } },
    ...{ received: { packets: received, packetsAfterStop: afterStop }, ...different },
  }) as CallReport;

function booked(of: CallRecord, by: CallReport): Accounts {
  const accounts = new Accounts([of]);
  accounts.add(by);
  return accounts;
}

it("the books are right when every packet has come or is said to be lost", () => {
  const lost = record({ packetsIn: 97, messagesDropped: 1, drops: { "not-json": 1 }, packetsDuplicated: 1 });
  for (const accounts of [booked(record(), report(100, 90)), booked(lost, report(100, 88, {}, 2))]) {
    expect(accounts.toServer.unaccounted + accounts.fromServer.unaccounted).toBe(0);
    expect(accounts).toMatchObject({ withoutRecord: 0, withoutCall: 0, wrong: [] });
  }
});

it("one packet more or less is found, in each direction", () => {
  for (const [sent, received] of [
    [99, 90],
    [101, 90],
    [100, 89],
    [100, 91],
  ] as const) {
    const accounts = booked(record(), report(sent, received));
    expect(accounts.toServer.unaccounted + accounts.fromServer.unaccounted).toBe(1);
    expect(accounts.wrong).toHaveLength(1);
  }
});

it("on a cut socket packets may vanish, but none may appear", () => {
  const cut = { closedBy: "cut", closeCode: 1006 } as const;
  const vanished = booked(record(), report(103, 85, cut));
  expect([vanished.toServer.onCutSockets, vanished.fromServer.onCutSockets]).toEqual([3, 5]);
  expect(vanished.wrong).toEqual([]);
  expect(booked(record(), report(99, 90, cut)).toServer.unaccounted).toBe(1);
  expect(vanished.slowCloses).toBe(0);
  const slow = booked(record(), report(103, 85, { closedBy: "simulator", closeCode: 1006 }));
  expect([slow.slowCloses, slow.toServer.onCutSockets, slow.toServer.unaccounted]).toEqual([1, 3, 0]);
});

it("calls and records that have no counterpart are found", () => {
  const accounts = booked(record(), report(1, 1, { callId: "b" }));
  expect(accounts).toMatchObject({ withoutRecord: 1, withoutCall: 1 });
  // One that had no stream need not be known.
  expect(booked(record(), report(0, 0, { callId: "b", streamId: null })).withoutRecord).toBe(0);
});

it("what grows is told from what is flat, with noise on both", () => {
  const samples = (perSecond: number) =>
    Array.from({ length: 100 }, (_, n) => ({
      atMs: n * 1_000,
      // The warm-up does not count.
      bytes: (n < 20 ? n * 5e6 : 100e6) + perSecond * n + 1e6 * Math.sin(n * 7),
    }));
  expect(flatnessOf(samples(0), 20_000, 0.05, 2e6)).toMatchObject({ flat: true });
  const growing = flatnessOf(samples(200_000), 20_000, 0.05, 2e6)!;
  expect(growing.flat).toBe(false);
  expect(growing.bytesPerHour / 3_600).toBeGreaterThan(190_000);
  expect(growing.bytesPerHour / 3_600).toBeLessThan(210_000);
  expect(flatnessOf(samples(0), 92_000, 0.05, 2e6)).toBeNull();
});
