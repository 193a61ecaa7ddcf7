import type { ContestantName } from "./plan.ts";
import { type Choice, contestantsOf, mustAgree, type Row, rowsOf } from "./plan.ts";
import type { Quality } from "./quality.ts";
import type { Runner } from "./questions.ts";
import { batchMsFor } from "./stopwatch.ts";

/** What happens in a contest, as it happens. */
export type ContestEvent =
  | {
      readonly kind: "ready";
      readonly names: readonly ContestantName[];
      readonly stepMs: number;
      readonly batchMs: number;
    }
  | { readonly kind: "absent"; readonly name: ContestantName; readonly reason: string }
  | {
      readonly kind: "proved";
      readonly row: Row;
      readonly agreed: readonly ContestantName[];
      readonly quality: Quality | undefined;
    }
  | { readonly kind: "warmed"; readonly row: Row }
  | { readonly kind: "timed"; readonly row: Row; readonly name: ContestantName; readonly nsPerPacket: number }
  | { readonly kind: "round"; readonly round: number };

/** Engines begin with quickly made, slow code and replace it as it runs. */
const WARM_UP_BATCHES = 4;

/**
 * Runs a contest: everyone's outcome of every row is compared first, then everyone warms up, then come the rounds, in
 * which the contestants take turns on each row, another one first each time. Only one works at any moment.
 *
 * @throws Error when two outcomes differ, when nobody can run, or when a runner fails or is closed
 *
 * @example
 * const runners = CONTESTANT_NAMES.map((name) => new WorkerRunner(name));
 * await runContest(choice, runners, (event) => console.log(event.kind));
 */
export async function runContest(
  choice: Choice,
  runners: readonly Runner[],
  listener: (event: ContestEvent) => void,
): Promise<void> {
  const rows = rowsOf(choice);
  const present: Runner[] = [];
  let stepMs = 0;
  for (const runner of runners) {
    try {
      stepMs = Math.max(stepMs, await runner.load());
      present.push(runner);
    } catch (error) {
      listener({ kind: "absent", name: runner.name, reason: (error as Error).message });
    }
  }
  if (present.length === 0) throw new Error("none of the variants runs in this browser");
  const batchMs = choice.batchMs ?? batchMsFor(stepMs);
  listener({ kind: "ready", names: present.map(({ name }) => name), stepMs, batchMs });
  const runnersOf = (row: Row) => present.filter(({ name }) => contestantsOf(row).includes(name));

  for (const row of rows) listener(await prove(row, runnersOf(row)));
  for (const row of rows) {
    for (const runner of runnersOf(row)) for (let i = 0; i < WARM_UP_BATCHES; i++) await runner.time(row, batchMs);
    listener({ kind: "warmed", row });
  }
  for (let round = 0; round < choice.rounds; round++) {
    for (const row of rows) {
      const turn = runnersOf(row);
      for (let i = 0; i < turn.length; i++) {
        const runner = turn[(i + round) % turn.length] as Runner;
        const nsPerPacket = await runner.time(row, batchMs);
        listener({ kind: "timed", row, name: runner.name, nsPerPacket });
      }
    }
    listener({ kind: "round", round: round + 1 });
  }
}

async function prove(row: Row, runners: readonly Runner[]): Promise<ContestEvent> {
  const [first, ...others] = runners.filter(({ name }) => mustAgree(row, name)) as [Runner, ...Runner[]];
  const expected = await first.prove(row);
  if (expected.length === 0) throw new Error(`${first.name} made nothing of ${describe(row)}`);
  for (const other of others) {
    const proof = await other.prove(row);
    const at = firstDifference(expected, proof);
    if (at >= 0) throw new Error(`${other.name} differs from ${first.name} at byte ${at} of ${describe(row)}`);
  }
  const quality = row.kind === "resample" ? await first.quality(row) : undefined;
  return { kind: "proved", row, agreed: [first, ...others].map(({ name }) => name), quality };
}

/** Where two outcomes differ first; −1 when they do not. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : length;
}

function describe(row: Row): string {
  return row.kind === "resample"
    ? `${row.inputRate} → ${row.outputRate} Hz, ${row.profile}`
    : `${row.kind} ${row.sampleRate} Hz`;
}
