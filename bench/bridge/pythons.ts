import { ENVIRONMENTS, type EnvironmentName, environment } from "../../test/interop/environments.ts";
import type { Pythons, RowName } from "./rows.ts";

/** The Pythons of the interoperability tests that these rows need; in a line each what they have, or why there is none. */
export async function findPythons(rows: readonly RowName[]): Promise<{ pythons: Pythons; notes: string[] }> {
  const notes: string[] = [];
  const find = async (name: EnvironmentName, row: RowName) => {
    if (!rows.includes(row)) return undefined;
    const found = await environment(name, ENVIRONMENTS[name]);
    if ("python" in found) {
      notes.push(`${row}: ${versionsOf(found.packages)}`);
      return found.python;
    }
    notes.push(`${row} is left out: ${found.skipped}`);
    return undefined;
  };
  const original = await find("original", "python-original");
  return { pythons: { original, current: await find("current", "bridge-with-pipecat") }, notes };
}

function versionsOf(packages: Record<string, string>): string {
  return ["pipecat-wavix", "pipecat-ai", "uvicorn", "uvloop"]
    .filter((name) => packages[name] !== undefined)
    .map((name) => `${name} ${packages[name]}`)
    .join(", ");
}
