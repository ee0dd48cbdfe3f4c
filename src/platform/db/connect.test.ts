import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { runSql } from '../../../test/support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts'
import { StartFault } from '../lib/start-fault.ts'
import { connectDirect } from './connect.ts'

const servers: Server[] = []

afterEach(() => {
  vi.useRealTimers()
  for (const server of servers.splice(0)) server.close()
})

/** A port that is answered by something other than PostgreSQL. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const refusal = (url: string, setting?: string): Promise<StartFault> =>
  connectDirect(url, setting).then(
    (client) => client.end().then(() => Promise.reject(new Error('it connected'))),
    (err: unknown) => (err instanceof StartFault ? err : Promise.reject(err)),
  )

describe('the first contact with what is no PostgreSQL', () => {
  it('says that there is no answer where somebody listens and says nothing', async () => {
    let met: () => void = () => {}
    const connected = new Promise<void>((resolve) => {
      met = resolve
    })
    const port = await listen(() => met())
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const refused = refusal(`postgresql://me:secret@127.0.0.1:${port}/mine`)
    await connected
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await refused).message).toBe(`DATABASE_URL: nobody answers at 127.0.0.1:${port} (no answer).`)
  })

  it('says in the network’s words what has no words of ours, and names the setting that the URL came from', async () => {
    const port = await listen((socket) => socket.end())
    const fault = await refusal(`postgresql://me:secret@127.0.0.1:${port}/mine`, 'DATABASE_APP_URL')
    expect(fault.message).toMatch(/^DATABASE_APP_URL: nobody answers at 127\.0\.0\.1:\d+ \(Connection terminated/)
    expect(fault.hint).toBe('Leave DATABASE_APP_URL out to use the embedded PostgreSQL.')
    expect(fault.message + fault.hint).not.toContain('secret')
  })

  it('names PostgreSQL’s own port where the URL names none', async () => {
    const fault = await refusal('postgresql://me@no-such-host.invalid/mine')
    expect(fault.message).toMatch(/^DATABASE_URL: nobody answers at no-such-host\.invalid:5432 /)
  })
})

describe('the first contact with a PostgreSQL', () => {
  let database: TestDatabase

  beforeEach(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database.drop())

  it('that lets nobody in says so in its words', async () => {
    await runSql(inject('postgres').url, `alter database ${database.name} allow_connections false`)
    const fault = await refusal(database.url)
    expect(fault.message).toMatch(/refused the connection: database .* is not currently accepting connections\.$/)
  })

  it('that is older than 15 is refused by its version, and the connection is not kept', async () => {
    // In this database the server gives itself out for an older one.
    await runSql(
      database.url,
      `create function public.current_setting(name text) returns text language sql
         return case name when 'server_version_num' then '140011' else '14.11' end`,
    )
    await runSql(database.url, `alter database ${database.name} set search_path = public, pg_catalog`)
    const fault = await refusal(database.url)
    expect(fault.message).toBe('DATABASE_URL: PostgreSQL 14.11 is too old. Cadre needs 15 or newer.')
    const left = `select from pg_stat_activity where datname = $1 and application_name = 'cadre start'`
    await expect.poll(() => runSql(inject('postgres').url, left, [database.name])).toEqual([])
  })
})
