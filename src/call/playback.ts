import { CallError, type Utterance, type UtteranceEnd } from "./call.ts";
import { PACKET_MS } from "./packet-clock.ts";
import { PlaybackPosition, type PositionMark } from "./playback-position.ts";
import type { MarkOutcome } from "./playout-marks.ts";

/** A mark every 240 ms, the most whole packets that 250 ms have. */
const PACKETS_PER_MARK = 12;
/** Utterances that wait to be heard. More means that nobody waits for them. */
const MAX_UTTERANCES = 1_000;

/** What has been sent so far; {@link Playout} knows. */
export interface Sent {
  readonly sentPackets: number;
  /** When the caller hears the end of it, by the clock. */
  readonly dryAtMs: number;
}

/** Sends a mark behind what was sent so far. */
export type SendMark = (settle: (outcome: MarkOutcome) => void) => void;

/**
 * Follows the playback of a call's utterances. Marks go out only for these, so that a bot that does not ask costs none:
 * one every 240 ms, and one at the end of each.
 */
export class Playback {
  readonly #sent: Sent;
  readonly #sendMark: SendMark;
  readonly #position = new PlaybackPosition();
  /** Those that are not over, in order; all of their audio that was sent lies behind that of the one before. */
  readonly #utterances: FollowedUtterance[] = [];
  /** The one that takes the audio that comes. */
  #open: FollowedUtterance | undefined;
  /** How many packets had been sent when the last mark was, and when the last that is settled was. */
  #markedPackets = 0;
  #settledPackets = 0;

  constructor(sent: Sent, sendMark: SendMark) {
    this.#sent = sent;
    this.#sendMark = sendMark;
  }

  get isFollowing(): boolean {
    return this.#utterances.length > 0;
  }

  get measuredBy(): "marks" | "clock" {
    return this.#position.measuredBy;
  }

  /** How much of what was sent has been heard, since the beginning of the call, in ms. */
  heardMs(nowMs: number): number {
    return this.#position.heardMs(this.#sent.sentPackets, this.#sent.dryAtMs, nowMs);
  }

  /** @throws CallError `CALL_FLOODED` */
  begin(): FollowedUtterance {
    if (this.#utterances.length >= MAX_UTTERANCES) {
      throw new CallError("CALL_FLOODED", `${MAX_UTTERANCES} utterances wait to be heard: await utterance.finished`);
    }
    const utterance = new FollowedUtterance(this);
    this.#utterances.push(utterance);
    this.#open = utterance;
    return utterance;
  }

  /** Audio was added to the utterance that is open, if one is. */
  added(durationMs: number): void {
    if (this.#open !== undefined) this.#open.durationMs += durationMs;
  }

  /** The utterance that is open takes no more. */
  close(): FollowedUtterance | undefined {
    const utterance = this.#open;
    this.#open = undefined;
    return utterance;
  }

  /** The audio of an utterance is complete, and ends with this packet, counted from the first of the call. */
  endsAt(utterance: FollowedUtterance, packet: number, nowMs: number): void {
    utterance.toPacket = packet;
    // Its last mark may be there already: nothing was left of it to be sent.
    if (packet <= this.#settledPackets) this.#finishUpTo(packet);
    this.markIfDue(nowMs);
  }

  /** How many packets may be sent before a mark has its turn. */
  get packetsToMark(): number {
    for (const { fromPacket, toPacket } of this.#utterances) {
      if (fromPacket === undefined) return Number.POSITIVE_INFINITY;
      if (toPacket !== undefined && toPacket <= this.#markedPackets) continue;
      const next = Math.max(fromPacket, this.#markedPackets) + PACKETS_PER_MARK;
      return Math.min(next, toPacket ?? next) - this.#sent.sentPackets;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** To be called when packets have been sent: sends the mark that is due behind them, if one is. */
  markIfDue(nowMs: number): void {
    if (this.packetsToMark > 0) return;
    const { sentPackets, dryAtMs } = this.#sent;
    const mark: PositionMark = { afterPackets: sentPackets, dueAtMs: Math.max(nowMs, dryAtMs) };
    this.#markedPackets = sentPackets;
    this.#position.marked(mark);
    this.#sendMark((outcome) => {
      if (outcome === "cleared") return;
      if (outcome === "echoed") this.#position.echoed(mark, performance.now());
      else this.#position.missed(mark);
      this.#finishUpTo(mark.afterPackets);
    });
  }

  /** So many packets, which come next, are not sent but lost. */
  lost(packetCount: number): void {
    const from = this.#sent.sentPackets;
    for (const utterance of this.#utterances) {
      const begin = Math.max(from, utterance.fromPacket ?? Number.POSITIVE_INFINITY);
      const end = Math.min(from + packetCount, utterance.toPacket ?? Number.POSITIVE_INFINITY);
      utterance.lostMs += Math.max(0, end - begin) * PACKET_MS;
    }
  }

  /** Nothing more is heard of what was sent so far, nor of what waits; the utterances that are cut off by that. */
  cutOff(nowMs: number): FollowedUtterance[] {
    this.#open = undefined;
    const heardMs = this.heardMs(nowMs);
    const cut = this.#utterances.splice(0).filter((utterance) => utterance.finish(heardMs).interrupted);
    this.#position.cleared(this.#sent.sentPackets);
    this.#markedPackets = this.#sent.sentPackets;
    this.#settledPackets = this.#sent.sentPackets;
    return cut;
  }

  #finishUpTo(packet: number): void {
    this.#settledPackets = Math.max(this.#settledPackets, packet);
    for (let first = this.#utterances[0]; first !== undefined; first = this.#utterances[0]) {
      if (first.toPacket === undefined || first.toPacket > packet) return;
      this.#utterances.shift();
      first.finish(Number.POSITIVE_INFINITY);
    }
  }
}

/** One utterance; {@link Utterance} is what the bot sees of it. */
export class FollowedUtterance implements Utterance {
  readonly finished: Promise<UtteranceEnd>;
  durationMs = 0;
  /** What of it the socket did not take. */
  lostMs = 0;
  /** Where it begins and ends among the packets of the call; unknown while its audio waits for room. */
  fromPacket: number | undefined;
  toPacket: number | undefined;
  readonly #playback: Playback;
  #end: UtteranceEnd | undefined;
  #resolve!: (end: UtteranceEnd) => void;

  constructor(playback: Playback) {
    this.#playback = playback;
    this.finished = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get heardMs(): number {
    return this.#end?.heardMs ?? this.#heardOf(this.#playback.heardMs(performance.now()));
  }

  get measuredBy(): "marks" | "clock" {
    return this.#end?.measuredBy ?? this.#playback.measuredBy;
  }

  /** It is over; so much has been heard of the call. */
  finish(heardMs: number): UtteranceEnd {
    const { durationMs, measuredBy } = this;
    const heard = this.#heardOf(heardMs);
    const end = { durationMs, heardMs: heard, interrupted: heard < this.#audibleMs, measuredBy };
    this.#end = end;
    this.#resolve(end);
    return end;
  }

  #heardOf(heardMs: number): number {
    if (this.fromPacket === undefined) return 0;
    return Math.min(this.#audibleMs, Math.max(0, heardMs - this.fromPacket * PACKET_MS));
  }

  get #audibleMs(): number {
    return Math.max(0, this.durationMs - this.lostMs);
  }
}
