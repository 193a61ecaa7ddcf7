import {
  BotStartedSpeakingFrame,
  BotStoppedSpeakingFrame,
  CancelFrame,
  EndFrame,
  EndWhenHeardFrame,
  EndWorkerFrame,
  type Frame,
  type FrameDirection,
  FrameProcessor,
  InterruptionFrame,
  MetricsFrame,
  OutputAudioRawFrame,
  OutputTransportMessageFrame,
  OutputTransportMessageUrgentFrame,
  type ProcessRun,
  StartFrame,
  SystemFrame,
  TTSStartedFrame,
  TTSStoppedFrame,
  TTSTextFrame,
} from "../pipecat/index.ts";
import { type Call, CallError, type Utterance } from "./call.ts";

/** When the first audio of an utterance is asked whether it was heard: a mark goes out every 240 ms, and comes back. */
const FIRST_HEARD_AFTER_MS = 400;
/** The length of an utterance is a sum of the lengths of frames, the end of a word is not: they differ by rounding. */
const ROUNDING_MS = 0.01;

/** A frame that waits until the caller has heard what came before it. */
interface Held {
  readonly frame: Frame;
  readonly utterance: Utterance;
  /** Where in the audio of its utterance it stands, in ms. */
  readonly atMs: number;
}

/**
 * The end of a pipeline's speech: plays what comes to the caller. Frames that are not audio go on, in their order, when
 * the caller has heard all that was before them, so that whoever stands behind sees what was heard, not what was said.
 * An interruption drops what was not heard:
 *
 * ```
 *   Hello,  I  can  help ║ you  with  that          ║ interrupted here: «you with that» goes nowhere
 * ```
 */
export class CallOutput extends FrameProcessor {
  readonly #call: Call;
  readonly #held: Held[] = [];
  /** The utterance that takes the audio that comes; and the last one that did, until it was heard. */
  #open: Utterance | undefined;
  #last: Utterance | undefined;
  #isSpeaking = false;
  #firstHeardTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  override processFrame(frame: Frame, direction: FrameDirection, run: ProcessRun): void | Promise<void> {
    if (direction === "upstream" || frame instanceof StartFrame) return run.pushFrame(frame, direction);
    if (frame instanceof OutputAudioRawFrame) return this.#play(frame);
    if (frame instanceof InterruptionFrame) this.#interrupt();
    else if (frame instanceof CancelFrame) this.#cancel(frame);
    else if (frame instanceof OutputTransportMessageUrgentFrame) return this.#give(frame);
    if (frame instanceof SystemFrame) return run.pushFrame(frame);

    if (frame instanceof OutputTransportMessageFrame) return this.#give(frame);
    if (frame instanceof TTSStartedFrame) this.#begin();
    else if (frame instanceof TTSStoppedFrame || frame instanceof EndWhenHeardFrame) this.#close();
    else if (frame instanceof EndFrame) return this.#end(frame, run);
    return this.#pushWhenHeard(frame);
  }

  override cleanup(): void {
    clearTimeout(this.#firstHeardTimer);
  }

  // ── Speech ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Settles when there is room for more: a voice that is faster than real time is held back here. */
  #play(frame: OutputAudioRawFrame): Promise<void> {
    // Audio without a TTSStartedFrame: a sound of the bot's own.
    if (this.#open === undefined) this.#begin();
    const utterance = this.#open;
    const isFirst = utterance?.durationMs === 0;
    const sent = this.#give(frame);
    if (utterance !== undefined && isFirst && frame.numFrames > 0) this.#started(utterance);
    return sent;
  }

  #begin(): void {
    try {
      const utterance = this.#call.beginUtterance();
      this.#open = utterance;
      this.#last = utterance;
      void utterance.finished.then(({ interrupted }) => this.#finished(utterance, interrupted));
    } catch (error) {
      ignoreEndOfCall(error);
    }
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#giveUnawaited(new TTSStoppedFrame());
  }

  #started(utterance: Utterance): void {
    if (!this.#isSpeaking) this.broadcastFrame(() => new BotStartedSpeakingFrame());
    this.#isSpeaking = true;
    clearTimeout(this.#firstHeardTimer);
    this.#firstHeardTimer = setTimeout(() => this.#firstHeard(utterance), FIRST_HEARD_AFTER_MS);
  }

  /** Where the caller is now says when it was that the first of it was heard. */
  #firstHeard(utterance: Utterance): void {
    // Not heard yet: its end will tell.
    if (this.#firstHeardTimer === undefined || utterance.heardMs === 0) return;
    clearTimeout(this.#firstHeardTimer);
    this.#firstHeardTimer = undefined;
    const value = performance.now() - utterance.heardMs;
    void this.pushFrame(
      new MetricsFrame({ data: [{ processor: this.name, name: "firstAudioHeardAtMs", value }] }),
      "upstream",
    );
  }

  /** It was heard to its end, or cut off. */
  #finished(utterance: Utterance, interrupted: boolean): void {
    this.#firstHeard(utterance);
    this.#release(utterance, interrupted);
    if (utterance === this.#last) this.#stopped();
  }

  #stopped(): void {
    this.#last = undefined;
    if (!this.#isSpeaking) return;
    this.#isSpeaking = false;
    this.broadcastFrame(() => new BotStoppedSpeakingFrame());
  }

  // ── What waits to be heard ────────────────────────────────────────────────────────────────────────────────────────

  #pushWhenHeard(frame: Frame): void | Promise<void> {
    const utterance = this.#last;
    if (utterance === undefined) return this.#pass(frame);
    const atMs = frame instanceof TTSTextFrame && frame.endMs !== null ? frame.endMs : utterance.durationMs;
    this.#held.push({ frame, utterance, atMs });
  }

  /**
   * Passes on what is heard now that an utterance is over, and everything of those before it. Of one that was not cut off
   * words may be missing all the same, which the socket did not take; what stood behind it has its turn.
   */
  #release(utterance: Utterance, interrupted: boolean): void {
    const heardMs = utterance.heardMs + ROUNDING_MS;
    while (this.#held.length > 0) {
      const first = this.#held[0] as Held;
      if (first.utterance !== utterance) return;
      this.#held.shift();
      const isBehind = !interrupted && !(first.frame instanceof TTSTextFrame);
      if (first.atMs <= heardMs || isBehind || first.frame.isUninterruptible) void this.#pass(first.frame);
    }
  }

  #pass(frame: Frame): void | Promise<void> {
    if (frame instanceof EndWhenHeardFrame) {
      return this.pushFrame(new EndWorkerFrame({ reason: frame.reason }), "upstream");
    }
    return this.pushFrame(frame);
  }

  // ── Interruption and end ──────────────────────────────────────────────────────────────────────────────────────────

  /** What was heard goes on before the interruption does; the rest is dropped here and at Wavix. */
  #interrupt(): void {
    if (this.#last !== undefined || this.#call.unheardMs > 0) this.#call.interrupt();
    this.#cutOff();
  }

  /** The call ends now, if it has not. */
  #cancel(frame: CancelFrame): void {
    this.#giveUnawaited(frame);
    this.#cutOff();
  }

  #cutOff(): void {
    if (this.#last !== undefined) this.#firstHeard(this.#last);
    for (const utterance of new Set(this.#held.map((held) => held.utterance))) this.#release(utterance, true);
    this.#open = undefined;
    this.#stopped();
  }

  /** The caller hears what was said, then the call ends, and the pipeline with it. */
  async #end(frame: EndFrame, run: ProcessRun): Promise<void> {
    this.#close();
    await this.#call.waitForPlayout();
    await this.#last?.finished;
    const ending = this.#call.hangUp(frame.reason ?? undefined);
    await run.pushFrame(frame);
    await ending;
  }

  #give(frame: Frame): Promise<void> {
    return this.#call.send(frame).catch(ignoreEndOfCall);
  }

  /** Where nobody waits for it, what goes wrong must not become a rejection that nobody handles. */
  #giveUnawaited(frame: Frame): void {
    this.#give(frame).catch((exception: Error) => this.pushError(exception.message, { exception }));
  }
}

/** A call that is over takes nothing any more; its pipeline is about to hear of it. */
function ignoreEndOfCall(error: unknown): void {
  if (!(error instanceof CallError) || error.code !== "CALL_OVER") throw error;
}
