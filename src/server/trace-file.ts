import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { MAX_TRACE_BYTES } from "../wavix/trace/index.ts";

/** Some ten seconds of a call with audio. A disk that is this far behind loses the newest, counted. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** The last line has room in a file that is full. */
const LAST_LINE_BYTES = 1024;

/** A file of JSON lines that only its owner may read, written while the call goes on and never waited for. */
export class TraceFile {
  /** Lines that are not there: the disk was slow or full, or the file is. */
  lost = 0;
  readonly #out: ReturnType<typeof createWriteStream>;
  readonly #onError: (error: unknown) => void;
  readonly #maxBytes: number;
  #bytes = 0;
  #full = false;
  #broken = false;
  #closing: Promise<void> | undefined;

  /**
   * @param flags `wx` makes a file and refuses one that is there; tests write to a device
   * @param onError called once, when the file cannot be written any more
   */
  constructor(path: string, onError: (error: unknown) => void, maxBytes = MAX_TRACE_BYTES, flags = "wx") {
    this.#out = createWriteStream(path, { flags, mode: 0o600 });
    this.#onError = onError;
    this.#maxBytes = maxBytes;
    this.#out.on("error", (error) => {
      if (this.#broken) return;
      this.#broken = true;
      this.#onError(error);
    });
  }

  write(line: object): void {
    if (this.#broken || this.#full || this.#closing !== undefined || this.#out.writableLength > MAX_WAITING_BYTES) {
      this.lost++;
      return;
    }
    const text = `${JSON.stringify(line)}\n`;
    this.#bytes += Buffer.byteLength(text);
    // Once full it stays full: a trace without its long messages would lie.
    this.#full = this.#bytes > this.#maxBytes - LAST_LINE_BYTES;
    if (this.#full) this.lost++;
    else this.#out.write(text);
  }

  /** Writes the last line, to be made when it is known what was lost, and ends the file. Never rejects. */
  close(last?: (lost: number) => object): Promise<void> {
    this.#closing ??= this.#close(last);
    return this.#closing;
  }

  async #close(last: ((lost: number) => object) | undefined): Promise<void> {
    if (!this.#broken) this.#out.end(last === undefined ? "" : `${JSON.stringify(last(this.lost))}\n`);
    await finished(this.#out).catch(() => undefined);
  }
}
