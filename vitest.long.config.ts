import { defineConfig } from 'vitest/config'
import { oneGraphql, PATIENCE } from './vitest.config.ts'

// What takes longer than a coffee: real kills, real restarts, browsers beside real servers, a million rows. FULL=1 runs it at full size.
export default defineConfig({
  resolve: oneGraphql,
  test: {
    include: ['test/**/*.long.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // At full size each has the machine to itself: its figures are read by people.
    maxWorkers: process.env.FULL === '1' ? 1 : 2,
    testTimeout: 45 * 60_000,
    hookTimeout: 5 * 60_000,
    expect: { poll: PATIENCE },
  },
})
