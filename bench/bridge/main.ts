import { type Options, readArguments, readInteger, UsageError } from "../../src/cli/arguments.ts";
import { Progress } from "../../src/cli/progress.ts";
import { Child } from "../server/child.ts";
import { measureDelay } from "./delay.ts";
import { findPythons } from "./pythons.ts";
import { describe, jsonLine } from "./report.ts";
import { openRow, ROW_NAMES, type Row, type RowName } from "./rows.ts";
import { measureCosts } from "./turns.ts";

const HELP = `usage: npm run bench:bridge -- [options]

How much CPU time (user and system) 20 ms of a call cost that is bridged to a Pipecat bot: a packet in and one out. Beside
it the same call as the Python package pipecat-wavix handles it. All rows get the same load from another process, in turns;
the bot says what it hears, and what comes back is compared before anything is timed. Then the delay that the bridge adds,
with both ends of the calls in one process: from the write of a caller's message until the bot has the frame, and from
the write of a bot's frame until the caller has the message, once the cushion of the playout is full. In less than two
minutes; the first time, the Pythons are installed from PyPI before, in a minute or two each.

  bridge               this server, bridged to a bot in a process of its own, which is not counted
  python-original      pipecat-wavix: FastAPI, WavixFrameSerializer and FastAPIWebsocketTransport as its README sets them
  bridge-with-pipecat  this server and a bot of the current Pipecat, both counted
  bridge-many          bridge with many calls at once
  echo-many            this server with its own echo instead of a bridge, with as many

options:
  --calls N      calls at once of the first three rows; default 20, for which one Python takes half a core
  --many N       calls at once of the others; default 100
  --only LIST    only these rows, as bridge,python-original
  --quick        a rough idea, in half a minute; only bridge, python-original and bridge-many
  --json         the last line is all figures as JSON
  -h, --help`;

const OPTIONS = {
  calls: { type: "string", default: "20" },
  many: { type: "string", default: "100" },
  only: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const satisfies Options;

const USUAL = { warmUpSeconds: 6, rounds: 5, turnSeconds: 1.5, delaySeconds: 5 };
const QUICK = { warmUpSeconds: 3, rounds: 3, turnSeconds: 1, delaySeconds: 1.5 };
const QUICK_ROWS: readonly RowName[] = ["bridge", "python-original", "bridge-many"];

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

function chooseRows(list: string | undefined, quick: boolean): readonly RowName[] {
  if (list === undefined) return quick ? QUICK_ROWS : ROW_NAMES;
  const wrong = list.split(",").find((name) => !(ROW_NAMES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new UsageError(`--only must be of ${ROW_NAMES.join(", ")}; got ${wrong}`);
  return ROW_NAMES.filter((name) => list.split(",").includes(name));
}

async function run(argv: string[]): Promise<void> {
  const values = readArguments(argv, HELP, OPTIONS);
  if (values === null) return;
  const names = chooseRows(values.only, values.quick);
  const calls = {
    few: readInteger("calls", values.calls, 1, 100),
    many: readInteger("many", values.many, 1, 1_000),
  };
  const effort = values.quick ? QUICK : USUAL;
  const { pythons, notes } = await findPythons(names);

  const bar = new Progress(true);
  // What comes back, warming up, two delays; turns.
  const steps = 4 + names.length * effort.rounds;
  let step = 0;
  const onStep = (label: string) => bar.update(label, step++ / steps);
  const load = new Child("server/load-child.js");
  const rows: Row[] = [];
  try {
    onStep("what comes back");
    const opened = await Promise.allSettled(names.map((name) => openRow(name, calls, pythons)));
    rows.push(...opened.flatMap((one) => (one.status === "fulfilled" && one.value) || []));
    const failed = opened.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const results = await measureCosts(rows, load, effort, onStep);
    for (const row of rows.splice(0)) row.close();
    const delays = (await measureDelay([calls.many, 1], effort.delaySeconds, onStep)).reverse();
    const report = { results, delays, notes };
    bar.end();
    console.log(describe(report));
    if (values.json) console.log(jsonLine(report));
  } finally {
    bar.end();
    for (const row of rows) row.close();
    load.close();
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
  process.exit();
}
