import { ServerError, type ServerSettings, type ServerUrls, type WavixServer } from "../server/index.ts";
import { UsageError } from "./arguments.ts";

/**
 * Lets a server listen; one that cannot is closed, since its bots may have processes.
 *
 * @throws UsageError for a mistake in the settings
 * @throws Error in one line for what else keeps it from listening
 */
export async function listen(server: WavixServer, { host, port }: ServerSettings): Promise<ServerUrls> {
  try {
    return await server.listen();
  } catch (error) {
    await server.close();
    if (error instanceof ServerError && error.code !== "NO_WORKER") throw new UsageError(error.message);
    if (error instanceof ServerError) throw new Error(error.message);
    const { code } = error as NodeJS.ErrnoException;
    const advice = code === "EADDRINUSE" ? "is in use; choose another with --port" : `cannot be had (${code})`;
    throw new Error(`port ${port} on ${host} ${advice}`);
  }
}
