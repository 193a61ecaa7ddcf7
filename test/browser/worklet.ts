import { loadCodecSync } from "../../dist/codec/index.js";
import { answerAtOnce, type Setup } from "./place.ts";

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: unknown): void;

/** Answers, and then resamples what it hears, from 48 kHz to 24 kHz; every other sample of its output is that. */
class Exerciser extends AudioWorkletProcessor {
  #resampler: ReturnType<ReturnType<typeof loadCodecSync>["createResampler"]> | undefined;

  constructor({ processorOptions }: { processorOptions: Setup }) {
    super();
    const answer = answerAtOnce(processorOptions);
    if (!("error" in answer)) this.#resampler = loadCodecSync(processorOptions).createResampler(48000, 24000);
    const missing = ["TextDecoder", "TextEncoder", "fetch", "atob", "setTimeout"].filter(
      (name) => !(name in globalThis),
    );
    this.port.postMessage({ answer, missing });
  }

  process([input]: [Float32Array[]], [output]: [Float32Array[]]): boolean {
    const [samples] = input;
    if (samples === undefined || this.#resampler === undefined) return true;
    const resampled = this.#resampler.processFloat32(samples);
    for (const [i, sample] of resampled.entries()) (output[0] as Float32Array)[2 * i] = sample;
    return true;
  }
}

registerProcessor("exerciser", Exerciser);
