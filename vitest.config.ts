import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // With configurations of their own: vitest.browser.config.ts, test/{proxy,interop}/vitest.config.ts.
    exclude: [...configDefaults.exclude, "test/browser/**", "test/proxy/**", "test/interop/**"],
    maxWorkers: 2, // most wait rather than compute, on two cores too
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxConcurrency: 40, // calls that wait for each other's servers, not work
  },
});
