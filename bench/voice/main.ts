import { type Options, readArguments, readInteger, UsageError } from "../../src/cli/arguments.ts";
import { Progress } from "../../src/cli/progress.ts";
import { measureMemory } from "./memory.ts";
import { type Checked, describe, describeCheck, jsonLine, type Measured, reportOf } from "./report.ts";
import { BOT_NAMES, type BotName } from "./scenario.ts";
import { openRow, openTown, type Row, type Town, type Turn, takeTurn } from "./turns.ts";

const HELP = `usage: npm run bench:voice -- [options]

How fast the voice bots answer and fall silent, and what a conversation costs. Each call is a whole one, through webhook and
REST, and a conversation without end: a question, its answer, an interruption of that, its answer, about every 4 s. The
services are stand-ins that answer at once, so that what is measured is this package's own; they and the callers are in
processes beside the server's. What was understood, said, heard and measured is compared with the script for every call, and
one that differs ends the bench, or is tried again when the machine stood still meanwhile; a gap does so before anything is
timed, and is counted then. In about seven minutes.

  voice     Deepgram, OpenAI and Cartesia
  realtime  OpenAI's Realtime API
  echo      the same server with the echo bot, at the most calls: what a call costs without a conversation

options:
  --calls LIST   calls at once; default 1,10,25
  --rounds N     rounds, in which all have their turn; default 3
  --only LIST    only these bots, as voice,echo
  --check        only whether all is right: a few calls of each bot, nothing is timed; in less than a minute
  --json         the last line is all figures as JSON
  -h, --help`;

const OPTIONS = {
  calls: { type: "string", default: "1,10,25" },
  rounds: { type: "string", default: "3" },
  only: { type: "string" },
  check: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const satisfies Options;

const MAX_CALLS = 500;
const TURN_SECONDS = 4.5;
const CHECK = { calls: 3, seconds: 0.5 };

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

function chooseBots(list: string | undefined): readonly BotName[] {
  if (list === undefined) return BOT_NAMES;
  const wrong = list.split(",").find((name) => !(BOT_NAMES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new UsageError(`--only must be of ${BOT_NAMES.join(", ")}; got ${wrong}`);
  return BOT_NAMES.filter((name) => list.split(",").includes(name));
}

function readCalls(list: string): number[] {
  return [...new Set(list.split(",").map((text) => readInteger("calls", text, 1, MAX_CALLS)))].sort((a, b) => a - b);
}

async function run(argv: string[]): Promise<void> {
  const values = readArguments(argv, HELP, OPTIONS);
  if (values === null) return;
  const bots = chooseBots(values.only);
  const calls = readCalls(values.calls);
  const rounds = readInteger("rounds", values.rounds, 1, 100);
  const bar = new Progress(true);
  const town = await openTown();
  const rows: Row[] = [];
  try {
    for (const bot of bots) rows.push(await openRow(bot, town));
    const checked = await check(rows, town, bar);
    if (values.check) {
      for (const row of checked) console.log(describeCheck(row));
      if (values.json) console.log(JSON.stringify({ checked }));
    } else {
      const report = reportOf(await measure(rows, town, bar, calls, rounds));
      bar.end();
      console.log(describe(report));
      if (values.json) console.log(jsonLine(report));
    }
  } finally {
    bar.end();
    for (const { server } of rows) server.close();
    town.callers.close();
    town.services.close();
  }
}

/** All have their turns, the one after the other: a slow moment of the machine meets all of them. */
async function measure(
  rows: readonly Row[],
  town: Town,
  bar: Progress,
  callCounts: readonly number[],
  rounds: number,
): Promise<Measured[]> {
  const most = Math.max(...callCounts);
  const plan = rows.flatMap((row) => {
    const counts = row.bot === "echo" ? [most] : callCounts;
    return counts.map((calls) => ({ row, calls, turns: [] as Turn[] }));
  });
  const steps = 2 * rows.length + rounds * plan.length;
  let step = 0;
  const onStep = (label: string) => bar.update(label, step++ / steps);
  for (const row of rows) {
    onStep(`${row.bot} warms up`);
    await takeTurn(row, town, most, TURN_SECONDS);
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < plan.length; i++) {
      const { row, calls, turns } = plan[(i + round) % plan.length]!;
      onStep(`${row.bot}, ${calls} at once: turn ${round + 1} of ${rounds}`);
      turns.push(await takeTurn(row, town, calls, TURN_SECONDS));
    }
  }
  const memory = new Map<BotName, number>();
  for (const { bot } of rows) {
    onStep(`${bot}: memory`);
    memory.set(bot, await measureMemory(bot, most, town));
  }
  return plan.map(({ row: { bot }, calls, turns }) => {
    return { bot, calls, turns, heapPerCallKb: calls === most ? memory.get(bot)! : null };
  });
}

/**
 * A few calls of each bot, which are no load: not even a gap is forgiven.
 *
 * @returns what there was of each
 */
async function check(rows: readonly Row[], town: Town, bar: Progress): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const [i, row] of rows.entries()) {
    bar.update(`${row.bot}: is all right?`, i / rows.length);
    const { ownMs, bargeInMs, echoes } = await takeTurn(row, town, CHECK.calls, CHECK.seconds, { gapless: true });
    const counts = { answers: ownMs.length, interruptions: bargeInMs.length, echoes };
    checked.push({ bot: row.bot, calls: CHECK.calls, ...counts });
  }
  bar.end();
  return checked;
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  say((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
  process.exit();
}
