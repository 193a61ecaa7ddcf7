import { type Options, readArguments, readInteger, UsageError } from "../../src/cli/arguments.ts";
import { Progress } from "../../src/cli/progress.ts";
import { installPackages } from "../peers/packages.ts";
import { Child } from "./child.ts";
import { measureRows } from "./measure.ts";
import { describeRows } from "./report.ts";
import { ROW_NAMES, type RowName } from "./rows/all.ts";

const HELP = `x`;
const OPTIONS = {
  calls: { type: "string", default: "200" },
  seconds: { type: "string", default: "3" },
  only: { type: "string" },
  json: { type: "boolean", default: false },
} as const satisfies Options;

const values = readArguments(process.argv.slice(2), HELP, OPTIONS)!;
const rows = values.only === undefined ? ROW_NAMES : (values.only.split(",") as RowName[]);
installPackages((t) => console.error(t));
const load = new Child("load-child.js");
const results = await measureRows(load, {
  rows,
  calls: Number(values.calls),
  seconds: Number(values.seconds),
  rounds: 3,
  onStep: (l) => console.error(l),
});
load.close();
console.log(describeRows(results));
