import type { TestProject } from "vitest/node";
import { ENVIRONMENTS, type Environment, type EnvironmentName, environment } from "./environments.ts";

declare module "vitest" {
  interface ProvidedContext {
    environments: Record<EnvironmentName, Environment>;
  }
}

/** Before all tests: the environments, one after the other. */
export default async function setup(project: TestProject): Promise<void> {
  const made: [string, Environment][] = [];
  for (const name of Object.keys(ENVIRONMENTS) as EnvironmentName[]) {
    const one = await environment(name, ENVIRONMENTS[name]);
    console.log(`${name}: ${"skipped" in one ? `skipped, ${one.skipped}` : `Pipecat ${one.version}`}`);
    made.push([name, one]);
  }
  project.provide("environments", Object.fromEntries(made) as Record<EnvironmentName, Environment>);
}
