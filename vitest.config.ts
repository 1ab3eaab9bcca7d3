import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          // Thousands of made-up inputs take their time on a machine that has other things to do.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/support/prepare.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          // One engine serves all files; figures measured in one must not be disturbed by another.
          fileParallelism: false,
        },
      },
    ],
  },
});
