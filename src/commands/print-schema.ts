// Writes schema.graphql, or with --check fails when the committed one differs from what the code says.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../platform/db/package-root.ts'
import { printedSchema } from '../platform/graphql/printed-schema.ts'
import { schema } from '../schema.ts'

const file = join(packageRoot(), 'schema.graphql')
const printed = printedSchema(schema)

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== printed) {
    process.stderr.write('schema.graphql is not what the code says. Run: npm run codegen\n')
    process.exitCode = 1
  }
} else {
  writeFileSync(file, printed)
}
