import { readdirSync, readFileSync } from "node:fs";
import { vi } from "vitest";

/** Whether a process runs; one that has ended does not, though nobody has taken note of it yet. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** Settles when none of them runs. */
export async function untilGone(...pids: number[]): Promise<void> {
  await vi.waitFor(
    () => {
      const left = pids.filter(isRunning);
      if (left.length > 0) throw new Error(`processes ${left.join(", ")} are still there`);
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** The children of a process, with their names. Linux only. */
export function childrenOf(parent: number): { pid: number; name: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, name, , ppid] = readFileSync(`/proc/${pid}/stat`, "latin1").match(/\((.*)\) (\S) (\d+) /) ?? [];
        return Number(ppid) === parent ? [{ pid: Number(pid), name: name as string }] : [];
      } catch {
        return [];
      }
    });
}
