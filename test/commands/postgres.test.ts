import { describe, expect, inject, test } from 'vitest'
import { openPostgres, requireDatabaseUrl } from '../../src/commands/postgres.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import { testLog } from '../support/context.ts'

/** A setting of its own for each login; all lead to the tests' own PostgreSQL. */
const as = (who: string): string => {
  const url = new URL(inject('postgres').url)
  url.searchParams.set('application_name', who)
  return url.href
}
const configWith = (database: Partial<Config['database']>): Config => {
  const config = loadConfig()
  const none = { url: undefined, appUrl: undefined, systemUrl: undefined, directUrl: undefined }
  return { ...config, database: { ...config.database, ...none, ...database } }
}
const open = (database: Partial<Config['database']>) => openPostgres(configWith(database), testLog)

describe('a PostgreSQL of somebody’s own', () => {
  test('is asked its version, named by its host, and left running', async () => {
    const postgres = await open({ url: as('owner') })
    expect(postgres.label).toMatch(/^PostgreSQL \d+\.\d+$/)
    expect([postgres.place, postgres.embedded]).toEqual([new URL(as('owner')).host, false])
    await postgres.stop()
    expect((await open({ url: as('owner') })).label).toBe(postgres.label)
  })

  test('is reached by one login for everything where only one is given', async () => {
    const url = as('owner')
    expect(await open({ url })).toMatchObject({ ownerUrl: url, appUrl: url, systemUrl: url, systemDirectUrl: url })
  })

  test('is reached by each login for its own purpose, and past a pooler for what needs a session', async () => {
    const [url, appUrl, systemUrl, directUrl] = ['owner', 'app', 'system', 'direct'].map(as) as [
      string,
      string,
      string,
      string,
    ]
    const logins = { url, appUrl, systemUrl }
    expect(await open(logins)).toMatchObject({ ownerUrl: url, appUrl, systemUrl, systemDirectUrl: systemUrl })
    expect(await open({ ...logins, directUrl })).toMatchObject({
      ...{ ownerUrl: directUrl, appUrl, systemUrl, systemDirectUrl: directUrl },
    })
  })

  test.each([
    ['url', 'DATABASE_URL'],
    ['directUrl', 'DATABASE_DIRECT_URL'],
  ])('that does not answer is named by its setting: %s', async (setting, name) => {
    const away = 'postgres://nobody@127.0.0.1:1/cadre'
    await expect(open({ url: as('owner'), [setting]: away })).rejects.toThrow(name)
  })
})

test('a command that brings no database asks for one, and says what does', () => {
  expect(() => requireDatabaseUrl(configWith({}), 'cadre worker')).toThrow('`cadre worker` needs DATABASE_URL.')
  expect(() => requireDatabaseUrl(configWith({ url: as('owner') }), 'cadre worker')).not.toThrow()
})
