import type { ResamplerProfile } from "../../src/codec/index.ts";
import { designTaps, filterDelaySamples, type Taps } from "../../src/codec/taps.ts";
import { concat } from "../support/signals.ts";
import { resampleReference } from "./resampler.ts";

const tables = new Map<string, Taps>();

function tableOf(inputRate: number, outputRate: number, profile: ResamplerProfile): Taps {
  const key = `${inputRate} ${outputRate} ${profile}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = designTaps(inputRate, outputRate, profile);
    tables.set(key, table);
  }
  return table;
}

/** A stream that remembers all it was ever given, and asks the definition for each new sample. */
export class StreamReference {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly profile: ResamplerProfile;
  #past: Int16Array = new Int16Array(0);
  #given = 0;

  constructor(inputRate: number, outputRate: number, profile: ResamplerProfile) {
    this.inputRate = inputRate;
    this.outputRate = outputRate;
    this.profile = profile;
  }

  push(input: Int16Array): Int16Array {
    if (this.inputRate === this.outputRate) return input.slice();
    this.#past = concat([this.#past, input]);
    const output = resampleReference(this.#past, tableOf(this.inputRate, this.outputRate, this.profile), this.#given);
    this.#given += output.length;
    return output;
  }

  /** What silence brings out, as much of it as the filter is late; then the stream is as new. */
  flush(): Int16Array {
    const delay = filterDelaySamples(this.inputRate, this.outputRate, this.profile);
    const tail = this.push(new Int16Array(Math.ceil(delay)));
    this.reset();
    return tail;
  }

  reset(): void {
    this.#past = new Int16Array(0);
    this.#given = 0;
  }
}
