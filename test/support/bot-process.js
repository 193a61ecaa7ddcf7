// What a bot's process is to the seats: it answers HTTP on its port. Told by its arguments how to be difficult.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const args = process.argv.slice(2);
const has = (name) => args.includes(name);
const after = (name) => args[args.indexOf(name) + 1];

if (has("--say")) console.log(after("--say"));
if (has("--die")) process.exit(Number(after("--die")));
if (has("--once") && !existsSync(after("--once"))) {
  writeFileSync(after("--once"), "");
  process.exit(1);
}
if (has("--stubborn")) process.on("SIGTERM", () => undefined);
// Does not end with SIGTERM; it has said so before its parent answers.
const grandchild = has("--grandchild")
  ? spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log()"], {
      stdio: ["ignore", "pipe", "ignore"],
    })
  : undefined;
if (grandchild !== undefined) await once(grandchild.stdout, "data");
if (has("--live")) setTimeout(() => process.exit(4), Number(after("--live")));

if (has("--deaf")) setInterval(() => undefined, 1_000);
else {
  createServer((request, response) => {
    if (request.url === "/die") process.exit(3);
    const about = { pid: process.pid, grandchild: grandchild?.pid, args, env: Object.keys(process.env) };
    response.writeHead(404).end(JSON.stringify(about));
  }).listen(Number(after("--port")), "127.0.0.1");
}
