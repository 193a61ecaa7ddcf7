import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** Imports a module of the package as it is shipped, not as it is in src/. */
export const shipped = (path: string) => import(pathToFileURL(resolve("dist", path)).href);
