#!/usr/bin/env node
// Starts the bench of the voice bots.
import { compileAndStart } from "./compile.js";

await compileAndStart(["voice/main", "voice/server-child", "voice/services-child", "voice/callers-child"]);
