// Reads the output of `npm run bench:bridge -- --json` and says whether its last line has the rows of the arguments, and
// whether the delay was measured.
import { readFileSync } from "node:fs";

const output = readFileSync(0, "utf8");
const { results, delay } = JSON.parse(output.trim().split("\n").at(-1) ?? "");

const wrong = [
  ...process.argv.slice(2).filter((name) => !(results.find((row) => row.name === name)?.usPerPacket > 0)),
  ...["toBot", "fromBot"].filter((way) => !(delay[way].p50Ms > 0 && delay[way].p99Ms >= delay[way].p50Ms)),
];
if (wrong.length > 0) {
  console.error(`the bench did not measure: ${wrong.join(", ")}`);
  process.exit(1);
}
console.log(`${results.length} rows, and the delay`);
