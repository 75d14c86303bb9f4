import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "test/**/*.test.ts"],
    // Processes and servers are real, and the machine may be small and busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Of pods that mostly wait for each other, more can run than there are processors.
    maxConcurrency: 8,
  },
});
