import { SimulatorError } from "../simulator/index.ts";
import { UsageError } from "./arguments.ts";

/**
 * What opens on `--api-port`.
 *
 * @throws UsageError when the port cannot be had
 */
export async function orOtherPort<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    throw new UsageError(`${error.message}; another one may be running, or choose another with --api-port`);
  }
}
