import { summaryOf } from "../src/web/bench/summary.ts";
import { runChild } from "./memory.ts";
import type { StreamFigures } from "./report.ts";

/** What one process found; see streams-child.ts. */
export interface StreamSample extends Omit<StreamFigures, "firstCreationMs" | "firstCreationAnyPairMs"> {
  /** By pair. */
  readonly firstCreationMs: Record<string, number>;
}

const PROCESSES = 3;

/** What a stream takes: the median of three fresh processes. */
export function measureStreams(): StreamFigures {
  return combine(Array.from({ length: PROCESSES }, () => runChild<StreamSample>("streams-child")));
}

/** Each figure's median; of the first creations, the slowest pair's. */
export function combine(samples: readonly StreamSample[]): StreamFigures {
  const of = (figure: (sample: StreamSample) => number) => summaryOf(samples.map(figure)).median;
  const pairs = Object.keys(samples[0]!.firstCreationMs);
  const slowest = (some: string[]) => Math.max(...some.map((pair) => of((sample) => sample.firstCreationMs[pair]!)));
  return {
    wasmBytesPerResampler: of((sample) => sample.wasmBytesPerResampler),
    residentBytesPerStream: of((sample) => sample.residentBytesPerStream),
    creationUs: of((sample) => sample.creationUs),
    firstCreationMs: slowest(pairs.filter((pair) => pair.split("-").includes("24000"))),
    firstCreationAnyPairMs: slowest(pairs),
    cycles: {
      count: samples[0]!.cycles.count,
      bytesBefore: of((sample) => sample.cycles.bytesBefore),
      bytesAfter: of((sample) => sample.cycles.bytesAfter),
    },
  };
}
