import { alignedTable } from "../../src/web/bench/text.ts";
import { describeMachine, machineLine } from "../machine.ts";
import type { Percentiles } from "../percentiles.ts";
import type { DelayResult } from "./delay.ts";
import type { CostResult } from "./turns.ts";

/** Everything that was measured. */
export interface BridgeReport {
  readonly results: readonly CostResult[];
  /** With one call, then with more. */
  readonly delays: readonly DelayResult[];
  /** What a reader of the figures has to know. */
  readonly notes: readonly string[];
}

const usOf = (results: readonly CostResult[], wanted: string) =>
  results.find(({ name }) => name === wanted)?.usPerPacket;

/** The figures as tables for people. */
export function describe({ results, delays, notes }: BridgeReport): string {
  const python = usOf(results, "python-original");
  const costHead = [
    "",
    "calls",
    "µs/packet",
    "lowest–highest",
    "÷ python-original",
    "cores",
    "short of packets",
    "ended",
  ];
  const costs = results.map(({ name, calls, usPerPacket, usPerPacketRange, coresUsed, callsShort, callsEnded }) => [
    name,
    String(calls),
    usPerPacket.toFixed(1),
    usPerPacketRange.map((us) => us.toFixed(1)).join("–"),
    python === undefined ? "–" : (usPerPacket / python).toFixed(3),
    coresUsed.toFixed(2),
    String(callsShort),
    String(callsEnded),
  ]);
  const delayHead = ["added by the bridge, ms", "to the bot p50", "p99", "from the bot p50", "p99"];
  const fixed = ({ p50Ms, p99Ms }: Percentiles) => [p50Ms.toFixed(2), p99Ms.toFixed(2)];
  return [
    machineLine(describeMachine()),
    "",
    "CPU time for 20 ms of a call: a packet in and one out",
    alignedTable([costHead, ...costs], 1),
    "",
    alignedTable(
      [
        delayHead,
        ...delays.map(({ calls, toBot, fromBot }) => [
          calls === 1 ? "1 call" : `${calls} calls`,
          ...fixed(toBot),
          ...fixed(fromBot),
        ]),
      ],
      1,
    ),
    ...notes,
  ].join("\n");
}

/** All figures on one line, for programs. */
export function jsonLine({ results, delays, notes }: BridgeReport): string {
  return JSON.stringify({ results, delay: delays[0], delays, notes }, (_key, value) =>
    typeof value === "number" ? Number(value.toPrecision(6)) : value,
  );
}
