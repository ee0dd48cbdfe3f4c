import { readFileSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readDemoFigures } from '../../src/commands/demo-figures.ts'
import { DEMO_SLUG, demoKeyFile, readDemoKey, type Seeded, seedDemo } from '../../src/commands/seed.ts'
import { findNewest } from '../../src/explorer/newest.ts'
import { createAuthenticator } from '../../src/platform/auth/authenticate.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { insertWorkspace, openDatabase, testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const dir = openTemporaryFolder('cadre-seed-test-')
let database: TestDatabase
let db: Database

beforeEach(async () => {
  database = await createTestDatabase()
  db = openDatabase(database.url)
})
afterEach(async () => {
  await db.close()
  await database.drop()
  rmSync(demoKeyFile(dir), { force: true })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const seed = (sampleLeads = 0): Promise<Seeded> =>
  seedDemo({ db, dir, sampleLeads, bell: { ring: () => {} }, clock: systemClock, log: testLog })

/** The workspace that the key in the folder opens. */
const opened = async (): Promise<string | undefined> =>
  (await createAuthenticator({ db, clock: systemClock, log: testLog }).authenticate(`Bearer ${readDemoKey(dir)}`))
    .workspaceId

const idOf = (seeded: Seeded): string => {
  if (seeded.workspaceId === null) throw new Error('there is no workspace')
  return seeded.workspaceId
}

describe('the first start', () => {
  test('makes one workspace with a team, a form and a pipeline, and a key only its owner can read', async () => {
    const seeded = await seed()
    expect(seeded).toMatchObject({ created: true, keyFile: demoKeyFile(dir) })
    expect(await readDemoFigures(db, idOf(seeded))).toEqual({
      ...{ employees: 2, forms: 1, pipelines: 1, deals: 0, approvals: 0 },
      dailyBudgetMicros: 1_000_000n,
    })
    expect(await opened()).toBe(seeded.workspaceId)
    expect(statSync(demoKeyFile(dir)).mode & 0o777).toBe(0o600)
    expect(await findNewest(db, idOf(seeded))).toEqual({})
  })

  test('begins with as many leads as were asked for, through the form, with a run for each', async () => {
    const seeded = await seed(2)
    const rows = await db.read(idOf(seeded), (sql) => sql.selectFrom('run').select(['id', 'status']).execute())
    expect(rows.map(({ status }) => status)).toEqual(['QUEUED', 'QUEUED'])
    const { run } = await findNewest(db, idOf(seeded))
    expect(rows.map(({ id }) => `run_${id}`)).toContain(run)
  })

  test('of two processes at once makes one workspace, and both know it', async () => {
    const both = await Promise.all([seed(), seed()])
    expect(both.map(({ created }) => created).sort()).toEqual([false, true])
    expect(new Set(both.map(({ workspaceId }) => workspaceId)).size).toBe(1)
    expect(await opened()).toBe(both[0]?.workspaceId)
  })
})

describe('a later start', () => {
  test('touches nothing, and its key stays the same', async () => {
    const { workspaceId } = await seed()
    const key = readFileSync(demoKeyFile(dir), 'utf8')
    expect(await seed(5)).toEqual({ created: false, keyFile: demoKeyFile(dir), workspaceId })
    expect(readFileSync(demoKeyFile(dir), 'utf8')).toBe(key)
    const leads = await db.read(idOf({ created: false, keyFile: null, workspaceId }), (sql) =>
      sql.selectFrom('submission').select('id').execute(),
    )
    expect(leads).toEqual([])
  })

  test('makes a new key where the folder has lost it', async () => {
    const { workspaceId } = await seed()
    unlinkSync(demoKeyFile(dir))
    await seed()
    expect(await opened()).toBe(workspaceId)
  })
})

describe('a database of somebody’s own', () => {
  test('with one workspace is told of, and gets neither a demo nor a key', async () => {
    const { id } = await insertWorkspace(db)
    expect(await seed(5)).toEqual({ created: false, keyFile: null, workspaceId: id })
    expect(() => readDemoKey(dir)).toThrow('ENOENT')
    const demos = await db.systemSql.selectFrom('workspace').select('id').where('slug', '=', DEMO_SLUG).execute()
    expect(demos).toEqual([])
  })

  test('with several has none that is meant', async () => {
    await insertWorkspace(db)
    await insertWorkspace(db)
    expect(await seed()).toEqual({ created: false, keyFile: null, workspaceId: null })
  })
})
