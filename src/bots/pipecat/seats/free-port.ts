import { createServer } from "node:net";
import { promisify } from "node:util";

const MAX_TRIES = 20;
/** Given out, and not given back: the system would give them out again before their processes listen. */
const taken = new Set<number>();

/** A port of 127.0.0.1 that a process may listen on. */
export interface FreePort {
  readonly port: number;
  /** The process has ended. */
  giveBack(): void;
}

/** @throws Error of the system when it has none */
export async function takeFreePort(): Promise<FreePort> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const port = await freePort();
    if (taken.has(port)) continue;
    taken.add(port);
    return { port, giveBack: () => void taken.delete(port) };
  }
  throw new Error("there is no free port");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await promisify(server.close.bind(server))();
  return port;
}
