// One Cadre for the bench, in a process of its own: serves, works no runs, and says where it listens. With `unbound` no
// connection is bound to a workspace: what that costs is a part of row-level security's price.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

const [url = '', binding] = process.argv.slice(2)

if (binding === 'unbound') {
  const query = pg.Client.prototype.query as (...given: unknown[]) => unknown
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given as [{ readonly name?: string } | undefined]
    return first?.name === 'bind_workspace' ? Promise.resolve() : query.apply(this, given)
  } as typeof pg.Client.prototype.query
}

const app = await createApp({
  config: loadConfig({ DATABASE_URL: url, PORT: '0', CADRE_DIR: mkdtempSync(join(tmpdir(), 'cadre-bench-')) }, false),
  log: createLogger({ level: 'warn', format: 'json', stream: { write: (line) => process.stderr.write(line) } }),
  urls: { appUrl: url, systemUrl: url, systemDirectUrl: url },
  serve: true,
  work: false,
  development: false,
})
process.stdout.write(`${app.url}\n`)
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
// Whoever started it is gone.
process.stdin.on('end', () => process.exit(0)).resume()
