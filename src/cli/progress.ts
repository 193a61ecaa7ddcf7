const WIDTH = 32;

/** A bar on a terminal, redrawn in place; on a pipe, nothing. */
export class Progress {
  readonly #enabled: boolean;
  #drawn = false;

  constructor(enabled: boolean) {
    this.#enabled = enabled && process.stderr.isTTY === true;
  }

  /** Draws the bar; `share` from 0 to 1. */
  update(label: string, share: number): void {
    if (!this.#enabled) return;
    const filled = Math.round(WIDTH * Math.max(0, Math.min(1, share)));
    process.stderr.write(`\r\x1b[2K${"━".repeat(filled)}${"╌".repeat(WIDTH - filled)} ${label}`);
    this.#drawn = true;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) process.stderr.write("\r\x1b[2K");
    this.#drawn = false;
  }
}
