import { readFile } from "node:fs/promises";
import type { Bot } from "../call/index.ts";
import { SAMPLE_RATES } from "../codec/index.ts";
import { OutputAudioRawFrame } from "../pipecat/index.ts";
import { ServerError } from "./errors.ts";

/** Five minutes at 48 kHz, mono. A prompt is a sentence. */
const MAX_BYTES = 5 * 60 * 48_000 * 2;

/**
 * A bot that says what is in a WAV file, then ends. The file is read once.
 *
 * @param path a WAV of PCM16, at one of the codec's rates, 1 to 8 channels
 * @throws ServerError `BAD_PROMPT`, which says what is wrong with the file
 * @example
 * const sorry = await readPrompt("sorry.wav");
 */
export async function readPrompt(path: string): Promise<Bot> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ServerError("BAD_PROMPT", `the prompt ${path} cannot be read (${(cause as { code?: string }).code})`, {
      cause,
    });
  }
  const wav = parsePcm16Wav(bytes);
  if (typeof wav === "string") throw new ServerError("BAD_PROMPT", `the prompt ${path} ${wav}`);
  return async (call) => {
    await call.send(new OutputAudioRawFrame(wav));
    await call.waitForPlayout();
  };
}

interface Pcm16Wav {
  audio: Int16Array;
  sampleRate: number;
  numChannels: number;
}

/** The audio of a WAV, or what is wrong with it. */
function parsePcm16Wav(bytes: Buffer): Pcm16Wav | string {
  if (bytes.length > MAX_BYTES) return `must have at most ${MAX_BYTES} bytes, got ${bytes.length}`;
  if (bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WAVE") return "is no WAV";
  let format: { sampleRate: number; numChannels: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString("latin1", at, at + 4);
    const byteLength = bytes.readUInt32LE(at + 4);
    const chunk = bytes.subarray(at + 8, at + 8 + byteLength);
    if (name === "fmt " && chunk.length >= 16) {
      const [kind, numChannels, sampleRate] = [chunk.readUInt16LE(0), chunk.readUInt16LE(2), chunk.readUInt32LE(4)];
      if ((kind !== 1 && kind !== 0xfffe) || chunk.readUInt16LE(14) !== 16) return "must be PCM of 16 bits";
      if (numChannels < 1 || numChannels > 8) return `must have 1 to 8 channels, got ${numChannels}`;
      if (!(SAMPLE_RATES as readonly number[]).includes(sampleRate)) {
        return `must have a rate of ${SAMPLE_RATES.join(", ")} Hz, got ${sampleRate}`;
      }
      format = { sampleRate, numChannels };
    } else if (name === "data" && format !== undefined) {
      const audio = new Int16Array(Math.floor(chunk.length / 2 / format.numChannels) * format.numChannels);
      for (let i = 0; i < audio.length; i++) audio[i] = chunk.readInt16LE(i * 2);
      return { audio, ...format };
    }
    // Chunks are padded to even lengths.
    at += 8 + byteLength + (byteLength % 2);
  }
  return "has no audio";
}
