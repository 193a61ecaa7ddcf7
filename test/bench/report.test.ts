import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chartSvg } from "../../bench/chart.ts";
import { withFigures } from "../../bench/readme.ts";
import { type Report, reportText } from "../../bench/report.ts";
import { byteCount, describeReport, markdownTable, pairsIn } from "../../bench/table.ts";
import { labelBox, overlap, placeLabels } from "../../src/web/bench/labels.ts";
import { PAIRS, pairName } from "../../src/web/bench/pairs.ts";
import { rowsOf } from "../../src/web/bench/plan.ts";
import { Results } from "../../src/web/bench/results.ts";
import { alignedTable, microseconds } from "../../src/web/bench/text.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const report = JSON.parse(read("bench/results/figures.json")) as Report;

describe("the figures that are kept", () => {
  it("are those the README shows, and the chart beside it", () => {
    const readme = read("README.md");
    // If this fails: npm run bench:readme
    expect(withFigures(readme, report)).toBe(readme);
    expect(chartSvg(report)).toBe(read("bench/results/chart.svg"));
  });

  it("are of all pairs and all contenders, and were written as they are now", () => {
    expect(pairsIn(report.results)).toEqual(PAIRS.map(pairName));
    expect(report.contenders).toHaveLength(10);
    expect(report.results).toHaveLength(160);
    expect(reportText(report)).toBe(read("bench/results/figures.json"));
  });

  it("have the names that others read them by", () => {
    const [result] = report.results;
    const figures = ["nsPer20ms", "sinadDb", "rejectionDb", "delayMs", "bytesPerStream"];
    expect(Object.keys(result!)).toEqual(["pair", "name", ...figures]);
    for (const row of report.results)
      for (const figure of figures) expect(row).toHaveProperty(figure, expect.any(Number));
    for (const row of report.messagePath) {
      expect(row).toEqual({
        name: expect.any(String),
        nsPerMessage: expect.any(Number),
        ratioToUsual: expect.any(Number),
      });
    }
  });

  it("have the names that the page's have", () => {
    const choice = { pairs: PAIRS.map(pairName), profiles: ["default"], messages: true, rounds: 1 } as const;
    const results = new Results(rowsOf(choice));
    for (const row of results.rows) {
      for (const name of ["simd", "scalar", "js", "usual"] as const) results.add(row, name, 1000);
      if (row.kind === "resample") results.setQuality(row, { sinadDb: 95, rejectionDb: 93, delayMs: 3 });
    }
    const page = results.toJson();
    const namesOf = (rows: readonly { name: string }[]) => [...new Set(rows.map(({ name }) => name))];
    expect([...new Set(page.results.map(({ pair }) => pair))]).toEqual(pairsIn(report.results));
    expect(namesOf(report.results)).toEqual(expect.arrayContaining(namesOf(page.results)));
    expect(namesOf(report.messagePath)).toEqual(expect.arrayContaining(namesOf(page.messagePath)));
    expect(namesOf(page.messagePath)).toHaveLength(6);
    const { profile: _profile, ...row } = page.results[0]!;
    expect(Object.keys(report.results[0]!)).toEqual(expect.arrayContaining(Object.keys(row)));
  });

  it("name the machine by nothing but its processor, system and Node version", () => {
    expect(Object.keys(report.machine)).toEqual(["cpu", "cores", "os", "node"]);
  });
});

it("the peers' lock file names no registry, and no scripts", () => {
  const { packages } = JSON.parse(read("bench/package-lock.json")) as { packages: Record<string, object> };
  expect(Object.keys(packages)).toHaveLength(5);
  for (const locked of Object.values(packages)) {
    expect(locked).not.toHaveProperty("resolved");
    expect(locked).not.toHaveProperty("hasInstallScript");
  }
});

describe("tables", () => {
  it("stand under each other", () => {
    expect(
      alignedTable(
        [
          ["", "µs"],
          ["simd", "2.31"],
          ["js", "20.4"],
        ],
        1,
      ),
    ).toBe("        µs\nsimd  2.31\njs    20.4");
    expect(
      markdownTable([
        ["a", "b"],
        ["1", "2"],
      ]),
    ).toBe("| a | b |\n|---|---:|\n| 1 | 2 |");
  });

  it("show as many digits as tell something, and a dash where nothing was measured", () => {
    expect([2314, 23_140, 231_400, null].map(microseconds)).toEqual(["2.31", "23.1", "231", "–"]);
    expect([64, 812, 70_500, 1_752_400, null].map(byteCount)).toEqual(["64 B", "0.8 kB", "71 kB", "1752 kB", "–"]);
  });

  it("say what was left out", () => {
    const [first] = report.results;
    const bare = { ...first!, nsPer20ms: null, sinadDb: null, rejectionDb: null, delayMs: null, bytesPerStream: null };
    const text = describeReport({ ...report, results: [bare], notes: ["libsoxr is left out"] });
    expect(text).toMatch(/simd( +–){6}/);
    expect(text).toMatch(/note: libsoxr is left out/);
  });
});

describe("the chart", () => {
  it("has every contender in every panel, in light and dark", () => {
    const svg = chartSvg(report);
    expect(svg.match(/<circle/g)).toHaveLength(4 * report.contenders.length + 2);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws what there is when little was measured", () => {
    const results = report.results.filter(({ pair, name }) => pair === "8000-24000" && name !== "simd");
    const svg = chartSvg({ ...report, results: results.map((row) => ({ ...row, sinadDb: null })) });
    expect(svg.match(/<circle/g)).toHaveLength(9 + 2);
    expect(svg).toContain("8000 → 24000 Hz");
  });

  it("puts no label beside another's point", () => {
    const points = [
      { x: 100, y: 100, text: "a" },
      { x: 130, y: 100, text: "a longer name" },
    ];
    const frame = { left: 0, top: 0, right: 400, bottom: 200 };
    const [a, b] = placeLabels(points, frame);
    expect([a!.anchor, a!.x, b!.anchor, b!.x]).toEqual(["end", 92, "start", 138]);
    const [onItsOwn] = placeLabels(points.slice(0, 1), frame);
    expect([onItsOwn!.anchor, onItsOwn!.clear, onItsOwn!.far]).toEqual(["start", true, false]);
    expect(placeLabels(points, { ...frame, right: 1 }).some(({ clear }) => clear)).toBe(false);
  });

  it("keeps labels apart while there is room", () => {
    const points = Array.from({ length: 6 }, (_, i) => ({ x: 100 + 6 * i, y: 100, text: `contender ${i}` }));
    const frame = { left: 0, top: 0, right: 400, bottom: 200 };
    const boxes = placeLabels(points, frame).map(labelBox);
    for (const [i, box] of boxes.entries()) {
      expect(boxes.slice(i + 1).some((other) => overlap(box, other))).toBe(false);
      expect(box.left >= 0 && box.right <= 400 && box.top >= 0 && box.bottom <= 200).toBe(true);
    }
  });
});
