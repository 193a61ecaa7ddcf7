#!/usr/bin/env node
// Starts the bench. The peers are installed by bench/main.ts.
import { compileAndStart } from "./compile.js";

await compileAndStart(["main", "memory-child", "streams-child"]);
