import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { type Pair, pairName } from "../../src/web/bench/pairs.ts";
import type { Convert } from "../../src/web/bench/quality.ts";
import { concat } from "../../src/web/bench/signals.ts";

const SOURCE = "bench/native/resample.c";
const PROGRAM = "build/bench/resample";
const MEMORY_STREAMS = 50;

/** A library that was found on this machine. */
export interface NativeLibrary {
  readonly name: "libsoxr" | "libspeexdsp";
  readonly version: string;
  readonly setting: string;
}

/** Compiles the program with what libraries there are, and says which. */
export function buildNative(): NativeLibrary[] {
  mkdirSync("build/bench", { recursive: true });
  rmSync(PROGRAM, { force: true });
  const soxr = { name: "libsoxr", flag: "-lsoxr", without: "-DNO_SOXR" } as const;
  const speexdsp = { name: "libspeexdsp", flag: "-lspeexdsp", without: "-DNO_SPEEXDSP" } as const;
  const both = [soxr, speexdsp];
  for (const found of [both, [soxr], [speexdsp]]) {
    const missing = both.filter((library) => !found.includes(library)).map(({ without }) => without);
    const flags = [...missing, ...found.map(({ flag }) => flag), "-lm"];
    const { status } = spawnSync("cc", ["-O2", "-o", PROGRAM, SOURCE, ...flags], { stdio: "ignore" });
    if (status === 0 && existsSync(PROGRAM)) return found.map(({ name }) => ({ name, ...describe(name) }));
  }
  return [];
}

function describe(name: NativeLibrary["name"]): Omit<NativeLibrary, "name"> {
  if (name === "libspeexdsp") {
    const { stdout } = spawnSync("pkg-config", ["--modversion", "speexdsp"], { encoding: "utf8" });
    return { version: stdout?.trim() ?? "", setting: "native, quality 7" };
  }
  const { stdout } = spawnSync(PROGRAM, ["version", name], { encoding: "utf8" });
  return { version: stdout.trim().replace("libsoxr-", ""), setting: "native, HQ, its default dither" };
}

/** Audio through a library: a process for each stream. */
export function convertNative({ name }: NativeLibrary, { inputRate, outputRate }: Pair): Convert {
  return (chunks) => {
    const samples = concat(chunks);
    const input = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    const { stdout, status, stderr } = spawnSync(PROGRAM, ["audio", name, `${inputRate}`, `${outputRate}`], {
      input,
      maxBuffer: 1 << 24,
    });
    if (status !== 0) throw new Error(`${name}: ${stderr.toString().trim()}`);
    const outputs: Int16Array[] = [];
    for (let at = 0; at < stdout.length; ) {
      const count = stdout.readUInt32LE(at);
      outputs.push(new Int16Array(Uint8Array.from(stdout.subarray(at + 4, at + 4 + count * 2)).buffer));
      at += 4 + count * 2;
    }
    return outputs;
  };
}

/** Resident bytes per stream, in a process of its own; null where the system does not tell. */
export function nativeBytesPerStream({ name }: NativeLibrary, { inputRate, outputRate }: Pair): number | null {
  const { stdout, status } = spawnSync(
    PROGRAM,
    ["memory", name, `${inputRate}`, `${outputRate}`, `${MEMORY_STREAMS}`],
    { encoding: "utf8" },
  );
  return status === 0 ? Number(stdout) : null;
}

/** The program as a child that stays, and times what it is told to. */
export class NativeTimer implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<unknown>;

  constructor() {
    this.#child = spawn(PROGRAM, ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#ended = once(this.#child, "exit");
  }

  /** @returns ns in all for so many chunks of 20 ms */
  async time({ name }: NativeLibrary, pair: Pair, chunkCount: number): Promise<number> {
    const answer = Promise.race([
      once(this.#lines, "line"),
      this.#ended.then((): never => {
        throw new Error(`${name} ended while ${pairName(pair)} was timed`);
      }),
    ]);
    this.#child.stdin!.write(`${name} ${pair.inputRate} ${pair.outputRate} ${chunkCount}\n`);
    return Number((await answer)[0]);
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}
