// Part of the build: the program as a few files in dist/, so that a start reads those instead of 1,500 modules (ADR 9).

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { packageRoot } from '../platform/db/package-root.ts'

/** Made of many small modules; with what they depend on they are read in a fraction of the time when bundled. */
const BUNDLED = new Set([
  ...[
    '@anthropic-ai/sdk',
    '@pothos/core',
    '@pothos/plugin-complexity',
    '@pothos/plugin-prisma',
    '@pothos/plugin-relay',
  ],
  ...['dataloader', 'graphql', 'graphql-ws', 'graphql-yoga', 'kysely', 'lru-cache', 'luxon', 'uuid', 'zod'],
])

const root = packageRoot()
const outdir = join(root, 'dist')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
const unknown = [...BUNDLED].filter((name) => !(name in dependencies))
if (unknown.length > 0) throw new Error(`not among the dependencies, so it cannot be bundled: ${unknown.join(', ')}`)

const { outputFiles } = await build({
  entryPoints: [join(root, 'src', 'main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: Object.keys(dependencies).filter((name) => !BUNDLED.has(name)),
  // What is bundled of CommonJS requires Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  write: false,
})

// What was built before stays whole until all of the new is there: the program is named last, what it no longer needs goes.
const main = join(outdir, 'main.js')
const files = outputFiles.toSorted((a, b) => Number(a.path === main) - Number(b.path === main))
for (const { path, contents } of files) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}
const built = new Set(files.map(({ path }) => path))
const reference = join(outdir, 'docs')
for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (entry.isFile() && !built.has(path) && !path.startsWith(reference)) rmSync(path)
}
