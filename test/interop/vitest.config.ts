import { defineConfig } from "vitest/config";

// Needs Python 3.11 or newer with venv (Debian: python3-venv), and PyPI when it runs for the first time.
export default defineConfig({
  test: {
    include: ["test/interop/**/*.test.ts"],
    globalSetup: "test/interop/setup.ts",
    testTimeout: 60_000,
    hookTimeout: 90_000,
    maxWorkers: 1,
  },
});
