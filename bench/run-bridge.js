#!/usr/bin/env node
// Starts the bench of the bridge to Pipecat. Its Pythons are installed by bench/bridge/main.ts.
import { compileAndStart } from "./compile.js";

await compileAndStart([
  "bridge/main",
  "bridge/server-child",
  "bridge/bot-child",
  "bridge/delay-child",
  "server/load-child",
]);
