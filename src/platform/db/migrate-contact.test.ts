import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres15, startDebianPostgres15 } from '../../../test/support/postgres15.ts'
import { runSql } from '../../../test/support/sql.ts'
import { failure, openUnmigratedDatabase } from '../../../test/support/unmigrated-database.ts'
import { createLogger } from '../observability/logger.ts'
import { migrate } from './migrate.ts'
import { rolesSql } from './roles.ts'

const log = createLogger({ level: 'error', format: 'json' })
const { fresh } = openUnmigratedDatabase()

describe('the first contact with the database', () => {
  const contact = (change: (target: URL) => void) => {
    const target = new URL(fresh.url)
    change(target)
    return failure(migrate({ ...fresh, url: target.href, log }))
  }

  it('says that nobody answers', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    closed.close()
    await once(closed, 'close')
    const fault = await contact((target) => {
      target.hostname = '127.0.0.1'
      target.port = String(port)
    })
    expect(fault.message).toBe(`DATABASE_URL: nobody answers at 127.0.0.1:${port} (connection refused).`)
    expect(fault.hint).toBe('Leave DATABASE_URL out to use the embedded PostgreSQL.')
  })

  it('says that there is no such host', async () => {
    const fault = await contact((target) => {
      target.hostname = 'no-such-host.invalid'
    })
    expect(fault.message).toMatch(
      /^DATABASE_URL: nobody answers at no-such-host\.invalid:\d+ \((no such host|the host name cannot be looked up)\)\.$/,
    )
  })

  it('says that there is no such database', async () => {
    const fault = await contact((target) => {
      target.pathname = '/nothing_here'
    })
    expect(fault.message).toMatch(/^DATABASE_URL: there is no database nothing_here at /)
  })

  it('says that the password is wrong, without repeating it', async () => {
    const fault = await contact((target) => {
      target.password = 'a-wrong-one'
    })
    expect(fault.message).toMatch(/does not let the user .* in/)
    expect(fault.message + fault.hint).not.toContain('a-wrong-one')
  })
})

describe.runIf(hasPostgres15())('migrate on PostgreSQL 15, as an owner who may not create roles', () => {
  let postgres: Awaited<ReturnType<typeof startDebianPostgres15>>

  beforeAll(async () => {
    postgres = await startDebianPostgres15({ superuser: false })
  })
  afterAll(() => postgres.stop())

  it("asks for an administrator's SQL, and after it brings this code's own migrations", async () => {
    const fault = await failure(migrate({ url: postgres.url, log }))
    const sql = rolesSql('owner', 150_000)
    expect(fault.hint).toContain(sql)
    await runSql(postgres.adminUrl, sql)
    const { applied } = await migrate({ url: postgres.url, log })
    expect(applied.length).toBeGreaterThan(0)
    expect(await migrate({ url: postgres.url, log })).toEqual({ applied: [] })
  })
})
