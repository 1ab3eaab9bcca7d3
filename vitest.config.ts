import { defineConfig } from 'vitest/config';

/** One engine serves all files; figures measured in one must not be disturbed by another. */
const REAL = {
  globalSetup: ['test/e2e/support/prepare.ts'],
  testTimeout: 180_000,
  hookTimeout: 300_000,
  fileParallelism: false,
};

export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{e2e,faults,attacks,fuzz}/**'],
          // Thousands of made-up inputs take their time on a machine that has other things to do.
          testTimeout: 120_000,
        },
      },
      { test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], testTimeout: 60 * 60_000 } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...REAL } },
      { test: { name: 'faults', include: ['test/faults/**/*.test.ts'], ...REAL, testTimeout: 60 * 60_000 } },
      { test: { name: 'attacks', include: ['test/attacks/**/*.test.ts'], ...REAL, testTimeout: 20 * 60_000 } },
    ],
  },
});
