import { defineConfig } from 'vitest/config';

/** The tests that say whether a change of `src/core` is noticed: quick ones that need neither an engine nor a built program. */
export default defineConfig({
  test: {
    include: [
      'test/core/**/*.test.ts',
      'test/proxy/{tls,traefik}.test.ts',
      'test/ops/{check,deploy,drain,explain,load,logs,memory,prune,secrets,tls,init,journal,proxy,ready,traefik,revert,failures,maintenance,verify}.test.ts',
      'test/golden.test.ts',
    ],
    isolate: false,
    testTimeout: 60_000,
  },
});
