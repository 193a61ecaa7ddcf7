import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What is installed where, in the words of pip. */
export const ENVIRONMENTS = {
  current: "pipecat-ai[runner,websocket]",
  old: "pipecat-ai[runner,websocket]==1.2.*",
  original: "pipecat-wavix",
} as const;

export type EnvironmentName = keyof typeof ENVIRONMENTS;

/** A Python with a Pipecat. */
export interface Python {
  /** The program. */
  python: string;
  /** The version of pipecat-ai. */
  version: string;
  /** All versions, by package. */
  packages: Record<string, string>;
}

/** A Python with a Pipecat, or why there is none and what needs it is skipped. */
export type Environment = Python | { skipped: string };

/** What pip says of the newest version of a package. */
interface Newest {
  name: string;
  version: string;
  requiresPython: string;
}

/** What is written into an environment once it is complete. */
interface Marker extends Newest {
  requirement: string;
  packages: Record<string, string>;
}

/** Of the folder that npm's scripts run in, as this file is compiled into another one for the bench. */
const FOLDER = resolve("build/python");
const UNREACHABLE =
  /Retrying \(Retry|NewConnectionError|ConnectTimeoutError|NameResolutionError|ReadTimeout|ProxyError|HTTP error 5\d\d/;
const SKIPPED = { skipped: "PyPI cannot be reached" };
const SATISFIES = `
import platform, sys
from pip._vendor.packaging.specifiers import SpecifierSet
sys.exit(not SpecifierSet(sys.argv[1]).contains(platform.python_version()))`;

class Unreachable extends Error {}

/**
 * The virtual environment of a name under build/python. It is made if it is not there or PyPI has a newer version; where
 * PyPI cannot be reached, one that is complete is taken as it is.
 *
 * @throws Error if pip refuses the package, or no Python on this machine is right for it
 */
export async function environment(name: string, requirement: string): Promise<Environment> {
  const folder = join(FOLDER, name);
  const python = join(folder, "bin/python");
  const there = complete(folder, requirement);
  try {
    if (there === undefined) return await make(folder, requirement);
    return (await newest(python, requirement)).version === there.version
      ? pythonOf(python, there)
      : await make(folder, requirement);
  } catch (error) {
    const still = complete(folder, requirement); // an update that failed half way has taken the old one with it
    if (still === undefined) rmSync(folder, { recursive: true, force: true });
    if (!(error instanceof Unreachable)) throw error;
    return still === undefined ? SKIPPED : pythonOf(python, still);
  }
}

function complete(folder: string, requirement: string): Marker | undefined {
  try {
    const marker = JSON.parse(readFileSync(join(folder, "complete.json"), "utf8")) as Marker;
    return marker.requirement === requirement ? marker : undefined;
  } catch {
    return undefined;
  }
}

const pythonOf = (python: string, { packages }: Marker): Python => ({
  python,
  version: packages["pipecat-ai"] as string,
  packages,
});

async function make(folder: string, requirement: string): Promise<Python> {
  const python = join(folder, "bin/python");
  const wrong: string[] = [];
  let wanted = "";
  for (const candidate of await candidates()) {
    rmSync(folder, { recursive: true, force: true });
    await run(candidate.program, ["-m", "venv", folder], { timeout: 120_000 });
    const found = await newest(python, requirement);
    wanted = `${found.name} ${found.version} wants Python ${found.requiresPython}`;
    const right = await run(python, ["-c", SATISFIES, found.requiresPython]).then(
      () => true,
      () => false,
    );
    if (!right) {
      wrong.push(`${candidate.program} ${candidate.version}`);
      continue;
    }
    console.log(`${found.name} ${found.version} for Python ${candidate.version}, into ${folder}: a minute or two …`);
    const startedAtMs = performance.now();
    await pip(python, ["install", "--quiet", requirement], 900_000);
    const list = JSON.parse(await pip(python, ["list", "--format=json"], 60_000)) as {
      name: string;
      version: string;
    }[];
    const packages = Object.fromEntries(list.map(({ name, version }) => [name, version]));
    const marker: Marker = { requirement, ...found, packages };
    writeFileSync(join(folder, "complete.json"), `${JSON.stringify(marker, null, 2)}\n`);
    console.log(`… ${list.length} packages, ${Math.round((performance.now() - startedAtMs) / 1000)} s`);
    return pythonOf(python, marker);
  }
  const here = wrong.length === 0 ? "there is none" : `here is ${wrong.join(", ")}`;
  throw new Error(`${wanted || requirement}: ${here}. Install one, or say where it is with PYTHON`);
}

/** The newest version that fits a requirement, whatever Python it is for: pip alone would go back to an older one. */
async function newest(python: string, requirement: string): Promise<Newest> {
  const ask = ["install", "--dry-run", "--no-deps", "--ignore-installed", "--ignore-requires-python"];
  const said = await pip(python, [...ask, "--retries=1", "--timeout=10", "--quiet", "--report=-", requirement], 60_000);
  const { install } = JSON.parse(said) as {
    install: [{ metadata: { name: string; version: string; requires_python?: string } }];
  };
  const { name, version, requires_python = "" } = install[0].metadata;
  return { name, version, requiresPython: requires_python };
}

async function pip(python: string, argv: string[], timeout: number): Promise<string> {
  const env = { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" };
  try {
    const { stdout } = await run(python, ["-m", "pip", ...argv], { timeout, env, maxBuffer: 64 << 20 });
    return stdout;
  } catch (error) {
    const { stderr = "", killed } = error as { stderr?: string; killed?: boolean };
    if (killed || UNREACHABLE.test(stderr)) throw new Unreachable(stderr);
    throw new Error(`pip ${argv.join(" ")}\n${stderr.slice(-2000)}`, { cause: error });
  }
}

/** The Pythons of this machine, the one of the variable PYTHON alone if it is set. */
async function candidates(): Promise<{ program: string; version: string }[]> {
  const { PYTHON } = process.env;
  const programs = PYTHON ? [PYTHON] : ["python3.13", "python3.12", "python3.11", "python3"];
  const found = programs.map(async (program) => {
    const ask = ["-c", "import platform; print(platform.python_version())"];
    // A name may be there without the program behind it: pyenv's are.
    const version = await run(program, ask, { timeout: 20_000 }).catch(() => undefined);
    return version === undefined ? [] : [{ program, version: version.stdout.trim() }];
  });
  const all = (await Promise.all(found)).flat();
  return all.filter(({ version }, index) => all.findIndex((other) => other.version === version) === index);
}
