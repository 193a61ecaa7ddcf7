import {
  type Bot,
  type Call,
  type CallControl,
  type CallEnd,
  CallError,
  CallInput,
  CallOutput,
  type Interruption,
  type Utterance,
  type WavixTransport,
} from "../call/index.ts";
import type { Frame, FrameProcessor } from "../pipecat/index.ts";

/**
 * A bot of several, each of which takes the call over when the one before it fails. What the failed one had said and the
 * caller not yet heard is taken back. When one of the later ones ends, the call ends as `bot-failed` with the first error,
 * after the caller has heard it out.
 *
 * @param onFailure is told of every failure
 */
export function botsInTurn(transport: WavixTransport, bots: readonly Bot[], onFailure: (error: unknown) => void): Bot {
  return async () => {
    let first: { error: unknown } | undefined;
    for (const [at, bot] of bots.entries()) {
      const failure = await new Attempt(transport).run(bot);
      if (transport.ending) return;
      if (failure === undefined) {
        if (first !== undefined) await transport.end({ endedBy: "bot", reason: "bot-failed", ...first });
        return;
      }
      first ??= failure;
      onFailure(failure.error);
      if (at < bots.length - 1) transport.interrupt();
    }
    throw first?.error;
  };
}

/** The call as one bot sees it that may fail: with the failure it is over for this bot, and for nobody else. */
class Attempt implements Call {
  readonly signal: AbortSignal;
  readonly #call: Call;
  readonly #aborter = new AbortController();
  #failed = false;
  #fail!: (error: unknown) => void;
  #unlisten: (() => void) | undefined;

  constructor(call: Call) {
    this.#call = call;
    this.signal = AbortSignal.any([call.signal, this.#aborter.signal]);
  }

  /** Settles when the bot has ended (undefined) or failed. Never rejects. */
  run(bot: Bot): Promise<{ error: unknown } | undefined> {
    return new Promise((resolve) => {
      this.#fail = (error) => {
        this.#failed = true;
        this.#unlisten?.();
        this.#aborter.abort();
        resolve({ error });
      };
      // A listener's failure ends the attempt while the bot still runs; what it does afterwards counts no more.
      new Promise<void>((done) => done(bot(this))).then(() => resolve(undefined), this.#fail);
    });
  }

  onFrame(listener: (frame: Frame) => unknown): () => void {
    if (this.#failed) return () => {};
    const unlisten = this.#call.onFrame((frame) => {
      try {
        const listening = listener(frame);
        if (listening instanceof Promise) listening.catch(this.#fail);
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#unlisten = unlisten;
    return unlisten;
  }

  /** A failed bot that still iterates takes one more frame of 20 ms from the next one, then no more. */
  async *frames(): AsyncGenerator<Frame, void, void> {
    if (this.#failed) return;
    for await (const frame of this.#call.frames()) {
      if (this.#failed) return;
      yield frame;
    }
  }

  input(): FrameProcessor {
    return new CallInput(this);
  }

  output(): FrameProcessor {
    return new CallOutput(this);
  }

  send(frame: Frame): Promise<void> {
    return this.#failed ? refused() : this.#call.send(frame);
  }

  beginUtterance(): Utterance {
    if (this.#failed) throw withAnother();
    return this.#call.beginUtterance();
  }

  interrupt(): Interruption {
    return this.#failed ? { heardMs: 0, droppedMs: 0, utterances: [] } : this.#call.interrupt();
  }

  async waitForPlayout(): Promise<void> {
    if (!this.#failed) await this.#call.waitForPlayout();
  }

  async hangUp(reason?: string): Promise<void> {
    if (!this.#failed) await this.#call.hangUp(reason);
  }

  note(name: string, text: string): void {
    if (!this.#failed) this.#call.note?.(name, text);
  }

  report(name: string, figures: Readonly<Record<string, number>>): void {
    if (!this.#failed) this.#call.report?.(name, figures);
  }

  get callId(): string | undefined {
    return this.#call.callId;
  }
  get streamId(): string | undefined {
    return this.#call.streamId;
  }
  get from(): string | undefined {
    return this.#call.from;
  }
  get to(): string | undefined {
    return this.#call.to;
  }
  get audioInSampleRate(): number {
    return this.#call.audioInSampleRate;
  }
  get playoutDelayMs(): number {
    return this.#call.playoutDelayMs;
  }
  get unheardMs(): number {
    return this.#call.unheardMs;
  }
  get closed(): Promise<CallEnd> {
    return this.#call.closed;
  }
  get control(): CallControl | undefined {
    const { control } = this.#call;
    if (control === undefined) return undefined;
    const { collect, play } = control;
    return {
      hangUp: () => this.#ask(() => control.hangUp()),
      ...(collect && { collect: (options) => this.#ask(() => collect(options)) }),
      ...(play && { play: (options) => this.#ask(() => play(options)) }),
    };
  }

  /** A failed bot asks for nothing any more. */
  #ask(asking: () => Promise<unknown>): Promise<unknown> {
    return this.#failed ? refused() : asking();
  }
}

function refused(): Promise<never> {
  const refusal = Promise.reject(withAnother());
  // A bot that does not await must not take the process down with a rejection nobody handles.
  refusal.catch(() => {});
  return refusal;
}

function withAnother(): CallError {
  return new CallError("CALL_OVER", "the call is with another bot: this one has failed");
}
