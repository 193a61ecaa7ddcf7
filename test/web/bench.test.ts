import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCodecSync } from "../../src/codec/index.ts";
import { numberIn } from "../../src/web/bench/choice.ts";
import { chunksOf } from "../../src/web/bench/chunks.ts";
import { type ContestEvent, firstDifference, runContest } from "../../src/web/bench/contest.ts";
import { createWork } from "../../src/web/bench/contestants.ts";
import { describeBrowser } from "../../src/web/bench/environment.ts";
import { PAIRS, pairName } from "../../src/web/bench/pairs.ts";
import {
  type Choice,
  CONTESTANT_NAMES,
  type ContestantName,
  mustAgree,
  type Row,
  rowId,
  rowsOf,
} from "../../src/web/bench/plan.ts";
import type { Runner } from "../../src/web/bench/questions.ts";
import { Results } from "../../src/web/bench/results.ts";
import { linearScale, steadyScale } from "../../src/web/bench/scale.ts";
import { testSignal } from "../../src/web/bench/signals.ts";
import { sinadDb } from "../../src/web/bench/sinad.ts";
import { batchMsFor, clockStepMs, Stopwatch } from "../../src/web/bench/stopwatch.ts";
import { summaryOf } from "../../src/web/bench/summary.ts";

const everything: Choice = {
  pairs: PAIRS.map(pairName),
  profiles: ["default", "low-delay"],
  messages: true,
  rounds: 3,
  batchMs: 1,
};
const small: Choice = { ...everything, pairs: ["24000-16000"], profiles: ["default"] };
const [resample, readResampled, writeResampled, read] = rowsOf(small) as [Row, Row, Row, Row];

describe("the plan", () => {
  it("has a row with a name of its own for each pair and profile, and for the messages", () => {
    const rows = rowsOf(everything);
    expect(PAIRS).toHaveLength(16);
    expect(rows).toHaveLength(16 * 2 + 4);
    expect(new Set(rows.map(rowId)).size).toBe(rows.length);
    expect(rowsOf({ ...small, pairs: ["24000-24000", "1-2", "__proto__"], messages: false })).toEqual([]);
  });

  it("takes numbers from the address only within their range", () => {
    expect(numberIn("3", 1, 1000)).toBe(3);
    for (const text of [null, "", " ", "0", "1001", "three", "NaN", "Infinity"]) {
      expect(numberIn(text, 1, 1000)).toBeUndefined();
    }
  });
});

describe("the work", () => {
  const codecs = { simd: loadCodecSync({ variant: "simd" }), scalar: loadCodecSync({ variant: "scalar" }) };
  const all = { ...codecs, js: loadCodecSync({ variant: "js" }), usual: null };

  it("comes out the same whoever does it, also after some of it was timed", () => {
    for (const row of rowsOf({ ...everything, pairs: ["24000-16000", "11025-24000"] })) {
      const proofs = CONTESTANT_NAMES.filter((name) => mustAgree(row, name)).map((name) => {
        const work = createWork(row, all[name]);
        work.run(7);
        const proof = work.prove();
        work.close();
        return proof;
      });
      expect(proofs.length).toBeGreaterThanOrEqual(3);
      for (const proof of proofs) {
        expect(proof.length).toBeGreaterThan(10_000);
        expect(firstDifference(proof, proofs[0]!), rowId(row)).toBe(-1);
      }
    }
    expect(codecs.simd.openResamplers).toBe(0);
  });

  it("is a second in packets of 20 ms, without a sample lost", () => {
    for (const rate of [8000, 11025, 22050, 24000]) {
      const packets = chunksOf(testSignal(rate), rate);
      expect(packets).toHaveLength(50);
      expect(packets.reduce((sum, { length }) => sum + length, 0)).toBe(rate);
    }
  });

  it("tells a tone from what is beside it", () => {
    // A sine of 10000 and a square wave of 1 beside it: 10 · log10(10000² / 2) = 77 dB.
    const second = Float64Array.from(
      { length: 8000 },
      (_, i) => 10_000 * Math.sin((2 * Math.PI * 997 * i) / 8000) + (i % 2 ? 1 : -1),
    );
    expect(sinadDb(second as unknown as Int16Array, 997, 8000)).toBeCloseTo(77, 1);
  });
});

describe("the stopwatch", () => {
  it("runs batches of about the length it is told, however coarse the clock", () => {
    for (const stepMs of [0.005, 1, 100]) {
      let time = 0;
      const now = () => Math.floor(time / stepMs) * stepMs;
      const run = (count: number) => {
        time += count * 0.004;
      };
      const stopwatch = new Stopwatch(run, now);
      for (let i = 0; i < 5; i++) {
        const before = time;
        expect(stopwatch.measure(batchMsFor(stepMs)) / 4000).toBeCloseTo(1, 1);
        if (i > 0) expect(time - before).toBeLessThan(1.5 * batchMsFor(stepMs) + stepMs);
      }
    }
  });

  it("finds the step of a clock, also of one that stands still for long", () => {
    let calls = 0;
    expect(clockStepMs(() => Math.floor(calls++ / 10) * 0.1)).toBeCloseTo(0.1);
    expect(clockStepMs(() => Math.floor(calls++ / 10) * 100, 250)).toBe(100);
    expect(batchMsFor(0.005)).toBe(8);
    expect(batchMsFor(0.1)).toBe(20);
    expect(batchMsFor(100)).toBe(2000);
  });
});

/** A contestant that takes as long as it is told to. */
class FakeRunner implements Runner {
  readonly name: ContestantName;
  readonly #log: string[];
  constructor(name: ContestantName, log: string[] = []) {
    this.name = name;
    this.#log = log;
  }
  async load() {
    return 0.1;
  }
  async prove(_row: Row): Promise<Uint8Array> {
    return Uint8Array.of(1, 2, 3);
  }
  async quality() {
    return { sinadDb: 95, rejectionDb: 93, delayMs: 3 };
  }
  async time(row: Row, batchMs: number) {
    this.#log.push(`${rowId(row)} ${this.name}`);
    return batchMs * 1000;
  }
  close() {}
}

describe("a contest", () => {
  const names = CONTESTANT_NAMES;

  it("proves every row before it times any, and lets each contestant begin in turn", async () => {
    const log: string[] = [];
    const events: ContestEvent[] = [];
    await runContest(
      small,
      names.map((name) => new FakeRunner(name, log)),
      (event) => {
        if (event.kind === "proved") expect(log).toEqual([]);
        events.push(event);
      },
    );
    const count = (kind: ContestEvent["kind"]) => events.filter((event) => event.kind === kind).length;
    expect([count("proved"), count("warmed"), count("round")]).toEqual([5, 5, 3]);
    expect(count("timed")).toBe((3 + 4 * 4) * 3);
    const first = log.filter((line) => line.startsWith("24000-16000")).map((line) => line.split(" ").at(-1));
    const warmUp = ["simd", "scalar", "js"].flatMap((name) => [name, name, name, name]);
    expect(first.slice(0, 12)).toEqual(warmUp);
    expect(first.slice(12).join(" ")).toBe("simd scalar js scalar js simd js simd scalar");
  });

  it.each(["simd", "scalar", "js", "usual"] as const)(
    "ends when the outcome of %s differs by a bit",
    async (culprit) => {
      const log: string[] = [];
      const runners = names.map((name) => {
        const runner = new FakeRunner(name, log);
        if (name === culprit) runner.prove = async () => Uint8Array.of(1, 2, 2);
        return runner;
      });
      await expect(runContest(small, runners, () => {})).rejects.toThrow(
        /differs from simd at byte 2 of|scalar differs/,
      );
      expect(log).toEqual([]);
    },
  );

  it("goes on without a variant that the engine does not have, and fails when it has none", async () => {
    const absent = (name: ContestantName) => {
      const runner = new FakeRunner(name);
      runner.load = () => Promise.reject(new Error("no SIMD"));
      return runner;
    };
    const events: ContestEvent[] = [];
    const runners = [absent("simd"), new FakeRunner("scalar"), new FakeRunner("js"), new FakeRunner("usual")];
    await runContest(small, runners, (event) => events.push(event));
    expect(events[0]).toEqual({ kind: "absent", name: "simd", reason: "no SIMD" });
    expect(events.some((event) => event.kind === "timed" && event.name === "simd")).toBe(false);
    const agreed = events.flatMap((event) => (event.kind === "proved" ? [event.agreed.join()] : []));
    expect(agreed).toEqual(["scalar,js", "scalar,js", "scalar,js", "scalar,js,usual", "scalar,js,usual"]);
    await expect(runContest(small, names.map(absent), () => {})).rejects.toThrow(/none of the variants/);
  });

  it("tells outcomes of different lengths apart", () => {
    expect(firstDifference(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(2);
    expect(firstDifference(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(-1);
  });
});

describe("results", () => {
  it("are medians, with the quartiles around them", () => {
    expect(summaryOf([5])).toEqual({ median: 5, low: 5, high: 5 });
    expect(summaryOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
    expect(summaryOf([10, 9, 100, 1, 2])).toEqual({ median: 9, low: 2, high: 10 });
    expect(() => summaryOf([])).toThrow(RangeError);
  });

  it("count calls per core, ratios, and streams in real time", () => {
    const results = new Results(rowsOf(small));
    expect(results.callsPerCore("simd")).toBeUndefined();
    results.add(resample, "simd", 2_000);
    results.setQuality(resample, { sinadDb: 95.76, rejectionDb: 93.3, delayMs: 3 });
    results.add(readResampled, "simd", 3_000);
    results.add(writeResampled, "simd", 5_000);
    results.add(read, "usual", 4_000);
    for (const ns of [1_000, 1_200, 9_000]) results.add(read, "js", ns);
    expect(results.callsPerCore("simd")).toBe(2_500);
    const json = results.toJson();
    expect(json.results).toEqual([
      {
        pair: "24000-16000",
        profile: "default",
        name: "simd",
        nsPer20ms: 2_000,
        sinadDb: 95.76,
        rejectionDb: 93.3,
        delayMs: 3,
      },
    ]);
    expect(json.messagePath).toContainEqual({
      name: "in 24k",
      variant: "js",
      nsPerMessage: 1_200,
      ratioToUsual: 0.3,
    });
    const lines = results.toText().split("\n");
    expect(lines[1]).toMatch(/^24 → 16 kHz +simd +2\.00 +10,000 +95\.8 +93\.3 +3\.00$/);
    expect(lines).toHaveLength(6);
  });
});

describe("the chart's scale", () => {
  it("holds every value, in a few round steps", () => {
    expect(linearScale(27, 4)).toEqual({ end: 30, ticks: [0, 10, 20, 30] });
    expect(linearScale(0.3, 3).ticks).toEqual([0, 0.1, 0.2, 0.3]);
    expect(linearScale(0, 4).end).toBe(1);
    expect(linearScale(Number.NaN, 4).end).toBe(1);
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), fc.integer({ min: 1, max: 8 }), (max, count) => {
        const { end, ticks } = linearScale(max, count);
        expect(end).toBeGreaterThanOrEqual(max * (1 - 1e-9));
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(count + 1);
        expect(ticks[0]).toBe(0);
      }),
    );
  });

  it("stands still while what it shows still fits", () => {
    const scale = linearScale(80, 4);
    expect(steadyScale(scale, 60, 4)).toBe(scale);
    expect(steadyScale(scale, 101, 4).end).toBeGreaterThan(100);
    expect(steadyScale(scale, 20, 4).end).toBeLessThan(30);
  });
});

describe("the browser's name", () => {
  const webKit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
  const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  it.each([
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome}`, "Chrome 140", "V8", "Linux"],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/141.0.0.0`, "Edge 141", "V8", "Windows"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140", "SpiderMonkey", "Linux"],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Version/18.5 Safari/605.1.15`,
      "Safari 18.5",
      "JavaScriptCore",
      "macOS",
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${webKit} CriOS/140.0 Mobile/15E148 Safari/604.1`,
      "Chrome 140",
      "JavaScriptCore",
      "iOS",
    ],
    ["curl/8", "unknown browser", "unknown engine", "unknown system"],
  ])("is found in %s", (userAgent, browser, engine, system) => {
    expect(describeBrowser(userAgent, 8)).toEqual({ browser, engine, system, cores: 8 });
  });
});
