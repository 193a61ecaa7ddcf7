import { takeFreePort } from "../../src/bots/pipecat/seats/free-port.ts";

/** A port of 127.0.0.1 that nobody listens on now, nor later by chance. */
export async function freePort(): Promise<number> {
  return (await takeFreePort()).port;
}
