import { fir1, fir4, fir4Near } from "./fir.ts";
import { OUT, PCM, PCM_CAPACITY, type TwinMemory } from "./layout.ts";
import { Slots } from "./slots.ts";

const COARSE_BITS = 14;
/** Above this the strides of fir4Near are too few to pay. */
const NEAR = 8;
/** Whole taps are kept up to so many; then they are forgotten, and only the slots that use them hold them. 8 MB. */
const KEPT_TAPS = 1 << 21;

/** The streaming resamplers of one codec: assembly/resampler.ts, with the same exact positions. */
export class TwinResamplers {
  readonly #memory: TwinMemory;
  readonly #slots = new Slots();
  readonly #wholeTaps = new Map<number, Float32Array>();
  #keptTaps = 0;
  /** History and input as doubles. Grows with the longest filter. */
  #window = new Float64Array(0);

  constructor(memory: TwinMemory) {
    this.#memory = memory;
  }

  /** Bytes of the slots' histories, of the window and of the whole taps that are kept. */
  get byteLength(): number {
    return this.#slots.byteLength + this.#window.byteLength + this.#keptTaps * 4;
  }

  /** Opens a resampler; its handle, or 0 when there is no memory left. */
  open(
    address: number,
    interpolation: number,
    decimation: number,
    tapCount: number,
    coarseStart: number,
    coarseCount: number,
    fineBits: number,
  ): number {
    const taps = this.#tapsAt(address, interpolation, tapCount, coarseStart, coarseCount, fineBits);
    if (this.#window.length < tapCount + PCM_CAPACITY) this.#window = new Float64Array(tapCount + PCM_CAPACITY);
    const handle = this.#slots.open(tapCount, taps);
    const slot = this.#slots.find(handle);
    if (slot === undefined) return 0;
    slot.interpolation = interpolation;
    slot.decimation = decimation;
    this.reset(handle);
    return handle;
  }

  /** Fine and coarse taps put together: coarse · 2^−14 + fine · 2^−fineBits, which a float holds exactly: at most 24 bits. */
  #tapsAt(
    address: number,
    interpolation: number,
    tapCount: number,
    coarseStart: number,
    coarseCount: number,
    fineBits: number,
  ): Float32Array {
    const kept = this.#wholeTaps.get(address);
    if (kept !== undefined) return kept;
    const { samples } = this.#memory;
    const whole = new Float32Array(interpolation * tapCount);
    for (let row = 0; row < interpolation; row++) {
      const fine = address / 2 + row * (tapCount + coarseCount);
      const coarse = fine + tapCount;
      const to = row * tapCount;
      for (let j = 0; j < tapCount; j++) whole[to + j] = samples[fine + j]! / 2 ** fineBits;
      for (let j = 0; j < coarseCount; j++) whole[to + coarseStart + j]! += samples[coarse + j]! / 2 ** COARSE_BITS;
    }
    if (this.#keptTaps + whole.length > KEPT_TAPS) {
      this.#wholeTaps.clear();
      this.#keptTaps = 0;
    }
    this.#wholeTaps.set(address, whole);
    this.#keptTaps += whole.length;
    return whole;
  }

  /** Forgets the past: as if just opened. */
  reset(handle: number): boolean {
    const slot = this.#slots.find(handle);
    if (slot === undefined) return false;
    slot.phase = 0;
    slot.next = 0;
    slot.history.fill(0);
    return true;
  }

  close(handle: number): boolean {
    return this.#slots.close(handle);
  }

  /** Resamples `count` inputs at PCM to OUT; the number of outputs, or −1 for a stale handle. */
  process(handle: number, count: number): number {
    const slot = this.#slots.find(handle);
    if (slot === undefined) return -1;
    const { taps, interpolation, decimation, phase, next, history } = slot;
    const { samples } = this.#memory;
    const window = this.#window;
    const tapCount = history.length;
    for (let i = 0; i < tapCount; i++) window[i] = history[i]!;
    for (let i = 0, from = PCM / 2, to = tapCount; i < count; i++) window[to + i] = samples[from + i]!;

    // Output q has its newest input at next + (phase + q · decimation) / interpolation, which must lie below count.
    const room = (count - next) * interpolation - phase;
    const outputs = room <= 0 ? 0 : Math.ceil(room / decimation);
    // Outputs `interpolation` apart have the same phase, and their inputs lie `decimation` apart.
    const distinct = Math.min(interpolation, outputs);
    const wholeStep = (decimation / interpolation) | 0;
    const phaseStep = decimation % interpolation;
    const rounds = (outputs / interpolation) | 0;
    const longer = outputs % interpolation;
    let oldest = 1 + next;
    let rowPhase = phase;
    for (let r = 0; r < distinct; r++) {
      const row = rowPhase * tapCount;
      const rowEnd = row + tapCount;
      let x = oldest;
      let y = OUT / 2 + r;
      let left = r < longer ? rounds + 1 : rounds;
      for (; left >= 4; left -= 4) {
        if (decimation <= NEAR) fir4Near(window, x, decimation, taps, row, rowEnd, samples, y, interpolation);
        else fir4(window, x, decimation, taps, row, rowEnd, samples, y, interpolation);
        x += 4 * decimation;
        y += 4 * interpolation;
      }
      for (; left > 0; left--) {
        samples[y] = fir1(window, x, taps, row, rowEnd);
        x += decimation;
        y += interpolation;
      }
      oldest += wholeStep;
      rowPhase += phaseStep;
      if (rowPhase >= interpolation) {
        rowPhase -= interpolation;
        oldest++;
      }
    }

    const end = phase + outputs * decimation;
    slot.phase = end % interpolation;
    slot.next = next + Math.floor(end / interpolation) - count;
    for (let i = 0; i < tapCount; i++) history[i] = window[count + i]!;
    return outputs;
  }
}
