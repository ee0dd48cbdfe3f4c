import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasPostgres15, startDebianPostgres15 } from '../../../test/support/postgres15.ts'
import { runSql } from '../../../test/support/sql.ts'
import { StartFault } from '../lib/start-fault.ts'
import { createLogger } from '../observability/logger.ts'
import { assertServingRole, ensureRoles, rolesSql, SERVING_ROLES } from './roles.ts'
import { startScratchPostgres } from './scratch.ts'

const log = createLogger({ level: 'error', format: 'json' })
const dropRoles = `DROP ROLE IF EXISTS ${SERVING_ROLES.join(', ')}`

const servers = [
  {
    name: 'PostgreSQL 18',
    present: true,
    start: async () => {
      const { url, adminUrl, stop } = await startScratchPostgres(log)
      // A second database owner, who may not create roles.
      await runSql(adminUrl, "CREATE ROLE plain LOGIN CREATEDB PASSWORD 'plain'")
      await runSql(adminUrl, 'CREATE DATABASE plain OWNER plain')
      const plainUrl = withUser(adminUrl, 'plain', 'plain', 'plain')
      return { url, plainUrl, plainUser: 'plain', adminUrl, stop }
    },
  },
  {
    name: 'PostgreSQL 15',
    present: hasPostgres15(),
    start: async () => {
      const { url, adminUrl, stop } = await startDebianPostgres15({ superuser: false })
      await runSql(adminUrl, "CREATE ROLE creator LOGIN CREATEDB CREATEROLE PASSWORD 'creator'")
      await runSql(adminUrl, 'CREATE DATABASE creator OWNER creator')
      const creatorUrl = withUser(adminUrl, 'creator', 'creator', 'creator')
      return { url: creatorUrl, plainUrl: url, plainUser: 'owner', adminUrl, stop }
    },
  },
]

function withUser(base: string, user: string, password: string, database: string): string {
  const url = new URL(base)
  url.username = user
  url.password = password
  url.pathname = `/${database}`
  return url.href
}

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return work(client).finally(() => client.end())
}

describe.each(servers.filter((server) => server.present))('the serving roles on $name', ({ start }) => {
  let server: Awaited<ReturnType<typeof start>>

  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server.stop())

  it('are made by an owner who may create roles, and again without harm', async () => {
    await withClient(server.url, async (client) => {
      await ensureRoles(client)
      await ensureRoles(client)
    })
    const roles = await runSql(
      server.url,
      `SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname ^@ 'cadre_' ORDER BY 1`,
    )
    expect(roles).toEqual(
      ['cadre_app', 'cadre_search', 'cadre_system'].map((rolname) => ({
        rolname,
        rolcanlogin: false,
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
      })),
    )
  })

  it('can be changed into by the owner, who may make things that belong to them', async () => {
    await withClient(server.url, async (client) => {
      await ensureRoles(client)
      await client.query('CREATE SCHEMA theirs AUTHORIZATION cadre_system')
      for (const role of SERVING_ROLES) {
        await client.query(`SET ROLE ${role}`)
        expect((await client.query('SELECT current_user::text AS who')).rows).toEqual([{ who: role }])
        await client.query('RESET ROLE')
      }
      await client.query('ALTER SCHEMA theirs RENAME TO still_theirs')
      await client.query('DROP SCHEMA still_theirs')
    })
  })

  it('are made once when many processes begin at the same moment', async () => {
    await runSql(server.adminUrl, dropRoles)
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new pg.Client({ connectionString: server.url })
        await client.connect()
        return client
      }),
    )
    try {
      await Promise.all(clients.map((client) => ensureRoles(client)))
    } finally {
      await Promise.all(clients.map((client) => client.end()))
    }
    const [granted] = await runSql(
      server.url,
      `SELECT bool_and(pg_has_role(oid, 'USAGE')) AS all FROM pg_roles WHERE rolname ^@ 'cadre_'`,
    )
    expect(granted).toEqual({ all: true })
  })

  it('are not granted for ever where PostgreSQL takes the grant and does not tell of it', async () => {
    await withClient(server.url, async (client) => {
      await ensureRoles(client)
      const unmoved = {
        query: async (text: string, values?: unknown[]) => {
          const result = await client.query<Record<string, unknown>>(text, values)
          return { ...result, rows: result.rows.map((row) => ('granted' in row ? { ...row, granted: false } : row)) }
        },
      }
      await expect(ensureRoles(unmoved as unknown as pg.Client)).rejects.toThrow(
        'PostgreSQL took each GRANT of cadre_app, cadre_system, cadre_search, and does not tell of them.',
      )
    })
  })

  it('are asked of an administrator when the owner may not create them, whose SQL is all it takes', async () => {
    await runSql(server.adminUrl, dropRoles)
    const [version] = await runSql<{ number: number }>(
      server.adminUrl,
      "SELECT current_setting('server_version_num')::int AS number",
    )
    const sql = rolesSql(server.plainUser, version?.number ?? 0)
    const refused = await withClient(server.plainUrl, (client) => ensureRoles(client)).catch((err: unknown) => err)
    expect(refused).toBeInstanceOf(StartFault)
    expect((refused as StartFault).message).toContain(`the user ${server.plainUser} may not create the roles`)
    expect((refused as StartFault).hint).toContain(sql)

    await runSql(server.adminUrl, sql)
    await runSql(server.adminUrl, sql)
    await withClient(server.plainUrl, async (client) => {
      await ensureRoles(client)
      await client.query('CREATE SCHEMA theirs AUTHORIZATION cadre_system')
      await client.query('SET ROLE cadre_app')
      await client.query('RESET ROLE')
      await client.query('DROP SCHEMA theirs')
    })
  })

  it('are asked of an administrator as well when they are there and the owner may not grant them', async () => {
    // PostgreSQL 16 and newer: who may create roles may grant those that he has made, not others'.
    const [version] = await runSql<{ number: number }>(
      server.adminUrl,
      "SELECT current_setting('server_version_num')::int AS number",
    )
    if ((version?.number ?? 0) < 160_000) return
    await runSql(server.adminUrl, dropRoles)
    for (const role of SERVING_ROLES) await runSql(server.adminUrl, `CREATE ROLE ${role} NOLOGIN`)
    const refused = await withClient(server.url, (client) => ensureRoles(client)).catch((err: unknown) => err)
    expect(refused).toBeInstanceOf(StartFault)
    expect((refused as StartFault).hint).toContain('GRANT cadre_app TO')
    await runSql(server.adminUrl, dropRoles)
    await withClient(server.url, (client) => ensureRoles(client))
  })

  it('are not asked of an administrator for what he could not mend: a database that only reads says so', async () => {
    await runSql(server.adminUrl, dropRoles)
    const refused = withClient(server.url, async (client) => {
      await client.query('SET default_transaction_read_only = on')
      await ensureRoles(client)
    })
    await expect(refused).rejects.toMatchObject({ code: '25006' })
    await withClient(server.url, (client) => ensureRoles(client))
  })

  it('refuses to serve as the owner, a superuser or anyone unexpected, and serves as the role itself', async () => {
    await runSql(server.adminUrl, rolesSql(server.plainUser, 0).replaceAll(' WITH INHERIT TRUE, SET TRUE', ''))
    const assert = (url: string, role?: string) =>
      withClient(url, async (client) => {
        if (role !== undefined) await client.query(`SET ROLE ${role}`)
        await assertServingRole(client, 'cadre_app')
      })
    await expect(assert(server.plainUrl)).rejects.toThrow(/owns the tables/)
    await expect(assert(server.adminUrl)).rejects.toThrow(/is a superuser/)
    await expect(assert(server.plainUrl, 'cadre_system')).rejects.toThrow(/cadre_app was expected/)
    await expect(assert(server.plainUrl, 'cadre_app')).resolves.toBeUndefined()
  })

  it('refuses to serve as a role that bypasses row-level security or owns a table', async () => {
    await withClient(server.adminUrl, async (client) => {
      await client.query('BEGIN')
      await client.query('ALTER ROLE cadre_app BYPASSRLS')
      await client.query('SET ROLE cadre_app')
      await expect(assertServingRole(client, 'cadre_app')).rejects.toThrow(/bypasses row-level security/)
      await client.query('ROLLBACK')
      await client.query('BEGIN')
      await client.query('CREATE TABLE public.mine ()')
      await client.query('ALTER TABLE public.mine OWNER TO cadre_app')
      await client.query('SET ROLE cadre_app')
      await expect(assertServingRole(client, 'cadre_app')).rejects.toThrow(/owns the tables/)
      await client.query('ROLLBACK')
    })
  })
})
