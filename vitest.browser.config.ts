import { defineConfig } from "vitest/config";
import { chromiumPath } from "./test/browser/chromium.ts";

try {
  chromiumPath();
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}

export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1, // each file starts a browser
  },
});
