import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";

/** As much as the end of a traceback has. */
const MAX_BYTES = 4_096;

/**
 * The last that a process has said before it was given a call. From then on its output may hold what a caller has said,
 * and is read without being looked at.
 */
export class OutputTail {
  #chunks: Buffer[] = [];
  #byteLength = 0;
  #forgetting = false;

  /** @param streams null where the output goes elsewhere */
  constructor(...streams: (Readable | null)[]) {
    for (const stream of streams) {
      stream?.on("data", (chunk: Buffer) => this.#add(chunk));
      stream?.on("error", () => undefined);
    }
  }

  forget(): void {
    this.#forgetting = true;
    this.#chunks = [];
  }

  get text(): string {
    return Buffer.concat(this.#chunks).subarray(-MAX_BYTES).toString().trim();
  }

  #add(chunk: Buffer): void {
    if (this.#forgetting) return;
    this.#chunks.push(chunk);
    this.#byteLength += chunk.length;
    while (this.#byteLength - (this.#chunks[0] as Buffer).length >= MAX_BYTES) {
      this.#byteLength -= (this.#chunks.shift() as Buffer).length;
    }
  }
}
