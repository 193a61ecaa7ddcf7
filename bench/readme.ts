import { figure, microseconds } from "../src/web/bench/text.ts";
import { machineLine } from "./machine.ts";
import type { Report, Result } from "./report.ts";
import { markdownTable, messageRows, pairRows, pairsIn, streamRows } from "./table.ts";

const BEGIN = "<!-- figures: made by `npm run bench:readme` -->";
const END = "<!-- end of figures -->";
const FIRST_PAIR = "24000-16000";

/**
 * The README with its figures made anew from a report.
 *
 * @throws Error when it has no place for them
 */
export function withFigures(readme: string, report: Report): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README needs the lines ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${figuresText(report)}\n\n${readme.slice(end)}`;
}

function figuresText(report: Report): string {
  const { results, machine, notes } = report;
  return [
    `Measured on: ${machineLine(machine)}.`,
    `24 → 16 kHz, in chunks of 20 ms:`,
    markdownTable(pairRows(results.filter(({ pair }) => pair === FIRST_PAIR))),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join("\n")]),
    "All pairs with Wavix's 24 kHz on one side, `simd`, and what others take for the same:",
    markdownTable(allPairsRows(results)),
    "A message of 20 ms, from its bytes to samples and back. The usual way is `JSON.parse` and `Buffer` in, `Buffer` and\n`JSON.stringify` out, and does not resample unless it says so:",
    markdownTable(messageRows(report)),
    markdownTable(streamRows(report)),
  ].join("\n\n");
}

/** Our figures of each pair, and how many times as long the others take. */
function allPairsRows(results: readonly Result[]): string[][] {
  const others = ["scalar", "js", "libsoxr", "libspeexdsp", "speex-resampler"];
  const find = (pair: string, name: string) => results.find((result) => result.pair === pair && result.name === name);
  return [
    ["Hz", "µs per 20 ms", "SINAD dB", "rejection dB", "delay ms", ...others.map((name) => `${name} takes`)],
    ...pairsIn(results).map((pair) => {
      const own = find(pair, "simd");
      const ratios = others.map((name) => {
        const [ns, ownNs] = [find(pair, name)?.nsPer20ms ?? null, own?.nsPer20ms ?? null];
        return ns === null || ownNs === null ? "–" : `${figure(ns / ownNs, ns / ownNs < 9.95 ? 1 : 0)} ×`;
      });
      return [
        pair.replace("-", " → "),
        microseconds(own?.nsPer20ms ?? null),
        figure(own?.sinadDb ?? null, 1),
        figure(own?.rejectionDb ?? null, 1),
        figure(own?.delayMs ?? null, 2),
        ...ratios,
      ];
    }),
  ];
}
