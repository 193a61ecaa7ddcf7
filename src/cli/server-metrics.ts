/** What a server of ours says of its process. */
export interface ServerMetrics {
  /** CPU time since its start, in ms. */
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
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    const cpuMs = 1_000 * value("process_cpu_seconds_total");
    const rssBytes = value("process_resident_memory_bytes");
    return Number.isFinite(cpuMs) && Number.isFinite(rssBytes) ? { cpuMs, rssBytes, atMs: performance.now() } : null;
  } catch {
    return null;
  }
}
