import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Vite would load GraphQL's ES module beside the CommonJS one that our libraries load: two realms, and no schema. */
export const oneGraphql = {
  alias: [
    { find: /^graphql$/, replacement: fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url)) },
  ],
}

/** How long a fact that is looked for again and again may stay away on a busy machine. */
export const PATIENCE = { timeout: 30_000, interval: 100 }

/** Percent. What guards promises (order, tenants, credentials, effects) is held to more than the whole. */
const GUARDED = { lines: 90, branches: 90 }

const LONG = '**/*.long.test.ts'
/** They define schemas of their own with the one builder, which is made anew for each of their files. */
const OWN_SCHEMAS = 'test/graphql/**/*.test.ts'

const anyTest = {
  pool: 'forks',
  // A test waits on facts; these bound how long a fact may stay away on a busy machine.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: PATIENCE },
} as const

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Tests wait for PostgreSQL and for processes more than they compute.
    maxWorkers: 4,
    projects: [
      {
        resolve: oneGraphql,
        test: {
          ...anyTest,
          name: 'all',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'gates/**/*.test.ts'],
          exclude: [LONG, OWN_SCHEMAS],
          // Reading the program anew for every file would take as long as a third of the tests.
          isolate: false,
        },
      },
      {
        resolve: oneGraphql,
        test: {
          ...anyTest,
          name: 'own schemas',
          include: [OWN_SCHEMAS],
          exclude: [LONG],
          // Our modules anew for every file, libraries once.
          isolate: false,
          setupFiles: ['test/support/fresh-modules.ts'],
        },
      },
    ],
    // Only with --coverage. Counts what runs in the tests' own processes: servers, workers and commands that a test
    // starts as processes of their own are not counted, so the figures say less than was run, never more.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts', 'src/generated/**', 'src/client/gql/**'],
      reporter: ['text-summary', 'html'],
      reportOnFailure: true,
      thresholds: {
        lines: 80,
        branches: 80,
        'src/platform/events/**': GUARDED,
        'src/platform/db/**': GUARDED,
        'src/platform/auth/**': GUARDED,
        'src/agent/**': GUARDED,
      },
    },
  },
})
