import { spawnSync } from "node:child_process";
import { type Pair, pairName } from "../src/web/bench/pairs.ts";
import { type NativeLibrary, nativeBytesPerStream } from "./native/native.ts";
import type { Peer } from "./peers/peer.ts";

/** Runs one of the bench's own children, in a process that knows nothing yet; its answer is one line of JSON. */
export function runChild<T>(script: "memory-child" | "streams-child", ...args: string[]): T {
  const argv = ["--expose-gc", `build/bench/${script}.js`, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${script} ${args[0] ?? ""} failed: ${stderr.trim()}`);
  return JSON.parse(stdout) as T;
}

/**
 * Bytes per stream, by pair. The codec's own are exact: WebAssembly memory and heap; of the others, which keep theirs
 * in places of their own, what the process grows by.
 */
export function bytesPerStream({ name, memoryStreams }: Peer, pairs: readonly Pair[]): Record<string, number> {
  if (memoryStreams === 0) return Object.fromEntries(pairs.map((pair) => [pairName(pair), 0]));
  return runChild("memory-child", name, pairs.map(pairName).join());
}

/** The same for a native library. */
export function nativeBytes(library: NativeLibrary, pairs: readonly Pair[]): Record<string, number | null> {
  return Object.fromEntries(pairs.map((pair) => [pairName(pair), nativeBytesPerStream(library, pair)]));
}
