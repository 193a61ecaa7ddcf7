#!/usr/bin/env node
// The one place where server, bots and simulator meet: `pipecat-wavix <command>`.
import { debuglog } from "node:util";
import { UsageError } from "./arguments.ts";

interface Command {
  readonly summary: string;
  /** Loaded when asked for: `--help` and a wrong word answer at once. */
  load(): Promise<{ run(argv: string[]): Promise<number> }>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  demo: { summary: "run one whole call on this machine and say how it went", load: () => import("./demo.ts") },
  start: { summary: "start the server that answers Wavix calls", load: () => import("./start.ts") },
  bot: { summary: "run a bot by itself, with calls answered by hand", load: () => import("./bot.ts") },
  doctor: { summary: "check a real set-up, and say what to mend", load: () => import("./doctor.ts") },
  call: { summary: "place one simulated call to a running server", load: () => import("./call.ts") },
  replay: { summary: "play a traced call back against a running server", load: () => import("./replay.ts") },
  load: {
    summary: "place many simulated calls at once, and say how a server carried them",
    load: () => import("./load.ts"),
  },
  soak: { summary: "let calls come and go for minutes, and do the accounts", load: () => import("./soak.ts") },
  resample: { summary: "change the sample rate of a WAV file", load: () => import("./resample.ts") },
};

function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `usage: pipecat-wavix <command> [options]\n\n${lines.join("\n")}\n\nEach command explains itself with --help.`;
}

async function main([name, ...argv]: string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(usage());
    return name === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    console.error(`pipecat-wavix: there is no command "${name}"; try pipecat-wavix --help`);
    return 2;
  }
  const { run } = await (COMMANDS[name] as Command).load();
  try {
    return await run(argv);
  } catch (error) {
    console.error(`pipecat-wavix ${name}: ${error instanceof Error ? error.message : String(error)}`);
    // For a report of what should not happen: NODE_DEBUG=pipecat-wavix.
    debuglog("pipecat-wavix")("%s", error instanceof Error ? error.stack : error);
    return error instanceof UsageError ? 2 : 1;
  }
}

// Not process.exit: what is still being written to a pipe would be cut off.
process.exitCode = await main(process.argv.slice(2));
