import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A stretch of network between a client and a server on this machine, which can go dead. */
export interface TcpRelay {
  readonly port: number;
  /** From now on nothing goes through, either way, and neither end is told. */
  freeze(): void;
  close(): Promise<void>;
}

/** @param toPort where connections go */
export async function openTcpRelay(toPort: number): Promise<TcpRelay> {
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(toPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.on("error", () => {});
      from.on("close", () => ends.delete(from));
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      for (const end of ends) end.unpipe().pause();
    },
    async close() {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
