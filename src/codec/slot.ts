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
    this.#handle = this.#open(this.#core);
  }

  #open(core: Core): number {
    return this.inputRate === this.outputRate ? 0 : core.open(this.inputRate, this.outputRate, this.profile);
  }

  /** The handle in the present instance; opened anew, with an empty past, when the instance was replaced. */
  handle(what: string): number {
    if (this.#closed) throw new CodecError("CODEC_CLOSED", `the ${what} is closed`);
    const { core } = this.#owner;
    if (this.#core !== core) {
      // Only once it stands: the old handle may be somebody else's in the new instance.
      this.#handle = this.#open(core);
      this.#core = core;
      this.discontinuities++;
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
    if (this.#handle !== 0) this.#core.close(this.#handle);
  }
}
