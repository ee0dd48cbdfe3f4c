// A process that migrates a database and says which migrations it applied.

import { migrate } from '../../src/platform/db/migrate.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

const [url = '', migrationsDir = ''] = process.argv.slice(2)
const { applied } = await migrate({ url, migrationsDir, log: createLogger({ level: 'error', format: 'json' }) })
process.stdout.write(`${JSON.stringify(applied)}\n`)
