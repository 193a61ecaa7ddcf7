import { svg } from "./elements.ts";
import { placeLabels } from "./labels.ts";
import { type ContestantName, contestantsOf, type ResampleRow } from "./plan.ts";
import { type Results, titleOf } from "./results.ts";
import { linearScale } from "./scale.ts";

/** One dot: a pair of rates in a profile, at its best. */
export interface Dot {
  readonly row: ResampleRow;
  readonly name: ContestantName;
  readonly micros: number;
  readonly delayMs: number;
}

/** The dots of what was measured so far: each row with its fastest variant. */
export function dotsOf(results: Results): Dot[] {
  return results.rows.flatMap((row) => {
    const quality = results.quality(row);
    if (row.kind !== "resample" || typeof quality?.delayMs !== "number") return [];
    const { delayMs } = quality;
    const times = contestantsOf(row)
      .map((name) => ({ name, micros: (results.summary(row, name)?.median ?? Number.NaN) / 1000 }))
      .filter(({ micros }) => micros > 0)
      .sort((a, b) => a.micros - b.micros);
    const [best] = times;
    return best === undefined ? [] : [{ row, ...best, delayMs }];
  });
}

const LEFT = 34;
const BOTTOM = 38;
const TOP = 30;
const RIGHT = 12;
/** Where the words above the vertical axis stand. */
const TITLE = { left: 0, top: 0, right: 90, bottom: 15 };

/** Draws delay against cost into `drawing`, at the size that it has on the page. */
export function drawScatter(drawing: SVGSVGElement, dots: readonly Dot[]): void {
  const { width, height } = drawing.getBoundingClientRect();
  if (width === 0) return;
  const across = linearScale(Math.max(0, ...dots.map(({ micros }) => micros)), width < 480 ? 4 : 7);
  const up = linearScale(Math.max(0, ...dots.map(({ delayMs }) => delayMs)), 4);
  const x = (micros: number) => LEFT + (micros / across.end) * (width - LEFT - RIGHT);
  const y = (delayMs: number) => height - BOTTOM - (delayMs / up.end) * (height - BOTTOM - TOP);
  const parts: SVGElement[] = [];
  if (dots.length > 0) {
    for (const tick of up.ticks) {
      parts.push(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }));
      parts.push(svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, `${tick}`));
    }
    for (const tick of across.ticks) {
      parts.push(svg("text", { x: x(tick), y: height - BOTTOM + 18, "text-anchor": "middle" }, `${tick}`));
    }
    parts.push(svg("text", { x: width - RIGHT, y: height - 4, "text-anchor": "end" }, "µs per 20 ms"));
    parts.push(svg("text", { x: 0, y: 12 }, "ms of delay"));
  }
  for (const { row, name, micros, delayMs } of dots) {
    const words = `${titleOf(row)}: ${micros.toFixed(2)} µs, ${delayMs.toFixed(2)} ms (${name})`;
    const position = { cx: x(micros), cy: y(delayMs), r: 5 };
    parts.push(svg("circle", { class: `dot ${name} ${row.profile}`, ...position }, svg("title", {}, words)));
  }
  const labelled = dots.map(({ row, micros, delayMs }) => {
    return { x: x(micros), y: y(delayMs), text: titleOf({ ...row, profile: "default" }).replace(" kHz", "") };
  });
  const frame = { left: LEFT, top: 0, right: width, bottom: height - BOTTOM + 12 };
  for (const label of placeLabels(labelled, frame, [TITLE])) {
    // A dot without a label is better than a heap of labels; its words are in its tooltip.
    if (!label.clear || label.far) continue;
    parts.push(svg("text", { class: "label", x: label.x, y: label.y, "text-anchor": label.anchor }, label.text));
  }
  drawing.replaceChildren(...parts);
}

/** The same in words, for who does not see it. */
export function describeDots(dots: readonly Dot[]): string {
  return dots
    .map(({ row, micros, delayMs }) => `${titleOf(row)}: ${micros.toFixed(1)} µs, ${delayMs.toFixed(1)} ms`)
    .join("; ");
}
