import type { Call } from "../../call/index.ts";
import { type OutputAudioRawFrame, TTSStoppedFrame } from "../../pipecat/index.ts";

/** So much of an answer is still heard when a service has gone for good, in ms: nobody hears the caller any more. */
const MAX_UNHEARD_MS = 5_000;

/** Says something for the last time, behind what the caller is still hearing unless that is long. Never rejects. */
export async function sayLastWords(call: Call, words: OutputAudioRawFrame): Promise<void> {
  try {
    if (call.unheardMs > MAX_UNHEARD_MS) call.interrupt();
    await call.send(words);
    await call.send(new TTSStoppedFrame());
    await call.waitForPlayout();
  } catch {
    // The caller has hung up meanwhile.
  }
}
