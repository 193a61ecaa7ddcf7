import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

interface LockedPackage {
  version?: string;
  dev?: boolean;
  devOptional?: boolean;
  hasInstallScript?: boolean;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const SRC = new URL("../src", import.meta.url).pathname;

/** The rooms, lowest first. A room may use those below it, not those above. */
const ROOMS = [
  "codec",
  "settings",
  "pipecat/wire",
  "pipecat",
  "wavix/wire",
  "wavix/control",
  "wavix/trace",
  "call",
  "simulator",
  "bots",
  "server",
  "web",
  "cli",
];

/** Rooms side by side, of which neither may know the other. */
const STRANGERS: [string, string][] = [
  ["simulator", "call"],
  ["simulator", "server"],
  ["simulator", "bots"],
  ["server", "bots"],
  ["wavix/wire", "wavix/control"],
  // Pages run in a browser: of the other rooms they know the codec and the messages alone.
  ...["pipecat", "wavix/control", "wavix/trace", "call", "simulator", "bots", "server"].map(
    (room): [string, string] => ["web", room],
  ),
];

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".generated.ts"))
  .map((file) => join(SRC, file));

function importsOf(file: string): string[] {
  const source = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name as string);
}

const roomOf = (file: string) => ROOMS.find((room) => relative(SRC, file).startsWith(`${room}/`));

/** Everything an entry reaches through relative imports, and the bare names it meets on the way. */
function reach(entry: string): { files: Set<string>; bare: Set<string> } {
  const seen = new Set<string>();
  const bare = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of importsOf(file)) {
      if (!name.startsWith(".")) bare.add(name);
      else if (!name.endsWith(".generated.ts")) visit(join(dirname(file), name));
    }
  };
  visit(entry);
  return { files: seen, bare };
}

describe("the house", () => {
  it("has its imports point one way, through the doors of the rooms", () => {
    const wrong: string[] = [];
    for (const file of files) {
      const from = roomOf(file);
      for (const name of importsOf(file).filter((name) => name.startsWith("."))) {
        const target = join(dirname(file), name);
        const to = roomOf(target);
        if (from === undefined || to === undefined || from === to) continue;
        const arrow = `${relative(SRC, file)} → ${relative(SRC, target)}`;
        if (ROOMS.indexOf(to) > ROOMS.indexOf(from)) wrong.push(`${arrow}: back up`);
        if (STRANGERS.some((pair) => pair.includes(from) && pair.includes(to))) wrong.push(`${arrow}: strangers`);
        const door = to === "pipecat" ? /\/(index|frames)\.ts$/ : /\/index\.ts$/;
        if (!door.test(target)) wrong.push(`${arrow}: not through the door`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("keeps Node, ws, express, zod and pino out of the library's entry", () => {
    const { files: reached, bare } = reach(join(SRC, "index.ts"));
    expect(reached.size).toBeGreaterThan(10);
    expect([...bare]).toEqual(["@assemblyscript/loader"]);
  });

  it("keeps workers out of a server that has none", () => {
    const inWorkers = (file: string) => file.includes("/server/workers/");
    const { files: reached } = reach(join(SRC, "server/index.ts"));
    expect([...reached].filter(inWorkers)).toEqual([]);
    // The command loads them when there is more than one.
    const start = readFileSync(join(SRC, "cli/start.ts"), "utf8");
    expect(start.match(/.*server\/workers.*/g)).toEqual([expect.stringMatching(/^ {4}const .* = await import\(/)]);
    expect([...reach(join(SRC, "cli/start.ts")).files].filter(inWorkers).length).toBeGreaterThan(5);
  });

  it("keeps Node and all packages out of the pages", () => {
    const pages = files.filter((file) => /\/web\/\w+\/(page|worker)\.ts$/.test(file));
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) {
      const { files: reached, bare } = reach(page);
      expect([...bare]).toEqual(["@assemblyscript/loader"]);
      expect([...reached].filter((file) => file.includes("/web/page-router"))).toEqual([]);
    }
  });

  it("has no room for leftovers", () => {
    expect(files.filter((file) => /(utils?|helpers?|common|misc)\.ts$/.test(file))).toEqual([]);
  });

  it("installs without scripts and names no registry", () => {
    const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as {
      packages: Record<string, LockedPackage>;
    };
    const packages = Object.entries(lock.packages);
    expect(packages.length).toBeGreaterThan(50);
    const scripted = packages.filter(
      ([, { dev, devOptional, hasInstallScript }]) => hasInstallScript && !dev && !devOptional,
    );
    expect(scripted.map(([name]) => name)).toEqual([]);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    // Written from a half-installed tree, the file lacks the other platforms' packages, and `npm ci` refuses it.
    const optional = packages.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
    expect(optional.length).toBeGreaterThan(20);
    expect(optional.filter((name) => lock.packages[`node_modules/${name}`]?.version === undefined)).toEqual([]);
  });
});
