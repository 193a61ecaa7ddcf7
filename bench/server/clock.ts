import { Child } from "./child.ts";
import type { LoadFigures } from "./load.ts";
import { measureRound, openRows, type Row } from "./measure.ts";
import type { RowName } from "./rows/all.ts";

/** How exactly the packet clock keeps time: over a minute, beside whatever else the machine does. */
export interface ClockResult {
  readonly seconds: number;
  readonly calls: number;
  /** 1 when as much audio was sent as time went by. */
  readonly audioPerTime: number;
  readonly latenessP99Ms: number;
}

/** Calls that hold one core, or nearly, and how late their packets may come then. */
export interface PressureResult {
  readonly name: RowName;
  readonly calls: number;
  readonly latenessP99Ms: number;
  readonly latenessMaxMs: number;
  readonly goalMs: number;
  /** CPU time ÷ time. */
  readonly coresUsed: number;
  readonly callsShort: number;
}

const CLOCK_CALLS = 4;
const PRESSURE_SECONDS = 3;
const PRESSURES = [
  { name: "echo-24k", calls: 400, goalMs: 10 },
  { name: "echo-16k", calls: 500, goalMs: 40 },
  { name: "speech-24k", calls: 800, goalMs: 40 },
] as const satisfies { name: RowName; calls: number; goalMs: number }[];

/** A few calls of `speech-24k`, in processes of their own. */
export async function measureClock(seconds: number): Promise<ClockResult> {
  const load = new Child("load-child.js");
  const [row] = await openRows(["speech-24k"], () => {});
  try {
    const figures = await measureRound(row!, load, CLOCK_CALLS, seconds);
    const { audioPerTime, latenessP99Ms } = figures.load;
    return { seconds, calls: CLOCK_CALLS, audioPerTime, latenessP99Ms };
  } finally {
    row!.server.close();
    load.close();
  }
}

/** The rows that have a limit, with as many calls as it is for. */
export async function measurePressure(
  rows: readonly Row[],
  load: Child,
  onStep: (label: string) => void,
): Promise<PressureResult[]> {
  const results: PressureResult[] = [];
  for (const pressure of PRESSURES) {
    const row = rows.find(({ name }) => name === pressure.name);
    if (row === undefined) continue;
    onStep(`${row.name}: ${pressure.calls} calls`);
    const figures = await measureRound(row, load, pressure.calls, PRESSURE_SECONDS);
    const { latenessP99Ms, latenessMaxMs, callsShort }: LoadFigures = figures.load;
    const coresUsed = figures.server.cpuUs / figures.server.wallUs;
    results.push({ ...pressure, latenessP99Ms, latenessMaxMs, coresUsed, callsShort });
  }
  return results;
}
