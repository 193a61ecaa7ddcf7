import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = new URL("../..", import.meta.url).pathname;

export interface PackedProject {
  /** The file that `npm pack` wrote. */
  readonly tarball: string;
  /** Where a user of the package has it. */
  readonly installed: string;
}

/**
 * Makes an empty project in which the packed package is installed, as it was built. Its dependencies are found where the
 * folder is below the repository, and not found elsewhere.
 */
export async function makePackedProject(folder: string): Promise<PackedProject> {
  rmSync(folder, { recursive: true, force: true });
  const installed = join(folder, "node_modules", "pipecat-wavix");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: ROOT,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const tarball = join(folder, filename);
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  return { tarball, installed };
}
