import { describe, inject } from "vitest";
import type { EnvironmentName, Python } from "./environments.ts";

/** A suite that needs an environment: skipped, with the reason in its name, where there is none. */
export function describeWith(name: EnvironmentName, suite: (python: Python) => void): void {
  const found = inject("environments")[name];
  if ("skipped" in found) describe.skip(`${name} (${found.skipped})`, () => suite({} as Python));
  else describe(`${name}, Pipecat ${found.version}`, () => suite(found));
}
