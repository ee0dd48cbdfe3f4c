import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Vite would load GraphQL's ES module beside the CommonJS one that our libraries load: two realms, and no schema. */
export const oneGraphql = {
  alias: [
    { find: /^graphql$/, replacement: fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url)) },
  ],
}

export default defineConfig({
  resolve: oneGraphql,
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'gates/**/*.test.ts'],
    exclude: ['**/*.long.test.ts', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Tests wait for PostgreSQL and for processes more than they compute.
    maxWorkers: 4,
    // A test waits on facts; these bound how long a fact may stay away on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
