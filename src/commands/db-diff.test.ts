import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

describe('writing a migration', () => {
  it('begins with everything, goes on with what changed, and ends when nothing differs', async () => {
    describeTable('state String')
    const first = (await writeMigration('The first', options)) ?? ''
    expect(basename(first)).toMatch(/^\d{14}_the_first$/)
    expect(readFileSync(join(first, 'migration.sql'), 'utf8')).toContain('CREATE TABLE "deal"')
    expect(existsSync(join(options.migrationsDir, 'migration_lock.toml'))).toBe(true)
    expect(await diffMigration(options)).toBeNull()

    describeTable('state String', 'amount BigInt?')
    expect(await diffMigration(options)).toContain('ALTER TABLE "deal" ADD COLUMN     "amount" BIGINT')
  })

  it('leaves what is written by hand: CHECKs, policies, grants, functions and partial indexes', async () => {
    describeTable('state String')
    const first = (await writeMigration('first', options)) ?? ''
    const file = join(first, 'migration.sql')
    const byHand = `
      ALTER TABLE deal ADD CONSTRAINT deal_state CHECK (state IN ('OPEN', 'WON'));
      ALTER TABLE deal ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tenant ON deal TO cadre_app USING (state <> '');
      GRANT SELECT ON deal TO cadre_app;
      CREATE UNIQUE INDEX deal_one_open ON deal (state) WHERE state = 'OPEN';
      CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;`
    writeFileSync(file, readFileSync(file, 'utf8') + byHand)
    expect(await diffMigration(options)).toBeNull()
  })
})
