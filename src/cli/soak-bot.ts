import { echoBot } from "../bots/index.ts";
import type { Bot } from "../call/index.ts";
import { InputAudioRawFrame, OutputAudioRawFrame } from "../pipecat/index.ts";

/** What the bot of `soak` does is chosen by the number that was called. */
export const SOAK_NUMBERS = {
  /** Repeats what it hears until the caller goes. */
  echo: "+12025550100",
  /** Says something and hangs up. */
  says: "+12025550101",
  /** Speaks far ahead of time, falls silent when the caller speaks, and begins again. */
  interrupted: "+12025550102",
} as const;

const SAMPLE_RATE = 16_000;
const echo = echoBot();

/** A tone, long enough to be interrupted. */
function tone(seconds: number): OutputAudioRawFrame {
  const audio = Int16Array.from({ length: seconds * SAMPLE_RATE }, (_, at) => 3_000 * Math.sin(at / 4));
  return new OutputAudioRawFrame({ audio, sampleRate: SAMPLE_RATE, numChannels: 1 });
}

/**
 * The bot of `soak`: three in one.
 *
 * @example
 * const server = createServer({ bot: soakBot });
 */
export const soakBot: Bot = async (call) => {
  if (call.to === SOAK_NUMBERS.says) {
    for (let n = 0; n < 4; n++) await call.send(tone(0.5));
  } else if (call.to === SOAK_NUMBERS.interrupted) {
    call.onFrame((frame) => {
      const isLoud = frame instanceof InputAudioRawFrame && frame.audio.some((sample) => sample > 4_000);
      if (!isLoud) return;
      call.interrupt();
      void call.send(tone(3));
    });
    await call.closed;
  } else await echo(call);
};
