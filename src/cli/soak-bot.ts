import { echoBot } from "../bots/index.ts";
import type { Bot } from "../call/index.ts";
export const soakBot: Bot = echoBot();
