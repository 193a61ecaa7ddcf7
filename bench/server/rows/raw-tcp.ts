import { type AddressInfo, createServer } from "node:net";

/** The floor: whatever comes goes back, and nobody looks at it. */
export async function rawTcp(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
