// The three roles beside the owner. Row-level security holds for everyone but the owner of a table, so requests must not
// run as the owner: they run as `cadre_app`, background work as `cadre_system`, and the search functions belong to
// `cadre_search`. None of them can log in; the owner's login is a member of all three and changes into them.
//
// Roles belong to the whole cluster, the lock around migrations to one database: two Cadres that start on two databases
// of one cluster meet here, so everything is written to be repeated until it holds.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import { StartFault } from '../lib/start-fault.ts'
import { codeOf } from './errors.ts'
import { onlyRow } from './only-row.ts'

export const SERVING_ROLES = ['cadre_app', 'cadre_system', 'cadre_search'] as const
export type ServingRole = (typeof SERVING_ROLES)[number]

const ATTEMPTS = 20
const WAIT_MS = 25
/** duplicate_object, unique_violation, and internal_error, which is what "tuple concurrently updated" comes as. */
const CONCURRENT: ReadonlySet<string | undefined> = new Set(['42710', '23505', 'XX000'])
const INSUFFICIENT_PRIVILEGE = '42501'
const MEMBERSHIP_OPTIONS_SINCE = 160_000

/** A client, or a pool of one, that answers in order. */
type Queryable = Pick<ClientBase, 'query'>

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

function createRole(role: ServingRole): string {
  return `CREATE ROLE ${role} NOLOGIN NOBYPASSRLS`
}

/** INHERIT: owning an object through the role is enough to alter it; SET: the pools change into the role. */
function grantRole(role: ServingRole, user: string, serverVersion: number): string {
  const options = serverVersion >= MEMBERSHIP_OPTIONS_SINCE ? ' WITH INHERIT TRUE, SET TRUE' : ''
  return `GRANT ${role} TO ${quoted(user)}${options}`
}

/**
 * What an administrator runs once, as a superuser, where the database's owner may not create roles. Can be run again.
 * `serverVersion` is PostgreSQL's server_version_num, e.g. 150004.
 */
export function rolesSql(user: string, serverVersion: number): string {
  return SERVING_ROLES.flatMap((role) => [
    `DO $$ BEGIN ${createRole(role)}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;`,
    `${grantRole(role, user, serverVersion)};`,
  ]).join('\n')
}

interface Standing {
  readonly user: string
  readonly version: number
  readonly superuser: boolean
  readonly createRole: boolean
  readonly missing: ServingRole[]
  readonly notGranted: ServingRole[]
}

/** What the pools need of each role: to own things through it, and to change into it. */
function needed(serverVersion: number): string[] {
  return serverVersion >= MEMBERSHIP_OPTIONS_SINCE ? ['USAGE', 'SET'] : ['USAGE', 'MEMBER']
}

async function inspect(client: Queryable): Promise<Standing> {
  const me = await client.query<{ user: string; version: number; superuser: boolean; create_role: boolean }>(
    `SELECT current_user::text AS user, current_setting('server_version_num')::int AS version,
            rolsuper AS superuser, rolcreaterole AS create_role
       FROM pg_roles WHERE rolname = current_user`,
  )
  const { user, version, superuser, create_role } = onlyRow(me)
  const found = await client.query<{ role: ServingRole; granted: boolean }>(
    `SELECT rolname::text AS role,
            (SELECT bool_and(pg_has_role(oid, privilege)) FROM unnest($2::text[]) AS needed (privilege)) AS granted
       FROM pg_roles WHERE rolname = ANY($1)`,
    [SERVING_ROLES, needed(version)],
  )
  const granted = new Map(found.rows.map((row) => [row.role, row.granted]))
  return {
    user,
    version,
    superuser,
    createRole: create_role,
    missing: SERVING_ROLES.filter((role) => !granted.has(role)),
    notGranted: SERVING_ROLES.filter((role) => granted.get(role) === false),
  }
}

/**
 * Each connection of PostgreSQL remembers the memberships of the one user it was last asked for. What another session
 * grants while that list is being made is not in it, and stays out, since granting it again changes nothing that would
 * have the list made anew. Asking for another user takes its place. (roles_is_member_of in PostgreSQL's acl.c)
 */
async function forgetMemberships(client: Queryable, serverVersion: number): Promise<void> {
  await client.query(
    `SELECT pg_has_role('pg_monitor', 'pg_signal_backend', privilege) FROM unnest($1::text[]) AS needed (privilege)`,
    [needed(serverVersion)],
  )
}

/**
 * Makes cadre_app, cadre_system and cadre_search exist and lets the current user change into them and own things through
 * them. Idempotent, and safe beside others doing the same. Throws a StartFault with the SQL for an administrator when
 * something is missing that the user may not do.
 */
export async function ensureRoles(client: Queryable): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const standing = await inspect(client)
    const { user, version, missing, notGranted } = standing
    if (missing.length === 0 && notGranted.length === 0) return
    if (!standing.superuser && !standing.createRole) throw rolesMissing(user, version)
    try {
      for (const role of missing) await client.query(createRole(role))
      for (const role of [...missing, ...notGranted]) await client.query(grantRole(role, user, version))
      await forgetMemberships(client, version)
    } catch (err) {
      const code = codeOf(err)
      if (code === INSUFFICIENT_PRIVILEGE) throw rolesMissing(user, version, err)
      if (!CONCURRENT.has(code) || attempt === ATTEMPTS) throw err
      await sleep(WAIT_MS)
    }
  }
  throw new StartFault(
    `DATABASE_URL: PostgreSQL took each GRANT of ${SERVING_ROLES.join(', ')}, and does not tell of them.`,
    'Start again; if that does not help, look whether something takes the roles away again.',
  )
}

function rolesMissing(user: string, version: number, cause?: unknown): StartFault {
  return new StartFault(
    `DATABASE_URL: the user ${user} may not create the roles Cadre serves with (${SERVING_ROLES.join(', ')}).`,
    `Have an administrator of the database run this once:\n\n${rolesSql(user, version)}\n`,
    cause,
  )
}

/**
 * Refuses to serve on a connection that row-level security would not bind: it must be `expected`, no superuser, without
 * BYPASSRLS, and own no table of this database. Throws a StartFault.
 */
export async function assertServingRole(client: Queryable, expected: string): Promise<void> {
  const result = await client.query<{
    user: string
    superuser: boolean
    bypass: boolean
    owner: boolean
    tables: boolean
  }>(
    `SELECT current_user::text AS user, rolsuper AS superuser, rolbypassrls AS bypass,
            EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datdba = r.oid) AS owner,
            EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relowner = r.oid) AS tables
       FROM pg_roles r WHERE rolname = current_user`,
  )
  const found = onlyRow(result)
  const refuse = (why: string): never => {
    throw new StartFault(
      `Cadre does not serve as the database user ${found.user}: ${why}.`,
      `Its connections must be ${expected}: leave DATABASE_APP_URL and DATABASE_SYSTEM_URL out, or give them a login that is it.`,
    )
  }
  if (found.superuser) refuse('it is a superuser, and no tenant would be kept from another')
  if (found.bypass) refuse('it bypasses row-level security, and no tenant would be kept from another')
  if (found.owner || found.tables) refuse('it owns the tables, and no tenant would be kept from another')
  if (found.user !== expected) refuse(`${expected} was expected`)
}
