import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/browser/**"], // vitest.browser.config.ts
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxConcurrency: 40, // calls that wait for each other's servers, not work
  },
});
