import { BOT_RATE, type ContestantName, contestantsOf, PACKET_MS, type Row, rowId, WIRE_RATE } from "./plan.ts";
import type { Quality } from "./quality.ts";

/** The middle of some numbers, and between what the middle half of them lies. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Median and quartiles; between two values, the point between them.
 *
 * @throws RangeError when there are none
 *
 * @example
 * summaryOf([3, 1, 2]); // { median: 2, low: 1.5, high: 2.5 }
 */
export function summaryOf(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError("values must not be empty");
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (share: number) => {
    const at = share * (sorted.length - 1);
    const below = sorted[Math.floor(at)] as number;
    return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] as number) - below);
  };
  return { median: quantile(0.5), low: quantile(0.25), high: quantile(0.75) };
}

/** How many times faster than real time a step of 20 ms is, when it takes so long. */
export function realTimeOf(nsPerPacket: number): number {
  return (PACKET_MS * 1e6) / nsPerPacket;
}

/** What a contest has found so far. Holds one number per row, contestant and round. */
export class Results {
  readonly rows: readonly Row[];
  readonly #times = new Map<string, number[]>();
  readonly #qualities = new Map<string, Quality>();

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  add(row: Row, name: ContestantName, nsPerPacket: number): void {
    const key = `${rowId(row)} ${name}`;
    const times = this.#times.get(key);
    if (times === undefined) this.#times.set(key, [nsPerPacket]);
    else times.push(nsPerPacket);
  }

  setQuality(row: Row, quality: Quality): void {
    this.#qualities.set(rowId(row), quality);
  }

  quality(row: Row): Quality | undefined {
    return this.#qualities.get(rowId(row));
  }

  /** ns per 20 ms; undefined before the first round. */
  summary(row: Row, name: ContestantName): Summary | undefined {
    const times = this.#times.get(`${rowId(row)} ${name}`);
    return times === undefined ? undefined : summaryOf(times);
  }

  /**
   * Calls whose audio one core could carry, both ways, with a bot at 16 kHz: as many as 20 ms hold of one message read
   * and one written. Undefined without these rows.
   */
  callsPerCore(name: ContestantName): number | undefined {
    const read = this.summary({ kind: "read", sampleRate: BOT_RATE }, name);
    const write = this.summary({ kind: "write", sampleRate: BOT_RATE }, name);
    return read && write && Math.floor(realTimeOf(read.median + write.median));
  }

  /** All figures, in the form that `npm run bench -- --json` has. */
  toJson() {
    const timed = this.rows.flatMap((row) =>
      contestantsOf(row).flatMap((name) => {
        const summary = this.summary(row, name);
        return summary === undefined ? [] : [{ row, name, summary }];
      }),
    );
    const results = timed.flatMap(({ row, name, summary }) => {
      if (row.kind !== "resample") return [];
      const pair = `${row.inputRate}-${row.outputRate}`;
      const nsPer20ms = summary.median;
      return [{ pair, profile: row.profile, name, nsPer20ms, realTime: realTimeOf(nsPer20ms), ...this.quality(row) }];
    });
    const messagePath = timed.flatMap(({ row, name, summary }) => {
      if (row.kind === "resample") return [];
      const usual = this.summary(row, "usual")?.median;
      const nsPerMessage = summary.median;
      const ratio = usual === undefined ? {} : { ratioToUsual: nsPerMessage / usual };
      return [{ direction: row.kind, sampleRate: row.sampleRate, name, nsPerMessage, ...ratio }];
    });
    return { results, messagePath };
  }

  /** The same as a table of plain text, for a message or an issue. */
  toText(): string {
    const lines = [["", "", "µs/20 ms", "× real time", "SINAD dB", "delay ms"]];
    for (const row of this.rows) {
      for (const name of contestantsOf(row)) {
        const summary = this.summary(row, name);
        if (summary === undefined) continue;
        const quality = this.quality(row);
        lines.push([
          titleOf(row),
          name,
          (summary.median / 1000).toFixed(2),
          realTimeOf(summary.median).toFixed(0),
          quality?.sinadDb.toFixed(1) ?? "",
          quality?.delayMs.toFixed(1) ?? "",
        ]);
      }
    }
    const widths = (lines[0] as string[]).map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
    return lines
      .map((line) => line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
      .map((line) => line.trimEnd())
      .join("\n");
  }
}

const kHz = (rate: number) => `${rate / 1000}`;

/** What a person reads above a row. */
export function titleOf(row: Row): string {
  if (row.kind === "resample") {
    const profile = row.profile === "default" ? "" : `, ${row.profile}`;
    return `${kHz(row.inputRate)} → ${kHz(row.outputRate)} kHz${profile}`;
  }
  const resampled = row.sampleRate === WIRE_RATE ? "" : ", resampled";
  return row.kind === "read"
    ? `message → ${kHz(row.sampleRate)} kHz${resampled}`
    : `${kHz(row.sampleRate)} kHz → message${resampled}`;
}
