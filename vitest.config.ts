import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/browser/**"], // vitest.browser.config.ts
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
