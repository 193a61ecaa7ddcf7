import { readFileSync, writeFileSync } from "node:fs";
import { type Options, readArguments, UsageError } from "../src/cli/arguments.ts";
import { Progress } from "../src/cli/progress.ts";
import { PAIRS, type Pair, parsePairs, QUICK_PAIRS } from "../src/web/bench/pairs.ts";
import { rounded } from "../src/web/bench/text.ts";
import { chartSvg } from "./chart.ts";
import { measure } from "./measure.ts";
import { withFigures } from "./readme.ts";
import { type Report, reportText } from "./report.ts";
import { describeReport } from "./table.ts";

const FIGURES = "bench/results/figures.json";
const CHART = "bench/results/chart.svg";
const UNSAVED_CHART = "build/bench/chart.svg";

const HELP = `usage: npm run bench -- [options]

Compares the codec's variants with each other and with other resamplers: speed, quality, delay, memory; and the way of a
message with JSON.parse and Buffer. Nothing is timed before it is looked at. Native libsoxr and libspeexdsp take part
where a C compiler and their headers are (Debian: libsoxr-dev, libspeexdsp-dev).

options:
  --pairs LIST   only these, as 24000-16000,8000-24000; else all with 24000 on one side
  --quick        24000-16000 and 16000-24000 unless --pairs says otherwise, and shorter rounds: a rough idea
  --json         the last line is all figures as JSON
  --save         keep the results and the chart in bench/results
  --readme       measure nothing: make the README's tables and chart from the results kept
  -h, --help

The chart goes to ${UNSAVED_CHART}, with --save to ${CHART}.`;

const OPTIONS = {
  pairs: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  save: { type: "boolean", default: false },
  readme: { type: "boolean", default: false },
} as const satisfies Options;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

/** A bar on a terminal; elsewhere a line for each step. */
function showStep(bar: Progress, label: string, done: number, total: number): void {
  if (process.stderr.isTTY) bar.update(label, done / total);
  else say(`${done + 1}/${total} ${label}`);
}

function choosePairs(list: string | undefined, quick: boolean): readonly Pair[] {
  if (list === undefined) return quick ? QUICK_PAIRS : PAIRS;
  try {
    return parsePairs(list);
  } catch (error) {
    throw new UsageError(`--pairs: ${(error as Error).message}`);
  }
}

async function run(argv: string[]): Promise<void> {
  const values = readArguments(argv, HELP, OPTIONS);
  if (values === null) return;
  if (values.readme) {
    const report = JSON.parse(readFileSync(FIGURES, "utf8")) as Report;
    writeFileSync("README.md", withFigures(readFileSync("README.md", "utf8"), report));
    writeFileSync(CHART, chartSvg(report));
    return;
  }
  if (values.save && (values.quick || values.pairs !== undefined)) {
    throw new UsageError("--save keeps the whole run: leave out --quick and --pairs");
  }
  const bar = new Progress(true);
  const report = await measure({
    pairs: choosePairs(values.pairs, values.quick),
    quick: values.quick,
    say,
    onStep: (label, done, total) => showStep(bar, label, done, total),
  });
  bar.end();
  console.log(describeReport(report));
  const chart = values.save ? CHART : UNSAVED_CHART;
  writeFileSync(chart, chartSvg(report));
  if (values.save) writeFileSync(FIGURES, reportText(report));
  console.log(`\nchart: ${chart}${values.save ? `, results: ${FIGURES}` : ""}`);
  if (values.json) console.log(JSON.stringify(report, rounded));
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
