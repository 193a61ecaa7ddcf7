// A longer run of test/codec/message-fuzz.test.ts: npm run fuzz -- --messages 20000000 [--seed S]
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { messages: { type: "string" }, seed: { type: "string" } } });
for (const [name, value] of Object.entries(values)) {
  if (/^\d{1,12}$/.test(value)) continue;
  console.error(`--${name} must be a whole number, got ${value}`);
  process.exit(2);
}
const { status } = spawnSync("npx", ["vitest", "run", "test/codec/message-fuzz.test.ts"], {
  stdio: "inherit",
  env: {
    ...process.env,
    ...(values.messages === undefined ? {} : { FUZZ_MESSAGES: values.messages }),
    ...(values.seed === undefined ? {} : { FUZZ_SEED: values.seed }),
  },
});
process.exit(status ?? 1);
