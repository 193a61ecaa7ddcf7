import type { Bot } from "../../call/index.ts";
import { Bridge, type BridgeSettings } from "./bridge.ts";
import { type PipecatBotSettings, readPipecatOptions } from "./check-options.ts";
import { noBridgeCounts } from "./counters.ts";
import type { PipecatBotOptions } from "./options.ts";
import { PipecatProtocol } from "./pipecat-protocol.ts";
import type { ProtocolFactory } from "./protocol.ts";
import { openSeats } from "./seats/index.ts";
import { TwilioProtocol } from "./twilio-protocol.ts";

/**
 * A Pipecat bot, which runs elsewhere: each call is bridged to it over a WebSocket of its own. What is said on that, and
 * what the bot may ask for, stands in docs/pipecat.md.
 *
 * Bots that are started by `command` are started at once; `close` stops them, which a server does when it closes.
 *
 * @returns a bot that rejects with a {@link BotError} when a call has no bot, or none any more
 * @throws TypeError or RangeError for options that cannot work
 *
 * @example
 * const server = createServer({ bot: pipecatBot({ url: "ws://127.0.0.1:7861/ws-client" }), port: 0 });
 */
export function pipecatBot(options: PipecatBotOptions): Bot {
  const settings = readPipecatOptions(options);
  const seats = openSeats(settings.seats);
  return bridgeBot({ ...settings, seats, protocol: protocolOf(settings), counters: noBridgeCounts() });
}

function protocolOf({ protocol, inputSampleRate, twilioAccountSid }: PipecatBotSettings): ProtocolFactory {
  return protocol === "twilio"
    ? (line) => new TwilioProtocol(line, twilioAccountSid)
    : (line) => new PipecatProtocol(line, inputSampleRate ?? line.call.audioInSampleRate);
}

/** A bot of parts that are there. @internal */
export function bridgeBot(settings: BridgeSettings): Bot {
  const { seats, counters } = settings;
  const bot: Bot = (call) => new Bridge(call, settings).run();
  return Object.defineProperties(bot, {
    close: { value: () => seats.close() },
    counters: { get: () => ({ ...counters, ...seats.counters }) },
  });
}
