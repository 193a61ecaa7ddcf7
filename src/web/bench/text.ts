/** How many times faster than real time 20 ms are done in so many ns. */
export const realTimeOf = (nsPer20ms: number) => 20e6 / nsPer20ms;

/** The same for a person: `5,726`; a dash where nothing was measured. */
export const timesRealTime = (nsPer20ms: number | null) =>
  nsPer20ms === null ? "–" : Math.round(realTimeOf(nsPer20ms)).toLocaleString("en-US");

/** A figure, or a dash where none was measured. */
export const figure = (value: number | null, digits: number) => (value === null ? "–" : value.toFixed(digits));

/** Times in µs: as many digits as tell something. */
export function microseconds(ns: number | null): string {
  return figure(ns === null ? null : ns / 1000, ns === null || ns < 9_995 ? 2 : ns < 99_950 ? 1 : 0);
}

/**
 * Columns under each other: words to the left, figures to the right.
 *
 * @param wordColumns how many of the first columns are words
 *
 * @example
 * alignedTable([["simd", "2.31"], ["js", "20.4"]], 1); // "simd  2.31\njs    20.4"
 */
export function alignedTable(rows: readonly (readonly string[])[], wordColumns: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cells = (row: readonly string[]) =>
    row.map((cell, i) => (i < wordColumns ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
  return rows.map((row) => cells(row).join("  ").trimEnd()).join("\n");
}

/** Figures with as many digits as mean something; whole numbers as they are. For `JSON.stringify`. */
export const rounded = (_key: string, value: unknown) =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
