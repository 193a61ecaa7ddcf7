// Reads the output of `npm run bench -- --json` and says whether its last line has every row that this machine can give.
// Arguments: names of contenders that must be there.
import { readFileSync } from "node:fs";

const output = readFileSync(0, "utf8");
const { results, messagePath } = JSON.parse(output.trim().split("\n").at(-1) ?? "");
const pairs = ["24000-16000", "16000-24000"];
const names = ["simd", "scalar", "js", "linear", ...process.argv.slice(2)];
const ways = ["usual in", "in 24k", "in 16k", "in 24k, JSON net", "usual out", "out 24k", "out 16k"];
const figures = ["nsPer20ms", "sinadDb", "rejectionDb", "delayMs", "bytesPerStream"];

const wrong = [
  ...pairs
    .flatMap((pair) => names.map((name) => [pair, name]))
    .flatMap(([pair, name]) => {
      const row = results.find((result) => result.pair === pair && result.name === name);
      return figures.filter((figure) => typeof row?.[figure] !== "number").map((figure) => `${pair} ${name} ${figure}`);
    }),
  ...ways.filter((way) => !(messagePath.find(({ name }) => name === way)?.nsPerMessage > 0)),
];
if (wrong.length > 0) {
  console.error(`the bench did not measure: ${wrong.join(", ")}`);
  process.exit(1);
}
console.log(`${results.length + messagePath.length} rows`);
