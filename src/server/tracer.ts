import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TRACE_FORMAT, TRACE_VERSION } from "../wavix/trace/index.ts";
import { CallTrace } from "./call-trace.ts";
import { ServerError } from "./errors.ts";
import { FollowedCall, type MadeTrace } from "./followed-call.ts";
import { TraceFile } from "./trace-file.ts";

/** Traces that may lie in the folder. No call is traced beyond that until some are taken away. */
export const MAX_TRACES = 200;
/** How often the folder is looked into, at most: others put traces there too, or take some away. */
const LOOK_AGAIN_MS = 1_000;

export interface TracerOptions {
  readonly directory: string;
  /** Every call from its beginning, or those that are asked for. */
  readonly calls: "all" | "asked";
  readonly audio: boolean;
  /** Called for every trace that is given up. */
  onError(error: unknown, callId: string | undefined): void;
}

/** Makes the traces of a server's calls. */
export class Tracer {
  /** Calls that were to be traced when there was no room for one more file. */
  untraced = 0;
  readonly #options: TracerOptions;
  readonly #open = new Map<CallTrace, TraceFile>();
  /** In the folder when it was last looked into, and those made since. */
  #fileCount: number;
  #madeCount = 0;
  #lookedAtMs = performance.now();
  #lostBefore = 0;
  readonly #package = packageVersion();

  private constructor(options: TracerOptions, fileCount: number) {
    this.#options = options;
    this.#fileCount = fileCount;
  }

  /** @throws ServerError `BAD_TRACE_DIR` when no file can be made in the directory */
  static async open(options: TracerOptions): Promise<Tracer> {
    const { directory } = options;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const probe = join(directory, `.probe-${randomUUID()}`);
      await writeFile(probe, "", { flag: "wx", mode: 0o600 });
      await rm(probe);
      return new Tracer(options, await countTraces(directory));
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      throw new ServerError("BAD_TRACE_DIR", `TRACE_DIR: ${directory} cannot be written (${String(code)})`, { cause });
    }
  }

  /** Lines that could not be written. */
  get lostLines(): number {
    let lost = this.#lostBefore;
    for (const file of this.#open.values()) lost += file.lost;
    return lost;
  }

  /** A call has begun. */
  follow(callId: string | undefined): FollowedCall {
    const followed = new FollowedCall((midCall) => this.#trace(callId, midCall));
    if (this.#options.calls === "all") followed.begin(false);
    return followed;
  }

  #trace(callId: string | undefined, midCall: boolean): MadeTrace | undefined {
    this.#lookAgain();
    if (this.#fileCount >= MAX_TRACES) {
      this.untraced++;
      return undefined;
    }
    this.#fileCount++;
    this.#madeCount++;
    const { directory, audio, onError } = this.#options;
    const startedAt = new Date().toISOString();
    const time = startedAt.replace(/[-:.]/g, "");
    const name = `${time}-${callId?.replace(/[^\w-]/g, "_").slice(0, 64) ?? `open-${randomUUID().slice(0, 8)}`}.jsonl`;
    const file = new TraceFile(join(directory, name), (error) => onError(error, callId));
    const ids = callId === undefined ? {} : { callId };
    const trace = new CallTrace(
      file,
      { format: TRACE_FORMAT, version: TRACE_VERSION, package: this.#package, startedAt, ...ids, audio, midCall },
      () => {
        this.#open.delete(trace);
        this.#lostBefore += file.lost;
      },
    );
    this.#open.set(trace, file);
    return { trace, name };
  }

  #lookAgain(): void {
    if (performance.now() - this.#lookedAtMs < LOOK_AGAIN_MS) return;
    this.#lookedAtMs = performance.now();
    const madeBefore = this.#madeCount;
    countTraces(this.#options.directory).then(
      (count) => {
        this.#fileCount = count + this.#madeCount - madeBefore;
      },
      // It is gone, or not to be read: nothing can be counted, nor written.
      () => undefined,
    );
  }

  /** Settles when all traces are written, or cannot be. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((trace) => trace.close()));
  }
}

async function countTraces(directory: string): Promise<number> {
  return (await readdir(directory)).filter((name) => name.endsWith(".jsonl")).length;
}

/** Read when the first server that traces is opened, and not in mid-call. */
function packageVersion(): string {
  const manifest: { version?: unknown } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return String(manifest.version);
}
