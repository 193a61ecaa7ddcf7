import type { WavixServer } from "../server/index.ts";

/** How long the process may live on after the last call, when a bot's module does not let go of it. */
const EXIT_AFTER_MS = 1_000;

/**
 * Lets a server serve until the process is told to stop: once, and its calls may go on for `drainMs`; twice, and they end
 * now. Settles when the server is closed.
 */
export async function untilStopped(server: WavixServer, drainMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const signals = ["SIGINT", "SIGTERM"] as const;
    let isStopping = false;
    // One listener for both: between two, a signal would end the process on the spot.
    const stop = () => {
      if (isStopping) {
        // Whoever sends a third one does not want to wait for anything.
        for (const signal of signals) process.off(signal, stop);
        void server.close();
        return;
      }
      isStopping = true;
      if (server.callCount > 0) {
        const limit = Math.round(drainMs / 1_000);
        console.log(
          `stopping: ${server.callCount} call(s) may go on for ${limit} s; press Ctrl-C again to end them now`,
        );
      }
      void server
        .drain()
        .then(() => server.close())
        .then(resolve);
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

/** All is over. What a bot's module keeps open (a timer, a connection) must not keep the process. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), EXIT_AFTER_MS).unref();
}
