import { svg } from "./elements.ts";
import { type ContestantName, contestantsOf, type Row } from "./plan.ts";
import { type Results, titleOf } from "./results.ts";
import { linearScale } from "./scale.ts";

/** One dot: a pair of rates in a profile, at its best. */
export interface Dot {
  readonly row: Row & { readonly kind: "resample" };
  readonly name: ContestantName;
  readonly micros: number;
  readonly delayMs: number;
}

/** The dots of what was measured so far: each row with its fastest variant. */
export function dotsOf(results: Results): Dot[] {
  return results.rows.flatMap((row) => {
    const quality = results.quality(row);
    if (row.kind !== "resample" || quality === undefined) return [];
    const times = contestantsOf(row)
      .map((name) => ({ name, micros: (results.summary(row, name)?.median ?? Number.NaN) / 1000 }))
      .filter(({ micros }) => micros > 0)
      .sort((a, b) => a.micros - b.micros);
    const [best] = times;
    return best === undefined ? [] : [{ row, ...best, delayMs: quality.delayMs }];
  });
}

const LEFT = 34;
const BOTTOM = 38;
const TOP = 30;
const RIGHT = 12;

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
  const taken: Box[] = dots.map(({ micros, delayMs }) => boxAround(x(micros), y(delayMs), 14));
  taken.push({ x: 0, y: 0, width: 90, height: LABEL_HEIGHT });
  for (const { row, name, micros, delayMs } of dots) {
    const words = `${titleOf(row)}: ${micros.toFixed(2)} µs, ${delayMs.toFixed(2)} ms (${name})`;
    const position = { cx: x(micros), cy: y(delayMs), r: 5 };
    parts.push(svg("circle", { class: `dot ${name} ${row.profile}`, ...position }, svg("title", {}, words)));
  }
  for (const { row, micros, delayMs } of dots) {
    const text = titleOf({ ...row, profile: "default" }).replace(" kHz", "");
    const box = freeBox(x(micros), y(delayMs), 7.2 * text.length, width, taken);
    if (box === undefined) continue;
    taken.push(box);
    parts.push(svg("text", { class: "label", x: box.x, y: box.y + 12 }, text));
  }
  drawing.replaceChildren(...parts);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const LABEL_HEIGHT = 15;

function boxAround(x: number, y: number, size: number): Box {
  return { x: x - size / 2, y: y - size / 2, width: size, height: size };
}

/** Room for a label beside, above or below a dot, free of all others; undefined when there is none: better than a heap. */
function freeBox(x: number, y: number, width: number, edge: number, taken: readonly Box[]): Box | undefined {
  const places: [number, number][] = [
    [x + 10, y - 8],
    [x - 10 - width, y - 8],
    [x - width / 2, y - 24],
    [x - width / 2, y + 9],
    [x + 2, y - 24],
    [x + 2, y + 9],
    [x - width, y - 24],
    [x - width, y + 9],
  ];
  return places
    .map(([left, top]): Box => ({ x: left, y: top, width, height: LABEL_HEIGHT }))
    .find((box) => box.x >= LEFT && box.x + width <= edge && taken.every((other) => !overlap(box, other)));
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The same in words, for who does not see it. */
export function describeDots(dots: readonly Dot[]): string {
  return dots
    .map(({ row, micros, delayMs }) => `${titleOf(row)}: ${micros.toFixed(1)} µs, ${delayMs.toFixed(1)} ms`)
    .join("; ");
}
