import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to connections and to whoever listens without naming one (Linux from 32768, others from
 * 49152): between the choice of a port and its process listening on it, which takes Python seconds, none of those can take it.
 */
const FIRST_PORT = 16_384;
const LAST_PORT = 26_999;
const MAX_TRIES = 100;
/** Given out, and not given back: they are free until their processes listen. */
const taken = new Set<number>();

/** A port of 127.0.0.1 that a process may listen on. */
export interface FreePort {
  readonly port: number;
  /** The process has ended. */
  giveBack(): void;
}

/** @throws Error of the system, or when there is none */
export async function takeFreePort(choose = () => randomInt(FIRST_PORT, LAST_PORT + 1)): Promise<FreePort> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const port = choose();
    if (taken.has(port)) continue;
    taken.add(port);
    const giveBack = () => void taken.delete(port);
    try {
      if (await isFree(port)) return { port, giveBack };
      giveBack();
    } catch (error) {
      giveBack();
      throw error;
    }
  }
  throw new Error("there is no free port");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
