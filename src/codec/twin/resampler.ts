import { designRatio, type ProfileDesign } from "../taps.ts";
import { fir1, fir4, fir4Near } from "./fir.ts";
import { OUT, PCM, PCM_CAPACITY, type TwinMemory } from "./layout.ts";
import { Slots } from "./slots.ts";
import { rowTable } from "./tap-rows.ts";

/** Above this the strides of fir4Near are too few to pay. */
const NEAR = 8;
/** All pairs of all profiles take less. */
const TABLES_LIMIT = 8 << 20;
/** Where the directory of a table begins; see tap-rows.ts. */
const DIRECTORY_WORDS = 16;
/** Samples that a row read backwards may reach beyond the newest one; their taps are zero. */
const BEYOND = 16;

/** The streaming resamplers of one codec: assembly/resampler.ts, with the same exact positions. */
export class TwinResamplers {
  readonly #memory: TwinMemory;
  readonly #slots = new Slots();
  #tablesByteLength = 0;
  /** History and input as doubles, and the same with the newest first. They grow with the longest filter. */
  #window = new Float64Array(0);
  #backwards = new Float64Array(0);

  constructor(memory: TwinMemory) {
    this.#memory = memory;
  }

  /** Bytes of the slots' histories and of the windows. */
  get byteLength(): number {
    return this.#slots.byteLength + this.#window.byteLength + this.#backwards.byteLength;
  }

  /** Makes the tap table for a ratio of rates; its address, or 0 when there is no memory left. */
  design(interpolation: number, decimation: number, profile: ProfileDesign): number {
    const table = rowTable(designRatio(interpolation, decimation, profile));
    if (this.#tablesByteLength + table.byteLength > TABLES_LIMIT) return 0;
    const address = this.#memory.allocate(table.byteLength);
    if (address === 0) return 0;
    this.#memory.bytes.set(table, address);
    this.#tablesByteLength += table.byteLength;
    return address;
  }

  /** Opens a resampler with the tap table at that address; its handle, or 0 when there is no memory left. */
  open(table: number): number {
    const { words } = this.#memory;
    const tapCount = words[table / 4 + 2]!;
    if (this.#window.length < tapCount + PCM_CAPACITY) {
      this.#window = new Float64Array(tapCount + PCM_CAPACITY);
      this.#backwards = new Float64Array(BEYOND + tapCount + PCM_CAPACITY);
    }
    const handle = this.#slots.open(tapCount, table);
    const slot = this.#slots.find(handle);
    if (slot === undefined) return 0;
    slot.interpolation = words[table / 4]!;
    slot.decimation = words[table / 4 + 1]!;
    this.reset(handle);
    return handle;
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
    const { interpolation, decimation, phase, next, history } = slot;
    const { samples, words, floats: taps } = this.#memory;
    const directory = slot.table / 4 + DIRECTORY_WORDS;
    const rows = (slot.table + words[slot.table / 4 + 4]!) / 4;
    const window = this.#window;
    const backwards = this.#backwards;
    const tapCount = history.length;
    const last = BEYOND + tapCount + count - 1;
    for (let i = 0; i < tapCount; i++) backwards[last - i] = window[i] = history[i]!;
    for (let i = 0, from = PCM / 2, to = tapCount; i < count; i++) {
      backwards[last - to - i] = window[to + i] = samples[from + i]!;
    }

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
      const entry = words[directory + rowPhase]!;
      const row = rows + (entry & 0xffff) * tapCount;
      const rowEnd = row + tapCount;
      const forwards = entry >>> 31 === 0;
      const line = forwards ? window : backwards;
      const step = forwards ? decimation : -decimation;
      let x = forwards ? oldest : BEYOND + count - oldest - ((entry >>> 16) & 0x7fff);
      let y = OUT / 2 + r;
      let left = r < longer ? rounds + 1 : rounds;
      for (; left >= 4; left -= 4) {
        if (decimation > NEAR) fir4(line, x, step, taps, row, rowEnd, samples, y, interpolation);
        else if (forwards) fir4Near(line, x, step, taps, row, rowEnd, samples, y, interpolation);
        else fir4Near(line, x + 3 * step, -step, taps, row, rowEnd, samples, y + 3 * interpolation, -interpolation);
        x += 4 * step;
        y += 4 * interpolation;
      }
      for (; left > 0; left--) {
        samples[y] = fir1(line, x, taps, row, rowEnd);
        x += step;
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
