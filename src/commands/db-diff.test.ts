import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { diffMigration, writeMigration } from './db-diff.ts'

let folder = ''
let options = { migrationsDir: '', schemaFile: '' }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cadre-diff-test-'))
  options = { migrationsDir: join(folder, 'migrations'), schemaFile: join(folder, 'schema.prisma') }
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function describeTable(...columns: string[]): void {
  const model = ['model deal {', '  id Int @id', ...columns.map((column) => `  ${column}`), '}']
  writeFileSync(options.schemaFile, ['datasource db {', '  provider = "postgresql"', '}', ...model].join('\n'))
}

const BY_HAND = `
  ALTER TABLE deal ADD CONSTRAINT deal_state CHECK (state IN ('OPEN', 'WON'));
  ALTER TABLE deal ENABLE ROW LEVEL SECURITY;
  CREATE POLICY tenant ON deal TO cadre_app USING (state <> '');
  GRANT SELECT ON deal TO cadre_app;
  CREATE UNIQUE INDEX deal_one_open ON deal (state) WHERE state = 'OPEN';
  CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;`

// Each look at the migrations starts a PostgreSQL of its own: three of them say it all.
it('a migration begins with everything, leaves what is written by hand, and goes on with what changed', async () => {
  describeTable('state String')
  const first = (await writeMigration('The first', options)) ?? ''
  expect(basename(first)).toMatch(/^\d{14}_the_first$/)
  const file = join(first, 'migration.sql')
  expect(readFileSync(file, 'utf8')).toContain('CREATE TABLE "deal"')
  expect(existsSync(join(options.migrationsDir, 'migration_lock.toml'))).toBe(true)

  // CHECKs, policies, grants, functions and partial indexes.
  writeFileSync(file, readFileSync(file, 'utf8') + BY_HAND)
  expect(await writeMigration('Nothing', options)).toBeNull()

  describeTable('state String', 'amount BigInt?')
  expect(await diffMigration(options)).toContain('ALTER TABLE "deal" ADD COLUMN     "amount" BIGINT')
})
