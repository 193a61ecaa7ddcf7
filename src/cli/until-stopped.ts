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
    const stop = () => {
      if (server.callCount > 0) {
        const limit = Math.round(drainMs / 1_000);
        console.log(
          `stopping: ${server.callCount} call(s) may go on for ${limit} s; press Ctrl-C again to end them now`,
        );
      }
      for (const signal of signals) process.off(signal, stop).on(signal, hurry);
      void server
        .drain()
        .then(() => server.close())
        .then(resolve);
    };
    // Whoever sends a third one does not want to wait for anything.
    const hurry = () => {
      for (const signal of signals) process.off(signal, hurry);
      void server.close();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

/** All is over. What a bot's module keeps open (a timer, a connection) must not keep the process. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), EXIT_AFTER_MS).unref();
}
