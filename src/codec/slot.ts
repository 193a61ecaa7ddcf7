import type { Core } from "./core.ts";
import { CodecError } from "./errors.ts";
import type { ResamplerProfile } from "./taps.ts";

/** Who owns the WebAssembly instance that is to be used now; a trap puts a new one in its place. */
export interface CoreOwner {
  readonly core: Core;
}

/**
 * The place of one resampler in the codec's memory, found again after the instance was replaced.
 * Equal rates need no place: their handle is 0, which every call understands as "copy".
 */
export class ResamplerSlot {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly profile: ResamplerProfile;
  /** How often the past was lost to a trap, of whichever stream. */
  discontinuities = 0;
  readonly #owner: CoreOwner;
  #core: Core;
  #handle: number;
  #closed = false;

  constructor(owner: CoreOwner, inputRate: number, outputRate: number, profile: ResamplerProfile) {
    this.inputRate = inputRate;
    this.outputRate = outputRate;
    this.profile = profile;
    this.#owner = owner;
    this.#core = owner.core;
    this.#handle = this.#open();
  }

  #open(): number {
    return this.inputRate === this.outputRate ? 0 : this.#core.open(this.inputRate, this.outputRate, this.profile);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The handle in the present instance; opened anew, with an empty past, when the instance was replaced. */
  handle(what: string): number {
    if (this.#closed) throw new CodecError("CODEC_CLOSED", `the ${what} is closed`);
    if (this.#core !== this.#owner.core) {
      this.#core = this.#owner.core;
      this.discontinuities++;
      this.#handle = this.#open();
    }
    return this.#handle;
  }

  reset(what: string): void {
    const handle = this.handle(what);
    if (handle === 0) return;
    try {
      this.#core.exports.reset(handle);
    } catch (cause) {
      throw this.#core.trapped(cause);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#handle !== 0 && this.#core === this.#owner.core) this.#core.close(this.#handle);
  }
}
