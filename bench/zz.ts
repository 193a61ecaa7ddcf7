import { Child } from "./server/child.ts";
import { pause } from "./server/turns.ts";

const prof = process.argv.includes("--prof")
  ? ["--cpu-prof", "--cpu-prof-dir=/tmp/prof", "--cpu-prof-interval=500"]
  : [];
const bot = new Child("bridge/bot-child.js");
const url = await bot.ask<string>("open");
for (const [name, args] of [
  ["bridge", [url]],
  ["echo", []],
] as const) {
  const server = new Child("bridge/server-child.js", args as string[], prof);
  const port = await server.ask<number>("open");
  const load = new Child("server/load-child.js");
  const use = async (label: string, ms: number, n: number) => {
    const a = await server.ask<number>("cpuUs");
    const t = performance.now();
    await pause(ms);
    const b = await server.ask<number>("cpuUs");
    const s = (performance.now() - t) / 1000;
    console.log(
      name,
      label,
      ((b - a) / s / 1e6).toFixed(3),
      "cores",
      n ? ((b - a) / (n * 50 * s)).toFixed(1) + " us/packet" : "",
    );
  };
  await use("idle", 1500, 0);
  await load.ask("open", { port, raw: false, calls: 100, seconds: 20 });
  await load.ask("speak", port);
  await pause(5000);
  await use("100", 2000, 100);
  await load.ask("close", port);
  await pause(1000);
  await use("idle after", 1500, 0);
  for (const n of [1, 3, 6, 12, 25, 50]) {
    await load.ask("open", { port, raw: false, calls: n, seconds: 20 });
    await load.ask("speak", port);
    await pause(1000);
    await use(String(n), 2000, n);
    await load.ask("close", port);
    await pause(300);
  }
  await load.close();
  server.close();
}
bot.close();
setTimeout(() => process.exit(), 500);
