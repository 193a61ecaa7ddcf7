import { defineConfig } from "vitest/config";

// Needs nginx, Caddy and openssl (Debian: nginx-light, caddy, openssl): .ci/run installs them.
export default defineConfig({
  test: { include: ["test/proxy/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: 1 },
});
