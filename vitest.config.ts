import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/*.long.test.ts', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // A test waits on facts; these bound how long a fact may stay away on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
