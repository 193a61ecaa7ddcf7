import type { BotReport } from "../call/index.ts";
import { addReport, type BotDurations } from "./bot-durations.ts";

/** Lines of one call. The reports beyond are in its record, and in the metrics. */
export const MAX_REPORT_LINES = 1_000;

/**
 * What becomes of the reports of one call: a line of the log each, and figures of all calls.
 *
 * @param durations of all calls
 * @param writeLine writes the fields of a line
 * @returns the `onReport` of the call's transport
 */
export function reportsTo(durations: BotDurations, writeLine: (fields: object) => void): (report: BotReport) => void {
  let lineCount = 0;
  return (report) => {
    addReport(durations, report);
    if (++lineCount <= MAX_REPORT_LINES) writeLine({ report: report.name, ...report.figures });
  };
}
