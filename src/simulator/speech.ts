import { readWavFile, type WavRecording } from "./wav.ts";

/**
 * The recording with which the demo calls: 5.8 s of friendly speech without a pause, 16 kHz mono, peak at -6 dBFS.
 *
 * @example
 * const { samples, sampleRate } = readSpeechRecording();
 * simulator.placeCall({ webhookUrl, callerAudio: prepareCallerAudio(samples, sampleRate) });
 */
export function readSpeechRecording(): WavRecording {
  // espeak-ng -v en-us+f3 -s 165 -z -w raw.wav "Hello there, this is a friendly test of the line, each fresh sentence
  //   should sound just as she said it."
  // sox -D raw.wav -r 16000 -c 1 -b 16 speech.wav silence 1 0.01 0.3% reverse silence 1 0.01 0.3% reverse norm -6
  return readWavFile(new URL("./speech.wav", import.meta.url));
}
