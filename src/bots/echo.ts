import type { Bot } from "../call/index.ts";
import { InputAudioRawFrame, OutputAudioRawFrame } from "../pipecat/index.ts";

export interface EchoBotOptions {
  /** Length of the tone that says the line is up, in ms; 0 for none. Default 400. */
  readonly greetingMs?: number;
}

const TONE_SAMPLE_RATE = 16_000;

/** A tone of 440 Hz at −18 dBFS, faded in and out so that it does not click. */
function greetingTone(durationMs: number): Int16Array {
  const length = Math.round((durationMs * TONE_SAMPLE_RATE) / 1_000);
  const fade = Math.min(length / 2, TONE_SAMPLE_RATE / 50);
  return Int16Array.from({ length }, (_, i) => {
    const edge = Math.min(1, i / fade, (length - 1 - i) / fade);
    return 4_100 * edge * Math.sin((2 * Math.PI * 440 * i) / TONE_SAMPLE_RATE);
  });
}

/**
 * The caller hears itself, after a short tone. What is said during the tone is not repeated: it would come late.
 *
 * @example
 * const server = createServer({ bot: echoBot() });
 */
export function echoBot(options: EchoBotOptions = {}): Bot {
  const { greetingMs = 400 } = options;
  const tone = greetingTone(greetingMs);
  return async (call) => {
    if (tone.length > 0) {
      await call.send(new OutputAudioRawFrame({ audio: tone, sampleRate: TONE_SAMPLE_RATE, numChannels: 1 }));
    }
    let greeting = tone.length > 0;
    call.onFrame((frame) => {
      if (!(frame instanceof InputAudioRawFrame)) return;
      // The echo begins right behind the tone, while as much of it is left as the playout delay asks for: later, and
      // the caller would hear a hole; earlier, and the echo would stay late for good.
      greeting &&= call.unheardMs > call.playoutDelayMs;
      // Not awaited: an echo cannot get ahead of its caller.
      if (!greeting) void call.send(frame);
    });
    await call.closed;
  };
}
