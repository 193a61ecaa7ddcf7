import { existsSync } from "node:fs";

/**
 * Reads the file `.env` of the folder that a command is started in. What the environment has already stays as it is.
 *
 * @returns whether there was such a file
 * @example
 * loadEnvFile();
 * const key = process.env.WAVIX_API_KEY;
 */
export function loadEnvFile(file = ".env"): boolean {
  if (!existsSync(file)) return false;
  process.loadEnvFile(file);
  return true;
}
