import { type BotReport, REPORT_LIMITS } from "../call/index.ts";
import { addCounts, type Counts } from "./histogram.ts";

/** Upper ends of the buckets, in ms: close together where the answers of voice bots are, and callers begin to wait. */
export const DURATION_BUCKETS_MS: readonly number[] = [
  ...[50, 100, 150, 200, 300, 400, 500, 650, 800, 1_000, 1_250, 1_500, 2_000, 3_000, 5_000, 10_000],
];

/** How long things took that bots have reported: by the name of the report, then by that of the figure. */
export type BotDurations = Record<string, Record<string, Counts>>;

/** Adds those figures of a report that are durations. */
export function addReport(sum: BotDurations, { name, figures }: BotReport): void {
  for (const [figure, ms] of Object.entries(figures)) {
    if (!figure.endsWith("Ms")) continue;
    const within = DURATION_BUCKETS_MS.findIndex((boundMs) => ms <= boundMs);
    const counts = noCounts();
    counts[within === -1 ? DURATION_BUCKETS_MS.length : within] = 1;
    addBotDurations(sum, { [name]: { [figure]: { counts, sumMs: ms } } });
  }
}

/** Adds the counts of a part, up to as many names as one call may have: what calls and workers make up is bounded too. */
export function addBotDurations(sum: BotDurations, part: Readonly<BotDurations>): void {
  for (const [name, figures] of Object.entries(part)) {
    const ofName = member<BotDurations[string]>(sum, name, REPORT_LIMITS.names, () => ({}));
    if (ofName === undefined) continue;
    for (const [figure, counts] of Object.entries(figures)) {
      const ofFigure = member(ofName, figure, REPORT_LIMITS.figures, () => ({ counts: noCounts(), sumMs: 0 }));
      if (ofFigure !== undefined) addCounts(ofFigure, counts);
    }
  }
}

/** For a histogram: `turn`, `answerMs` is `{report="turn",figure="answer"}`. */
export function* durationsByLabels(durations: Readonly<BotDurations>): Generator<[Record<string, string>, Counts]> {
  for (const [report, figures] of Object.entries(durations)) {
    for (const [figure, counts] of Object.entries(figures)) yield [{ report, figure: figure.slice(0, -2) }, counts];
  }
}

function noCounts(): number[] {
  return new Array(DURATION_BUCKETS_MS.length + 1).fill(0);
}

/** The member of this name, a new one where there is room. */
function member<T>(of: Record<string, T>, name: string, room: number, create: () => T): T | undefined {
  if (Object.hasOwn(of, name)) return of[name];
  if (Object.keys(of).length >= room) return undefined;
  const created = create();
  of[name] = created;
  return created;
}
