import { setTimeout as sleep } from "node:timers/promises";
import {
  type CallerAudio,
  Ear,
  MarkerEar,
  type MarkersHeard,
  markerAudio,
  prepareCallerAudio,
  type SimulatedCall,
  type WavixSimulator,
} from "../../src/simulator/index.ts";
import { clockMs } from "./clock.ts";
import { INTERRUPTION, PATIENCE_MS, QUESTION, TURN_TAKING_MS, WIRE_RATE } from "./scenario.ts";

/** How a call was for its caller. */
export interface CallerFigures {
  /** Questions asked, each with an interruption of its answer. */
  readonly cycles: number;
  /** From the end of what the caller said to the first audio of the answer, one after each question and interruption, in ms. */
  readonly answerMs: readonly number[];
  /** When the caller heard the last of the answers that were interrupted; on the shared clock, in ms. */
  readonly silencedAtMs: readonly number[];
  /** Of the caller of an echo. */
  readonly markers: MarkersHeard | null;
  readonly gaps: number;
  readonly invalidMessages: number;
  /** How late the callers were themselves. */
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  /** Why the caller gave up; null: nothing was wrong. */
  readonly failure: string | null;
}

const PACKET_MS = 20;
/** What is never answered is given up; far longer than an answer takes on a machine that has other things to do. */
const LIMIT_MS = 8_000;

const question = prepareCallerAudio(QUESTION.samples);
const interruption = prepareCallerAudio(INTERRUPTION.samples);
const markers = markerAudio();

/** What a caller hears, to the sample: an {@link Ear} listens for sound, which begins a little later than audio. */
class ExactEar extends Ear {
  #firstMs: number | null = null;
  #originMs: number | null = null;
  /** The end of what was heard so far. */
  playedUntilMs = 0;

  sent(lateMs: number): void {
    // The first packet is due when its 20 ms are over.
    this.#originMs ??= clockMs() - lateMs - PACKET_MS;
  }

  override heard(samples: Int16Array, atSample: number): void {
    const atMs = (atSample * 1_000) / WIRE_RATE;
    this.#firstMs ??= atMs;
    this.playedUntilMs = atMs + (samples.length * 1_000) / WIRE_RATE;
    super.heard(samples, atSample);
  }

  /** The beginning of the next audio. */
  async audio(): Promise<number> {
    this.#firstMs = null;
    await this.sound(AbortSignal.timeout(LIMIT_MS));
    return this.#firstMs!;
  }

  /** A moment of the caller's timeline on the clock of all processes. */
  onClock(ms: number): number {
    return this.#originMs! + ms;
  }
}

/** A caller on the line. */
export class Caller {
  readonly #call: SimulatedCall;
  readonly #ear: ExactEar | MarkerEar;
  readonly #answerMs: number[] = [];
  readonly #silencedAtMs: number[] = [];
  #saidUntilMs = 0;
  #cycles = 0;
  #failure: string | null = null;
  #talking: Promise<void> = Promise.resolve();

  private constructor(call: SimulatedCall, ear: ExactEar | MarkerEar) {
    this.#call = call;
    this.#ear = ear;
  }

  /** @throws Error when the call is not answered */
  static async call(simulator: WavixSimulator, webhookUrl: string, isEcho: boolean): Promise<Caller> {
    const ear = isEcho ? new MarkerEar(0) : new ExactEar();
    const call = simulator.placeCall({
      webhookUrl,
      observer: ear,
      record: false,
      ringTimeoutMs: LIMIT_MS,
      ...(isEcho ? { callerAudio: markers, loop: true } : {}),
    });
    const caller = new Caller(call, ear);
    // The greeting may come at any moment now.
    if (ear instanceof ExactEar) caller.#talk(caller.#hearOut(ear));
    if (!(await call.streaming)) throw new Error("a call was not answered");
    return caller;
  }

  /** Both have said what they had to say: the bot its greeting, or the conversation is over. */
  talked(): Promise<void> {
    return this.#talking;
  }

  /** Begins to talk after a while, and begins no more cycles when the time is up. */
  converse(afterMs: number, untilMs: number): void {
    const ear = this.#ear;
    if (ear instanceof ExactEar) this.#talk(this.#converse(ear, afterMs, untilMs));
  }

  /** Hangs up. */
  async end(): Promise<CallerFigures> {
    this.#call.hangUp();
    const { endedBy, playout, received, sent, times } = await this.#call.ended;
    const lengthMs = times.endedMs! - times.timelineMs!;
    return {
      cycles: this.#cycles,
      answerMs: this.#answerMs,
      silencedAtMs: this.#silencedAtMs,
      markers: this.#ear instanceof MarkerEar ? this.#ear.markers(lengthMs) : null,
      gaps: playout.gaps,
      invalidMessages: received.invalidMessages,
      lateP99Ms: sent.lateness.p99Ms,
      lateMaxMs: sent.lateness.maxMs,
      failure: this.#failure ?? (endedBy === "caller" ? null : `the call was ended by ${endedBy}`),
    };
  }

  #talk(talking: Promise<void>): void {
    this.#talking = talking.catch((error: Error) => {
      const isSilence = error.name === "TimeoutError";
      this.#failure ??= isSilence ? `nothing was heard after ${this.#answerMs.length} answers` : error.message;
    });
  }

  async #converse(ear: ExactEar, afterMs: number, untilMs: number): Promise<void> {
    await sleep(afterMs);
    while (performance.now() < untilMs) {
      await this.#say(question);
      await this.#hearAnswer(ear);
      await sleep(PATIENCE_MS);
      await this.#say(interruption);
      this.#silencedAtMs.push(ear.onClock(ear.playedUntilMs));
      await this.#hearAnswer(ear);
      await ear.silence(TURN_TAKING_MS);
      this.#cycles++;
    }
  }

  /** Settles when the last of it is about to be sent: the answer is not there yet. */
  async #say(audio: CallerAudio): Promise<void> {
    const clip = this.#call.say(audio);
    if (clip === null) throw new Error("the call was over before its caller had said everything");
    this.#saidUntilMs = clip.endMs;
    await sleep(audio.durationMs);
  }

  async #hearAnswer(ear: ExactEar): Promise<void> {
    this.#answerMs.push((await ear.audio()) - this.#saidUntilMs);
  }

  async #hearOut(ear: ExactEar): Promise<void> {
    await ear.audio();
    await ear.silence(TURN_TAKING_MS);
  }
}
