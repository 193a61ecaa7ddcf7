import { TTSAudioRawFrame } from "../../../../pipecat/index.ts";
import { CartesiaConnection } from "./connection.ts";
import { newCounters } from "./counters.ts";
import { CartesiaError } from "./errors.ts";
import { type CartesiaOptions, readOptions, SAMPLE_RATE } from "./options.ts";
import { isSpeakable, speakable } from "./speakable.ts";
import { Utterance } from "./utterance.ts";

/** The most that is kept, in ms: an announcement, not a book. */
const MAX_MS = 120_000;

/**
 * Says a text into memory, in one go.
 *
 * @returns signed 16-bit samples at 24 kHz, mono
 * @throws CartesiaError when it was not said to its end, or `signal` aborted
 * @throws TypeError | RangeError when an option is not what it must be
 * @example
 * const apology = await synthesize({ apiKey: "…" }, "I am sorry, I did not get that. Please say it again.");
 */
export async function synthesize(options: CartesiaOptions, text: string, signal?: AbortSignal): Promise<Int16Array> {
  const said = speakable(text);
  if (!isSpeakable(said)) return new Int16Array();
  const settings = readOptions(options);
  const counters = newCounters();
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  const keep = (audio: Uint8Array) => {
    byteLength += audio.length;
    chunks.push(audio);
    if (byteLength / 2 / SAMPLE_RATE > MAX_MS / 1000) {
      utterance.fail(new CartesiaError("CARTESIA_FAILED", `the text takes longer than ${MAX_MS / 1000} s to say`));
    }
  };
  const utterance: Utterance = new Utterance({
    settings,
    counters,
    send: (message) => connection.send(message),
    isHeldBack: () => false,
    emit: (frame) => {
      if (frame instanceof TTSAudioRawFrame) keep(frame.audio as Uint8Array);
    },
  });
  const connection: CartesiaConnection = new CartesiaConnection(settings, counters, {
    ready: () => utterance.ready(),
    answer: (answer) => void utterance.answer(answer),
    lost: () => utterance.lost(),
    failed: (error) => utterance.fail(error),
  });
  const abort = () => utterance.cancel();
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  try {
    utterance.say(said);
    utterance.complete();
    if (!signal?.aborted) connection.open();
    const how = await utterance.ended;
    if (how === "failed") throw utterance.error;
    if (how === "cancelled") throw new CartesiaError("CARTESIA_ABORTED", "the synthesis was aborted");
    const pcm = new Int16Array(byteLength >> 1);
    Buffer.concat(chunks).copy(new Uint8Array(pcm.buffer));
    return pcm;
  } finally {
    signal?.removeEventListener("abort", abort);
    connection.close();
  }
}
