import { pairName, WIRE_RATE } from "./pairs.ts";
import { BOT_RATE, type ContestantName, contestantsOf, type MessageRow, type Row, rowId } from "./plan.ts";
import type { Quality } from "./quality.ts";
import { type Summary, summaryOf } from "./summary.ts";
import { alignedTable, figure, microseconds, realTimeOf, timesRealTime } from "./text.ts";

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

  /**
   * All figures under the names that `npm run bench -- --json` has, with `profile` and `variant` beside them where the
   * bench knows one only. The usual way does not resample: there is one in each direction.
   */
  toJson() {
    const timed = this.rows.flatMap((row) =>
      contestantsOf(row).flatMap((name) => {
        const summary = this.summary(row, name);
        return summary === undefined ? [] : [{ row, name, ns: summary.median }];
      }),
    );
    const results = timed.flatMap(({ row, name, ns: nsPer20ms }) => {
      if (row.kind !== "resample") return [];
      return [{ pair: pairName(row), profile: row.profile, name, nsPer20ms, ...this.quality(row) }];
    });
    const messagePath = timed.flatMap(({ row, name, ns: nsPerMessage }) => {
      if (row.kind === "resample" || (name === "usual" && row.sampleRate !== WIRE_RATE)) return [];
      const usual = this.summary({ kind: row.kind, sampleRate: WIRE_RATE }, "usual")?.median;
      const ratio = usual === undefined ? {} : { ratioToUsual: nsPerMessage / usual };
      const variant = name === "usual" ? {} : { variant: name };
      return [{ name: messageName(row, name), ...variant, nsPerMessage, ...ratio }];
    });
    return { results, messagePath };
  }

  /** The same as a table of plain text, for a message or an issue. */
  toText(): string {
    const lines = [["", "", "µs/20 ms", "× real time", "SINAD dB", "rejection dB", "delay ms"]];
    for (const row of this.rows) {
      for (const name of contestantsOf(row)) {
        const summary = this.summary(row, name);
        if (summary === undefined) continue;
        const quality = this.quality(row);
        const { sinadDb, rejectionDb, delayMs } = quality ?? { sinadDb: null, rejectionDb: null, delayMs: null };
        lines.push([
          titleOf(row),
          name,
          microseconds(summary.median),
          timesRealTime(summary.median),
          ...(quality === undefined ? ["", "", ""] : [figure(sinadDb, 1), figure(rejectionDb, 1), figure(delayMs, 2)]),
        ]);
      }
    }
    return alignedTable(lines, 2);
  }
}

/** `in 16k`, `usual out`: what the bench calls it. */
function messageName({ kind, sampleRate }: MessageRow, name: ContestantName): string {
  const direction = kind === "read" ? "in" : "out";
  return name === "usual" ? `usual ${direction}` : `${direction} ${sampleRate / 1000}k`;
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
