import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../call/index.ts";
import {
  type Frame,
  InputAudioRawFrame,
  InputDTMFFrame,
  InputTransportMessageFrame,
  type KeypadEntry,
  MarkFrame,
} from "../../pipecat/index.ts";
import { placeOf } from "./bot-socket.ts";
import { CallerAudio } from "./caller-audio.ts";
import { Conversation } from "./conversation.ts";
import type { BridgeCounters } from "./counters.ts";
import { BotError } from "./errors.ts";
import { findBot } from "./find-bot.ts";
import { Keypad } from "./keypad.ts";
import type { Protocol, ProtocolFactory } from "./protocol.ts";
import type { Seats } from "./seat.ts";
import { Speech } from "./speech.ts";

/** What the bridges of one bot have in common. Times are in ms. */
export interface BridgeSettings {
  readonly seats: Seats;
  readonly protocol: ProtocolFactory;
  readonly counters: BridgeCounters;
  /** How long it may take until a bot has the call. */
  readonly connectTimeoutMs: number;
  /** How long another one may be looked for when a bot has died in mid-call; 0: the call fails at once. */
  readonly reconnectMs: number;
  /** Keys are collected from the beginning, without being asked for. */
  readonly dtmf: boolean;
}

/** A bot that had the call this long was well: the time for finding another begins anew. */
const WELL_MS = 10_000;
const BETWEEN_BOTS_MS = 200;

interface Failure {
  readonly error: BotError;
  readonly wasWell: boolean;
}

/**
 * One call, bridged to one bot; to another one when that dies and there is leave to look for one.
 *
 * ```
 *   caller ══ call ═▶ CallerAudio ─▶ protocol ─▶ conversation ══▶ bot
 *   caller ◀══ call ═ Speech ◀────── protocol ◀─ conversation ◀══ bot
 * ```
 */
export class Bridge {
  readonly #call: Call;
  readonly #settings: BridgeSettings;
  readonly #keypad: Keypad;
  #audio: CallerAudio | undefined;
  #conversation: Conversation | undefined;
  #protocol: Protocol | undefined;

  constructor(call: Call, settings: BridgeSettings) {
    this.#call = call;
    this.#settings = settings;
    this.#keypad = new Keypad({
      control: call.control,
      signal: call.signal,
      onFailed: (error) => this.#protocol?.failed("wavix-collect", error),
    });
  }

  /**
   * Settles when the bot has ended, or the call is over.
   *
   * @throws BotError when the call has no bot, or none any more
   */
  async run(): Promise<void> {
    const { connectTimeoutMs, reconnectMs, counters } = this.#settings;
    const { signal } = this.#call;
    try {
      let failure = await this.#converse(connectTimeoutMs);
      for (let untilMs = 0; failure !== undefined && !signal.aborted; ) {
        const nowMs = performance.now();
        if (failure.wasWell || untilMs === 0) untilMs = nowMs + reconnectMs;
        if (untilMs - nowMs <= BETWEEN_BOTS_MS) throw failure.error;
        await sleep(BETWEEN_BOTS_MS, undefined, { signal }).catch(() => undefined);
        counters.reconnects++;
        failure = await this.#converse(Math.max(1, Math.round(untilMs - performance.now()))).catch(notYet);
      }
    } finally {
      this.#audio?.close();
    }
  }

  /** Has the call talk to one bot; what that one failed with. Nothing when it ended in peace, or the call did. */
  async #converse(limitMs: number): Promise<Failure | undefined> {
    const { seats, counters, protocol, dtmf } = this.#settings;
    const call = this.#call;
    const { signal } = call;
    if (signal.aborted) return undefined;
    const found = await findBot({ seats, facts: call, limitMs, signal, counters }).catch((error) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    call.note?.("bot", placeOf(found.seat.url));
    const beganAtMs = performance.now();
    const conversation = new Conversation(found, counters);
    const leave = () => conversation.leave();
    // Each bot has its own: what is heard of one that is gone is no news for the next.
    const speech = new Speech({
      call,
      counters,
      onHeard: (end) => spoken?.heard(end),
      onFull: (full) => conversation.rest(full),
    });
    let spoken: Protocol | undefined;
    try {
      spoken = protocol({ call, speech, keypad: this.#keypad, counters, send: (data) => conversation.send(data) });
      this.#protocol = spoken;
      this.#conversation = conversation;
      conversation.begin(spoken);
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
      this.#listen(spoken.inputSampleRate);
      if (dtmf) this.#keypad.want();
      const error = await conversation.over;
      if (error !== undefined) counters.bots_gone++;
      return error && { error, wasWell: performance.now() - beganAtMs >= WELL_MS };
    } finally {
      // For what was thrown here: a conversation that is over has been left.
      leave();
      signal.removeEventListener("abort", leave);
      this.#conversation = undefined;
      this.#keypad.stop();
      speech.end();
      found.seat.release();
    }
  }

  /** What came before the first bot was there, up to five seconds of it, comes now. */
  #listen(inputSampleRate: number): void {
    if (this.#audio !== undefined) return;
    this.#audio = new CallerAudio(this.#call.audioInSampleRate, inputSampleRate);
    this.#call.onFrame(this.#onFrame);
  }

  readonly #onFrame = (frame: Frame): void => {
    if (frame instanceof InputAudioRawFrame) {
      const samples = this.#audio?.convert(frame.audio);
      if (this.#conversation === undefined || samples === undefined) this.#settings.counters.caller_packets_dropped++;
      else this.#conversation.hear(samples);
    } else if (frame instanceof InputDTMFFrame) this.#protocol?.key(frame.button);
    else if (frame instanceof MarkFrame) this.#protocol?.mark(frame.markName);
    else if (frame instanceof InputTransportMessageFrame) this.#collectEnded(frame.message);
  };

  /** One that failed may have got keys, though not those that it waited for; the others have come by themselves. */
  #collectEnded(message: unknown): void {
    const { event, status, digits } = (message ?? {}) as { event?: unknown; status?: unknown; digits?: unknown };
    if (event !== "collect") return;
    if (status === "failed") for (const key of String(digits)) if (isKey(key)) this.#protocol?.key(key);
    this.#keypad.ended();
  }
}

/** There may be a bot before the time is over: one that is being started again, or one that another call leaves. */
function notYet(error: unknown): Failure {
  if (error instanceof BotError) return { error, wasWell: false };
  throw error;
}

function isKey(text: string): text is KeypadEntry {
  return /^[\d*#]$/.test(text);
}
