import { placeLabels } from "../src/web/bench/labels.ts";
import { machineLine } from "./machine.ts";
import { VARIANTS } from "./peers/codec.ts";
import type { Report, Result } from "./report.ts";
import { pairsIn } from "./table.ts";

const WIDTH = 1000;
const PANEL = { width: 400, height: 290 };
const LEFT = 64;
const GAP = 92;
const TOP = 76;
const ROW = 385;
/** The pairs that are drawn, if they were measured: down and up, between Wavix and a bot. */
const DRAWN = ["24000-16000", "16000-24000"];

interface Axis {
  readonly title: string;
  readonly ticks: readonly number[];
  readonly of: (result: Result) => number | null;
  /** 0 to 1 along the axis. */
  readonly share: (value: number) => number;
}

/**
 * Draws quality against cost and delay against cost, as SVG: cost on a logarithmic axis. It has a light and a dark
 * dress, whichever the page around it wears.
 */
export function chartSvg(report: Report): string {
  const measured = pairsIn(report.results);
  const drawn = DRAWN.filter((pair) => measured.includes(pair));
  const pairs = drawn.length > 0 ? drawn : measured.slice(0, 2);
  const height = TOP + pairs.length * ROW;
  const panels = pairs.flatMap((pair, row) => {
    const results = report.results.filter((result) => result.pair === pair && result.nsPer20ms !== null);
    const cost = costAxis(results);
    const title = `${pair.replace("-", " → ")} Hz`;
    const top = TOP + row * ROW;
    return [
      panel(`${title}: quality against cost`, LEFT, top, results, cost, qualityAxis()),
      panel(`${title}: delay against cost`, LEFT + PANEL.width + GAP, top, results, cost, delayAxis(results)),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>Resamplers: quality and delay against cost</title>
<style>
  .page { fill: #ffffff } text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 14px }
  .quiet { fill: #57606a } .grid { stroke: #d8dee4 } .frame { fill: none; stroke: #8c959f } .leader { stroke: #8c959f }
  .point { fill: #57606a } .own { fill: #0969da } text.own { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #262c36 }
    .frame, .leader { stroke: #656c76 } .point { fill: #9198a1 } .own { fill: #4493f8 }
  }
</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
<text x="${LEFT}" y="28" class="quiet">${escapeXml(machineLine(report.machine))}</text>
<circle class="own" cx="${WIDTH - 236}" cy="24" r="4.5"/>
<text x="${WIDTH - 226}" y="28">this codec</text>
<circle class="point" cx="${WIDTH - 136}" cy="24" r="4.5"/>
<text x="${WIDTH - 126}" y="28">other resamplers</text>
${panels.join("\n")}
</svg>
`;
}

function costAxis(results: readonly Result[]): Axis {
  const costs = results.map(({ nsPer20ms }) => nsPer20ms! / 1000);
  const low = Math.min(...costs) / 1.5;
  const high = Math.max(...costs) * 2;
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((tick) => tick >= low && tick <= high);
  return {
    title: "µs per 20 ms, logarithmic axis (less is better)",
    ticks,
    of: ({ nsPer20ms }) => nsPer20ms! / 1000,
    share: (value) => Math.log(value / low) / Math.log(high / low),
  };
}

function qualityAxis(): Axis {
  // Squares: near what int16 can hold at all a few decibels are much, and far below it nobody counts them.
  const share = (value: number) => (Math.max(0, value) / 102) ** 2;
  const ticks = [0, 40, 60, 70, 80, 90, 100];
  return { title: "SINAD, dB, squared axis (more is better)", ticks, of: ({ sinadDb }) => sinadDb, share };
}

function delayAxis(results: readonly Result[]): Axis {
  const high = Math.max(10, ...results.map(({ delayMs }) => delayMs ?? 0)) * 1.1;
  // Square roots: the short delays, where most are, get most of the room.
  const share = (value: number) => Math.sqrt(Math.max(0, value) / high);
  const ticks = [0, 1, 2, 3, 5, 10, 20, 40, 80].filter((tick) => tick <= high);
  return { title: "delay, ms, square-root axis (less is better)", ticks, of: ({ delayMs }) => delayMs, share };
}

function panel(title: string, left: number, top: number, results: readonly Result[], x: Axis, y: Axis): string {
  const { width, height } = PANEL;
  const atX = (value: number) => round(left + x.share(value) * width);
  const atY = (value: number) => round(top + height - (0.03 + 0.94 * y.share(value)) * height);
  const points = results
    .filter((result) => y.of(result) !== null)
    .map((result) => ({ name: result.name, x: atX(x.of(result)!), y: atY(y.of(result)!) }));
  const labels = placeLabels(
    points.map((point) => ({ ...point, text: shortName(point.name) })),
    { left, top, right: left + width, bottom: top + height },
  );
  return [
    `<text class="title" x="${left}" y="${top - 12}">${escapeXml(title)}</text>`,
    ...x.ticks.map((tick) => {
      return `<line class="grid" x1="${atX(tick)}" y1="${top}" x2="${atX(tick)}" y2="${top + height}"/><text class="quiet" x="${atX(tick)}" y="${top + height + 18}" text-anchor="middle">${tick}</text>`;
    }),
    ...y.ticks.map((tick) => {
      return `<line class="grid" x1="${left}" y1="${atY(tick)}" x2="${left + width}" y2="${atY(tick)}"/><text class="quiet" x="${left - 8}" y="${atY(tick) + 4}" text-anchor="end">${tick}</text>`;
    }),
    `<rect class="frame" x="${left}" y="${top}" width="${width}" height="${height}"/>`,
    `<text class="quiet" x="${left + width / 2}" y="${top + height + 38}" text-anchor="middle">${x.title}</text>`,
    `<text class="quiet" transform="translate(${left - 40} ${top + height / 2}) rotate(-90)" text-anchor="middle">${y.title}</text>`,
    ...points.map((point) => `<circle class="${dress(point.name)}" cx="${point.x}" cy="${point.y}" r="4.5"/>`),
    ...labels.map((label, i) => {
      const { name, x, y } = points[i]!;
      const end = label.y + (label.y < y ? 4 : -10);
      const leader = label.far
        ? `<line class="leader" x1="${x}" y1="${y}" x2="${round(label.x)}" y2="${round(end)}"/>`
        : "";
      return `${leader}<text class="${dress(name)}" x="${round(label.x)}" y="${round(label.y)}" text-anchor="${label.anchor}">${escapeXml(label.text)}</text>`;
    }),
  ].join("\n");
}

const round = (value: number) => Math.round(value * 10) / 10;
const dress = (name: string) => ((VARIANTS as readonly string[]).includes(name) ? "own" : "point");

/** A package without its scope. */
const shortName = (name: string) => name.replace(/^@.*\//, "");

const escapeXml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
