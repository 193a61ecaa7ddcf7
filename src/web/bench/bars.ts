import { html, setAttributes, svg } from "./elements.ts";
import { type ContestantName, contestantsOf, type Row, rowId } from "./plan.ts";
import { type Results, titleOf } from "./results.ts";
import { type Scale, steadyScale } from "./scale.ts";
import { figure, microseconds, timesRealTime } from "./text.ts";

interface Line {
  readonly name: ContestantName;
  readonly element: HTMLTableRowElement;
  readonly grid: SVGGElement;
  readonly fill: SVGRectElement;
  readonly spread: SVGLineElement;
  readonly micros: HTMLElement;
  readonly realTime: HTMLElement;
}

interface Group {
  readonly row: Row;
  /** The tick, and what the row does to sound. */
  readonly proof: HTMLElement;
  readonly quality: HTMLElement;
  readonly lines: readonly Line[];
}

/**
 * Bars that grow as the rounds come in: a table, which can be read as one, with a drawing in its second column.
 */
export class BarChart {
  readonly element: HTMLTableElement;
  readonly #groups: readonly Group[];
  readonly #axis = svg("svg", { class: "axis", "aria-hidden": "true" });
  #scale: Scale | undefined;

  /** @param caption what the table is, for those who do not see it */
  constructor(caption: string, rows: readonly Row[]) {
    const head = html("tr", "");
    for (const [className, contents] of [
      ["name", html("span", "hidden", "variant")],
      ["", this.#axis],
      ["figure", "µs"],
      ["figure", "× real time"],
    ] as const) {
      const cell = html("th", className, contents);
      cell.scope = "col";
      head.append(cell);
    }
    this.element = html("table", "", html("caption", "hidden", caption), html("thead", "", head));
    this.#groups = rows.map((row) => this.#addGroup(row));
    this.#drawAxis({ end: 1, ticks: [] });
  }

  #addGroup(row: Row): Group {
    const proof = html("span", "proof");
    const quality = html("span", "quality");
    const title = html("th", "pair", html("span", "title", titleOf(row)), proof, " ", quality);
    title.colSpan = 4;
    title.scope = "rowgroup";
    const body = html("tbody", "", html("tr", "", title));
    body.dataset.row = rowId(row);
    const lines = contestantsOf(row).map((name) => {
      const line = createLine(name);
      body.append(line.element);
      return line;
    });
    this.element.append(body);
    return { row, proof, quality, lines };
  }

  /** The tick: all outcomes of this row were the same. */
  markProved(row: Row, agreedCount: number): void {
    const group = this.#groups.find((group) => rowId(group.row) === rowId(row));
    if (group === undefined) return;
    const compared = agreedCount > 1;
    group.proof.textContent = compared ? "✓ same bits" : "nothing to compare with";
    group.proof.toggleAttribute("data-good", compared);
  }

  /** A variant that this engine does not have. */
  markAbsent(name: ContestantName): void {
    for (const line of this.#groups.flatMap(({ lines }) => lines)) {
      if (line.name === name) line.micros.textContent = "—";
    }
  }

  update(results: Results): void {
    const all = this.#groups.flatMap(({ row, lines }) => lines.map(({ name }) => results.summary(row, name)));
    const max = Math.max(0, ...all.map((summary) => (summary?.median ?? 0) / 1000));
    if (max > 0) {
      const scale = steadyScale(this.#scale, max, this.element.clientWidth < 480 ? 2 : 4);
      if (scale !== this.#scale) this.#drawAxis(scale);
      this.#scale = scale;
    }
    const { end } = this.#scale ?? { end: 1 };
    for (const { row, quality, lines } of this.#groups) {
      const measured = results.quality(row);
      if (measured !== undefined) {
        const { sinadDb, rejectionDb, delayMs } = measured;
        const parts = [
          `SINAD ${figure(sinadDb, 1)} dB`,
          `rejection ${figure(rejectionDb, 1)} dB`,
          `delay ${figure(delayMs, 2)} ms`,
        ];
        // On a phone they stand on two lines; none is torn apart.
        quality.textContent = parts.map((part) => part.replaceAll(" ", "\u00a0")).join(" · ");
      }
      const medians = lines.map(({ name }) => results.summary(row, name)?.median ?? Number.POSITIVE_INFINITY);
      for (const line of lines) {
        const summary = results.summary(row, line.name);
        if (summary === undefined) continue;
        const percent = (ns: number) => `${Math.min(100, (ns / 1000 / end) * 100).toFixed(2)}%`;
        line.fill.setAttribute("width", percent(summary.median));
        setAttributes(line.spread, { x1: percent(summary.low), x2: percent(summary.high) });
        line.micros.textContent = microseconds(summary.median);
        line.realTime.textContent = timesRealTime(summary.median);
        line.element.classList.toggle("best", summary.median === Math.min(...medians));
      }
    }
  }

  #drawAxis({ end, ticks }: Scale): void {
    const at = (tick: number) => `${(tick / end) * 100}%`;
    this.#axis.replaceChildren(
      ...ticks.map((tick, i) => {
        const anchor = i === 0 ? "start" : i === ticks.length - 1 ? "end" : "middle";
        return svg("text", { x: at(tick), y: "85%", "text-anchor": anchor }, `${tick}`);
      }),
    );
    for (const { grid } of this.#groups.flatMap(({ lines }) => lines)) {
      grid.replaceChildren(
        ...ticks.map((tick) => svg("line", { class: "grid", x1: at(tick), x2: at(tick), y1: "-8%", y2: "108%" })),
      );
    }
  }
}

function createLine(name: ContestantName): Line {
  const grid = svg("g", {});
  const fill = svg("rect", { class: "fill", x: 0, y: "18%", width: 0, height: "64%", rx: 2 });
  const spread = svg("line", { class: "spread", x1: 0, x2: 0, y1: "50%", y2: "50%" });
  const drawing = svg("svg", { class: "bar", "aria-hidden": "true" }, grid, fill, spread);
  const micros = html("td", "figure");
  const realTime = html("td", "figure");
  const label = html("th", "name", name);
  label.scope = "row";
  const element = html("tr", name, label, html("td", "", drawing), micros, realTime);
  element.dataset.name = name;
  return { name, element, grid, fill, spread, micros, realTime };
}
