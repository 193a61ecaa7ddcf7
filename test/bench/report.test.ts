import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chartSvg } from "../../bench/chart.ts";
import { labelBox, overlap, placeLabels } from "../../bench/labels.ts";
import { PAIRS, pairName } from "../../bench/pairs.ts";
import { withFigures } from "../../bench/readme.ts";
import { type Report, reportText } from "../../bench/report.ts";
import { alignedTable, byteCount, describeReport, markdownTable, microseconds, pairsIn } from "../../bench/table.ts";

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
      alignedTable([
        ["", "µs"],
        ["simd", "2.31"],
        ["js", "20.4"],
      ]),
    ).toBe("          µs\n  simd  2.31\n  js    20.4");
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
    expect(svg.match(/<circle/g)).toHaveLength(4 * report.contenders.length);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws what there is when little was measured", () => {
    const results = report.results.filter(({ pair, name }) => pair === "8000-24000" && name !== "simd");
    const svg = chartSvg({ ...report, results: results.map((row) => ({ ...row, sinadDb: null })) });
    expect(svg.match(/<circle/g)).toHaveLength(9);
    expect(svg).toContain("8000 → 24000 Hz");
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
