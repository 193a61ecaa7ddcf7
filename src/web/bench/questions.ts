import type { ContestantName, ResampleRow, Row } from "./plan.ts";
import type { Quality } from "./quality.ts";

/** What the page asks a worker. */
export type Question =
  | { readonly ask: "load"; readonly name: ContestantName }
  | { readonly ask: "prove"; readonly row: Row }
  | { readonly ask: "quality"; readonly row: ResampleRow }
  | { readonly ask: "time"; readonly row: Row; readonly batchMs: number };

/** What a worker answers. */
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

/** One contestant, ready to be asked; the contest does not care where it runs. */
export interface Runner {
  readonly name: ContestantName;
  /** Gets ready; the smallest step of its clock, in ms. Rejects when this engine cannot run it. */
  load(): Promise<number>;
  /** The outcome of a row's work, to be compared with the others'. */
  prove(row: Row): Promise<Uint8Array>;
  quality(row: ResampleRow): Promise<Quality>;
  /** Runs about `batchMs` of a row's work; ns per step of 20 ms. */
  time(row: Row, batchMs: number): Promise<number>;
  close(): void;
}

/** A contestant in a Web Worker, away from the page, which stays smooth. */
export class WorkerRunner implements Runner {
  readonly name: ContestantName;
  readonly #worker: Worker;
  #question = 0;
  #closed = false;
  #pending: { id: number; resolve(value: unknown): void; reject(error: Error): void } | undefined;

  constructor(name: ContestantName) {
    this.name = name;
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      const pending = this.#pending;
      if (pending?.id !== data.id) return;
      this.#pending = undefined;
      if ("error" in data) pending.reject(new Error(data.error));
      else pending.resolve(data.value);
    });
    this.#worker.addEventListener("error", ({ message }) => {
      this.#pending?.reject(new Error(message || "the worker could not be loaded"));
      this.#pending = undefined;
    });
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error("stopped"));
    return new Promise((resolve, reject) => {
      const id = ++this.#question;
      this.#pending = { id, resolve, reject };
      this.#worker.postMessage({ id, question });
    });
  }

  load(): Promise<number> {
    return this.#ask({ ask: "load", name: this.name }) as Promise<number>;
  }
  prove(row: Row): Promise<Uint8Array> {
    return this.#ask({ ask: "prove", row }) as Promise<Uint8Array>;
  }
  quality(row: ResampleRow): Promise<Quality> {
    return this.#ask({ ask: "quality", row }) as Promise<Quality>;
  }
  time(row: Row, batchMs: number): Promise<number> {
    return this.#ask({ ask: "time", row, batchMs }) as Promise<number>;
  }

  /** Ends the worker at once, in the middle of whatever it does. */
  close(): void {
    this.#closed = true;
    this.#worker.terminate();
    this.#pending?.reject(new Error("stopped"));
    this.#pending = undefined;
  }
}
