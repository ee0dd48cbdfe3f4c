import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../../test/support/context.ts'
import { createTestDatabase } from '../../../test/support/test-database.ts'
import { translateDatabaseError } from './errors.ts'
import { statementName } from './statement-name.ts'

describe('the name of a prepared statement', () => {
  test('is one per text, and is not given again when its text was dropped', () => {
    const first = statementName('select 1')
    expect(statementName('select 1')).toBe(first)
    const others = Array.from({ length: 1_500 }, (_, at) => statementName(`select ${at} as other`))
    expect(others.every((name) => name !== undefined)).toBe(true)
    const again = statementName('select 1')
    expect(new Set([first, again, ...others]).size).toBe(1_502)
  })

  test('is not given to a text above 8 KB', () => {
    expect(statementName(`select '${'x'.repeat(8 * 1_024)}'`)).toBeUndefined()
  })
})

test('a statement of the application ends after 30 s, as the caller’s error', async () => {
  const database = await createTestDatabase()
  const db = openDatabase(database.url)
  const timeoutOf = async (pool: typeof db.app) =>
    (await pool.query<{ statement_timeout: string }>('show statement_timeout')).rows[0]?.statement_timeout
  expect([await timeoutOf(db.app), await timeoutOf(db.system)]).toEqual(['30s', '0'])
  const client = await db.app.connect()
  await client.query('set statement_timeout = 20')
  const thrown: unknown = await client.query('select pg_sleep(60)').catch((err: unknown) => err)
  client.release(true)
  expect(translateDatabaseError(thrown)).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'TIME' } })
  const wrong: unknown = await db.app.query(`select '10000-13-01'::date`).catch((err: unknown) => err)
  expect(translateDatabaseError(wrong)).toMatchObject({ code: 'INVALID_INPUT' })
  await db.close()
  await database.drop()
})
