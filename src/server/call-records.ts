import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { CallRecord } from "./call-record.ts";
import { ServerError } from "./errors.ts";

/** Some 2000 records. A disk that is this far behind loses the newest, counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Call detail records: a line of JSON for every call that ended, added to a file or written to standard output. */
export class CallRecords {
  /** Records that could not be written. */
  lost = 0;
  readonly #out: Writable;
  readonly #onError: (error: unknown) => void;
  #broken = false;
  #closing: Promise<void> | undefined;

  /** @param onError called once, when the file cannot be written any more */
  private constructor(out: Writable, onError: (error: unknown) => void) {
    this.#out = out;
    this.#onError = onError;
    out.on("error", this.#fail);
  }

  /**
   * @param path `-` for standard output
   * @throws ServerError `BAD_CDR` when the file cannot be opened
   */
  static async open(path: string, onError: (error: unknown) => void): Promise<CallRecords> {
    if (path === "-") return new CallRecords(process.stdout, onError);
    const file = createWriteStream(path, { flags: "a", mode: 0o640 });
    try {
      await once(file, "open");
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      throw new ServerError("BAD_CDR", `CDR: ${path} cannot be written (${String(code)})`, { cause });
    }
    return new CallRecords(file, onError);
  }

  write(record: CallRecord): void {
    if (this.#broken || this.#out.writableLength > MAX_WAITING_BYTES) this.lost++;
    else this.#out.write(`${JSON.stringify(record)}\n`);
  }

  /** Settles when all is written, or cannot be. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#broken) return;
    if (this.#out === process.stdout) {
      await new Promise<void>((resolve) => this.#out.write("", () => resolve()));
      this.#out.off("error", this.#fail);
      return;
    }
    this.#out.end();
    await finished(this.#out).catch(() => undefined);
  }

  readonly #fail = (error: unknown): void => {
    if (this.#broken) return;
    this.#broken = true;
    this.#onError(error);
  };
}
