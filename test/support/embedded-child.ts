// A process that uses the embedded PostgreSQL: says how it came up, stops it when standard input ends, then says so.

import { startEmbedded } from '../../src/platform/db/embedded.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

const [dir = '', rootDir] = process.argv.slice(2)
const log = createLogger({ level: 'error', format: 'json', stream: { write: (line) => process.stderr.write(line) } })
const postgres = await startEmbedded({ dir, log, durable: false, ...(rootDir === undefined ? {} : { rootDir }) })
process.stdout.write(`${JSON.stringify({ url: postgres.url, adopted: postgres.adopted })}\n`)
process.stdin.resume()
process.stdin.on('end', async () => {
  await postgres.stop()
  process.stdout.write('"stopped"\n')
})
