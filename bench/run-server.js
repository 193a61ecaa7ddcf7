#!/usr/bin/env node
// Starts the server's bench. The peer is installed by bench/server/main.ts.
import { compileAndStart } from "./compile.js";

await compileAndStart(["server/main", "server/server-child", "server/load-child"]);
