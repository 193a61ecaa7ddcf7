import { Lateness, type TransportStats, type WavixTransport } from "../call/index.ts";
import { addBotDurations, type BotDurations } from "./bot-durations.ts";
import { addBotEvents, type BotEvents } from "./bot-events.ts";
import type { CallRecord } from "./call-record.ts";
import { addCounts, type Counts } from "./histogram.ts";

/** What calls amount to, those that are up and those that have ended: counts that only rise. */
export interface CallFigures {
  packetsIn: number;
  packetsOut: number;
  interruptions: number;
  starvations: number;
  /** Messages, packets and frames that came to nothing, by cause. */
  dropped: Record<string, number>;
  /** What traces did not get. */
  traceLinesLost: number;
  callsUntraced: number;
  /** What bots count. */
  botEvents: BotEvents;
  /** What bots report. */
  botDurations: BotDurations;
  /** Of each write of audio. */
  lateness: Counts;
}

export function noFigures(): CallFigures {
  const { counts, sumMs } = new Lateness();
  return {
    ...{ packetsIn: 0, packetsOut: 0, interruptions: 0, starvations: 0, traceLinesLost: 0, callsUntraced: 0 },
    ...{ dropped: {}, botEvents: {}, botDurations: {} },
    lateness: { counts, sumMs },
  };
}

/**
 * Adds one call: one that is up, or the record of one that has ended. How late its writes were, and what its bots report, is
 * counted elsewhere.
 */
export function addCall(sum: CallFigures, call: CallRecord | WavixTransport): void {
  const stats: Partial<TransportStats> = "stats" in call ? call.stats : call;
  const { packetsIn = 0, packetsOut = 0, interruptions = 0, starvations = 0 } = stats;
  const dropped = { ...call.drops };
  // One name per cause: the serializer's own, and those of the transport.
  dropped.rate = stats.messagesDropped ?? 0;
  dropped.binary = stats.binaryMessages ?? 0;
  dropped["not-read"] = stats.framesDropped ?? 0;
  dropped["not-drained"] = stats.packetsDropped ?? 0;
  addFigures(sum, { ...noFigures(), packetsIn, packetsOut, interruptions, starvations, dropped });
}

export function addFigures(sum: CallFigures, part: Readonly<CallFigures>): void {
  sum.packetsIn += part.packetsIn;
  sum.packetsOut += part.packetsOut;
  sum.interruptions += part.interruptions;
  sum.starvations += part.starvations;
  for (const [cause, count] of Object.entries(part.dropped)) sum.dropped[cause] = (sum.dropped[cause] ?? 0) + count;
  sum.traceLinesLost += part.traceLinesLost;
  sum.callsUntraced += part.callsUntraced;
  addBotEvents(sum.botEvents, part.botEvents);
  addBotDurations(sum.botDurations, part.botDurations);
  addCounts(sum.lateness, part.lateness);
}
