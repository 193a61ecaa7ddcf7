import { describe, expect, it } from "vitest";
import { timeInRounds } from "../../bench/rounds.ts";
import { combine } from "../../bench/streams.ts";

describe("rounds", () => {
  it("let the contenders take turns, and one slow moment pass", async () => {
    const order: string[] = [];
    let calls = 0;
    const steady = (name: string, ns: number) => (count: number) => {
      order.push(name);
      return count * ns * (calls++ === 9 ? 1000 : 1);
    };
    const options = { rounds: 5, roundMs: 0.01 };
    expect(await timeInRounds([steady("a", 10_000), steady("b", 20_000)], options)).toEqual([10_000, 20_000]);
    expect(order.slice(-10).join("")).toBe("abbaabbaab");
  });

  it("are not misled by an interruption while the count is found", async () => {
    const counts: number[] = [];
    let interrupted = false;
    const contender = (count: number) => {
      counts.push(count);
      const first = !interrupted;
      interrupted = true;
      return count * 100 + (first ? 1e9 : 0);
    };
    expect(await timeInRounds([contender], { rounds: 1, roundMs: 1 })).toEqual([100]);
    expect(counts.at(-1)).toBe(10_000);
  });
});

it("takes of three processes each figure's median, and of the pairs the slowest", () => {
  const sample = (n: number) => ({
    wasmBytesPerResampler: 320,
    residentBytesPerStream: 1000 * n,
    creationUs: n,
    firstCreationMs: { "8000-24000": n, "44100-8000": 10 + n, "24000-32000": 2 },
    cycles: { count: 5, bytesBefore: 1, bytesAfter: n },
  });
  const figures = combine([sample(3), sample(1), sample(7)]);
  expect(figures).toMatchObject({ residentBytesPerStream: 3000, creationUs: 3, firstCreationMs: 3 });
  expect(figures).toMatchObject({ firstCreationAnyPairMs: 13, cycles: { bytesAfter: 3 } });
});
