const MAX_NOTES = 20;
const MAX_NOTE_LENGTH = 200;

/**
 * What of {@link Call.report} is taken; the rest is left out. Names become labels of metrics: there are only so many.
 *
 * @example
 * REPORT_LIMITS.name.test("turn"); // true
 */
export const REPORT_LIMITS = {
  name: /^[a-z][a-z0-9_]{0,63}$/,
  names: 20,
  /** Not what stands beside figures: in a log line, and in a {@link ReportSummary}. */
  figure: /^(?!(?:level|time|pid|hostname|name|msg|worker|callId|report|count)$)[a-z][A-Za-z0-9_]{0,63}$/,
  figures: 20,
  /** Of each figure so many are remembered, the last ones. */
  values: 1_000,
} as const;

/**
 * What a bot has reported once, as it was taken: figures in …`Ms` are whole ms, others have three decimals at most.
 *
 * @example
 * createWavixTransport({ socket, onReport: ({ name, figures }) => console.log(name, figures.answerMs) }); // turn 812
 */
export interface BotReport {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** Of the last 1000 values of a figure: the median, and the greatest. */
export interface FigureSummary {
  readonly p50: number;
  readonly max: number;
}

/**
 * All reports of one name: how many there were, and each figure in short.
 *
 * @example
 * const { count, answerMs }: ReportSummary = transport.reports.turn; // 5, { p50: 812, max: 1240 }
 */
export interface ReportSummary {
  readonly count: number;
  readonly [figure: string]: number | FigureSummary;
}

interface Reported {
  count: number;
  readonly figures: Map<string, LastValues>;
}

/** What bots say about one call: words, of which the last of a name counts, and figures of what happens again and again. */
export class BotNotes {
  readonly #notes = new Map<string, string>();
  readonly #reports = new Map<string, Reported>();
  readonly #onReport: ((report: BotReport) => void) | undefined;

  constructor(onReport?: (report: BotReport) => void) {
    this.#onReport = onReport;
  }

  note(name: string, text: string): void {
    if (text.length <= MAX_NOTE_LENGTH && (this.#notes.has(name) || this.#notes.size < MAX_NOTES)) {
      this.#notes.set(name, text);
    }
  }

  get notes(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#notes);
  }

  report(name: string, figures: Readonly<Record<string, unknown>>): void {
    const reported = this.#reported(name);
    if (reported === undefined) return;
    reported.count++;
    const taken: Record<string, number> = {};
    for (const [figure, value] of Object.entries(figures ?? {})) {
      // Beyond this, sums would lose what is added to them, and at last be infinite.
      if (typeof value !== "number" || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) continue;
      const values = valuesOf(reported, figure);
      if (values === undefined) continue;
      taken[figure] = rounded(figure, value);
      values.add(taken[figure]);
    }
    this.#onReport?.({ name, figures: taken });
  }

  get reports(): Readonly<Record<string, ReportSummary>> {
    return Object.fromEntries([...this.#reports].map(([name, reported]) => [name, summaryOf(reported)]));
  }

  #reported(name: string): Reported | undefined {
    const known = this.#reports.get(name);
    if (known !== undefined) return known;
    if (this.#reports.size >= REPORT_LIMITS.names || !isNamed(name, REPORT_LIMITS.name)) return undefined;
    const reported: Reported = { count: 0, figures: new Map() };
    this.#reports.set(name, reported);
    return reported;
  }
}

/** The last of the values that were added, to the bound. */
class LastValues {
  readonly #values: number[] = [];
  #oldest = 0;

  add(value: number): void {
    if (this.#values.length < REPORT_LIMITS.values) {
      this.#values.push(value);
      return;
    }
    this.#values[this.#oldest] = value;
    this.#oldest = (this.#oldest + 1) % REPORT_LIMITS.values;
  }

  /** There is one at least. */
  summary(): FigureSummary {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return { p50: sorted[Math.ceil(sorted.length / 2) - 1] as number, max: sorted.at(-1) as number };
  }
}

function valuesOf({ figures }: Reported, figure: string): LastValues | undefined {
  const known = figures.get(figure);
  if (known !== undefined) return known;
  if (figures.size >= REPORT_LIMITS.figures || !isNamed(figure, REPORT_LIMITS.figure)) return undefined;
  const values = new LastValues();
  figures.set(figure, values);
  return values;
}

function summaryOf({ count, figures }: Reported): ReportSummary {
  return { count, ...Object.fromEntries([...figures].map(([figure, values]) => [figure, values.summary()])) };
}

/** A bot may be plain JavaScript, whose names are anything. */
function isNamed(name: unknown, pattern: RegExp): boolean {
  return typeof name === "string" && pattern.test(name);
}

function rounded(figure: string, value: number): number {
  return figure.endsWith("Ms") ? Math.round(value) : Math.round(value * 1_000) / 1_000;
}
