// Part of the build: the program as a few files in dist/, so that a start reads those instead of 1,500 modules (ADR 9).

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { packageRoot } from '../platform/db/package-root.ts'

/** Made of many small modules; with what they depend on they are read in a fraction of the time when bundled. */
const BUNDLED =
  /^(@anthropic-ai\/sdk|@pothos\/.*|dataloader|graphql|graphql-ws|graphql-yoga|kysely|lru-cache|luxon|uuid|zod)$/

const root = packageRoot()
const outdir = join(root, 'dist')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}

rmSync(join(outdir, 'chunks'), { recursive: true, force: true })
await build({
  entryPoints: [join(root, 'src', 'main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: Object.keys(dependencies).filter((name) => !BUNDLED.test(name)),
  // What is bundled of CommonJS requires Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
