import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { readServerMetrics } from "../../src/cli/server-metrics.ts";

let text = "";
const server = createServer((_, response) => response.end(text));
afterEach(() => void server.close());

it("adds the workers to their front door, and knows a page that is not ours", async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/wavix/inbound`;
  const own = "process_cpu_user_seconds_total 9\nprocess_cpu_seconds_total 0.5\nprocess_resident_memory_bytes 7e+07\n";
  text = own;
  expect(await readServerMetrics(url)).toMatchObject({ cpuMs: 500, rssBytes: 70e6 });
  text += 'wavix_worker_cpu_seconds{worker="1"} 2\nwavix_worker_cpu_seconds{worker="2"} 0.25\n';
  text += 'wavix_worker_resident_memory_bytes{worker="1"} 1000\n';
  expect(await readServerMetrics(url)).toMatchObject({ cpuMs: 2_750, rssBytes: 70_001_000 });
  text = "# nothing of a process\nrequests_total 5\n";
  expect(await readServerMetrics(url)).toBeNull();
});
