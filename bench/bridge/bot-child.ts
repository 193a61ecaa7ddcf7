// bot-child: a bot behind the bridge, in a process of its own.
import { answer } from "../server/child.ts";
import { serveEchoBot } from "./echo-bot.ts";

answer({ open: serveEchoBot });
