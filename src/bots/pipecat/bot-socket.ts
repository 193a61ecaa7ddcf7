import { WebSocket } from "ws";
import { BotError } from "./errors.ts";
import type { Seat } from "./seat.ts";

/** Pipecat's longest message is two seconds of silence: 192,000 bytes at 48 kHz. */
const MAX_MESSAGE_BYTES = 1_048_576;

/**
 * Opens the socket to a bot, which rests until it is resumed.
 *
 * @throws BotError `BOT_REFUSED`, `BOT_UNREACHABLE`; whatever `signal` was aborted with
 */
export function connect({ url, headers }: Seat, signal: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
    } catch (cause) {
      reject(new BotError("BOT_UNREACHABLE", `the URL of the bot ${placeOf(url)} cannot be used`, { cause }));
      return;
    }
    const settle = (then: () => void) => {
      signal.removeEventListener("abort", onAbort);
      then();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.terminate();
        reject(error);
      });
    const onAbort = () => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // Also keeps later errors of the socket, which closes then, from taking the process down.
    socket.on("error", (cause) => {
      const { code } = cause as { code?: unknown };
      const why = typeof code === "string" ? code : "no WebSocket";
      fail(new BotError("BOT_UNREACHABLE", `the bot ${placeOf(url)} cannot be reached (${why})`, { cause }));
    });
    socket.once("unexpected-response", (_request, { statusCode }) => {
      fail(new BotError("BOT_REFUSED", `the bot ${placeOf(url)} refused the call (HTTP ${statusCode})`));
    });
    socket.once("open", () => {
      // What came with the reply to the upgrade waits until somebody listens.
      socket.pause();
      settle(() => resolve(socket));
    });
  });
}

/** Where a bot is, for a log: its URL may hold a token. */
export function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "somewhere";
}
