/** What a server of ours says of its process, its workers included. */
export interface ServerMetrics {
  /** CPU time since the start of each, in ms. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** When it said so, by `performance.now()`. */
  readonly atMs: number;
}

/** Reads a server's `/metrics`; null when it has none like ours. */
export async function readServerMetrics(server: string): Promise<ServerMetrics | null> {
  try {
    const response = await fetch(new URL("/metrics", server), { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const sumOf = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      );
    const ownMs = 1_000 * sumOf("process_cpu_seconds_total");
    const ownBytes = sumOf("process_resident_memory_bytes");
    if (!(ownMs > 0 && ownBytes > 0)) return null;
    // The process that was asked may be the front door of others.
    const cpuMs = ownMs + 1_000 * sumOf("wavix_worker_cpu_seconds");
    const rssBytes = ownBytes + sumOf("wavix_worker_resident_memory_bytes");
    return { cpuMs, rssBytes, atMs: performance.now() };
  } catch {
    return null;
  }
}
