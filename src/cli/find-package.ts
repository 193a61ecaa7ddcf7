import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Where an optional package is: that of the folder the command is started in, else that which is installed beside this
 * one. A command that was started by npx, or installed globally, has its user's packages only in the first.
 *
 * @returns the URL to be imported; undefined when it is in neither
 * @example
 * const url = findPackage("@ngrok/ngrok");
 * if (url !== undefined) await import(url);
 */
export function findPackage(name: string, folder: string = process.cwd()): string | undefined {
  for (const from of [join(folder, "package.json"), import.meta.filename]) {
    try {
      return pathToFileURL(createRequire(from).resolve(name)).href;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
