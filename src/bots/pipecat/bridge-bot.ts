import type { Bot } from "../../call/index.ts";
import { Bridge, type BridgeSettings } from "./bridge.ts";

/** A bot that lives elsewhere: each call gets a bridge of its own. */
export function bridgeBot(settings: BridgeSettings): Bot {
  const bot: Bot = (call) => new Bridge(call, settings).run();
  return Object.assign(bot, {
    counters: settings.counters,
    close: () => settings.seats.close(),
  });
}
