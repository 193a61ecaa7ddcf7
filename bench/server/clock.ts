import { Child } from "./child.ts";
import type { RowName } from "./rows/all.ts";
import { openCalls, openRows, type Row, type Turn, takeTurn } from "./turns.ts";
import type { WriteFigures } from "./writes.ts";

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
  /** How late the load was itself: what it sends late cannot be answered in time. */
  readonly sendLateP99Ms: number;
  /** CPU time ÷ time. */
  readonly coresUsed: number;
  readonly callsShort: number;
}

const CLOCK_CALLS = 4;
const PRESSURE_SECONDS = 2;
const PRESSURES = [
  { name: "echo-24k", calls: 400, goalMs: 10 },
  { name: "echo-16k", calls: 500, goalMs: 40 },
  { name: "speech-24k", calls: 800, goalMs: 40 },
] as const satisfies { name: RowName; calls: number; goalMs: number }[];

/** A few calls of `speech-24k`, in processes of their own. */
export async function measureClock(seconds: number): Promise<ClockResult> {
  const load = new Child("server/load-child.js");
  const [row] = await openRows(["speech-24k"], () => {});
  try {
    const { audioPerTime, latenessP99Ms } = await watchedTurn(row!, load, CLOCK_CALLS, seconds);
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
    const turn = await watchedTurn(row, load, pressure.calls, PRESSURE_SECONDS);
    const { latenessP99Ms, latenessMaxMs, callsShort, sendLateP99Ms } = turn;
    results.push({
      ...pressure,
      latenessP99Ms,
      latenessMaxMs,
      callsShort,
      sendLateP99Ms,
      coresUsed: turn.cpuUs / turn.wallUs,
    });
  }
  return results;
}

async function watchedTurn(
  row: Row,
  load: Child,
  calls: number,
  seconds: number,
): Promise<WriteFigures & Turn["server"] & Turn["load"]> {
  // Room for settling, and for a server that is slow to answer: its callers go on meanwhile.
  await openCalls(row, load, calls, 2 * seconds + 2);
  await row.server.ask("watchWrites");
  const turn = await takeTurn(row, load, seconds);
  const writes = await row.server.ask<WriteFigures>("writes");
  await load.ask("close", row.port);
  return { ...turn.server, ...turn.load, ...writes };
}
