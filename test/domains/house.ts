import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isUnionType } from 'graphql'
import { createClient } from 'graphql-ws'
import { sql } from 'kysely'
import WebSocket from 'ws'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { addMember, createWorkspace } from '../../src/domains/workspaces/service.ts'
import type { MemberRole } from '../../src/platform/auth/roles.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import type { Logger } from '../../src/platform/observability/logger.ts'
import { schema } from '../../src/schema.ts'
import { systemContext, testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase } from '../support/test-database.ts'

type Json = Record<string, unknown>

interface Result {
  readonly data?: Json
  readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[]
}

/** A mutation's answer: the payload's or the error's fields and `__typename`. */
export type Answer = Json & { readonly __typename: string }

/** A server that serves, but works no runs, on a database of its own. */
export interface House {
  readonly db: Database
  /** As the database's owner: for what no verb does. */
  readonly ownerUrl: string
  /** The server's own folder: mail lies in `mail`. */
  readonly folder: string
  /** Where GraphQL is asked for. */
  readonly endpoint: string
  /** Where mail becomes files. */
  readonly mailFolder: string
  workspace(name?: string): Promise<Tenant>
  close(): Promise<void>
}

export interface Tenant {
  readonly id: string
  readonly memberId: string
  /** The key it asks with. */
  readonly key: string
  /** For arranging below the API. */
  readonly ctx: Ctx
  /** The same workspace, with a key that has these permissions only. */
  as(permissions: readonly Permission[]): Promise<Tenant>
  /** The same workspace, asked with this key of it. */
  with(key: string): Tenant
  /** The same workspace, as a new member of this role, with a key on which everything stands unless told. */
  member(role: MemberRole, permissions?: readonly Permission[]): Promise<Tenant>
  /** `data` of an operation; throws what it answered as errors. */
  query(document: string, variables?: Json): Promise<Json>
  /** The codes of the errors that an operation answers. */
  errorCodes(document: string, variables?: Json): Promise<unknown[]>
  /** One mutation; `selection` is of its payload. */
  mutate(name: string, input: Json, selection?: string, idempotencyKey?: string): Promise<Answer>
  /** Items of a subscription from now on, whenever it is that it reaches the server. */
  follow(document: string): Promise<AsyncIterableIterator<unknown>>
  /** Something that is different after any change of the workspace's records or log. */
  footprint(also?: typeof WHO): Promise<string>
}

/** Who is who and may what: `footprint(WHO)` counts it in. Keys that a test arranges with are among it. */
export const WHO = ['workspace', 'member', 'apiKey'] as const

const TABLES = [
  'employee',
  'employeeVersion',
  'goal',
  'contact',
  'pipeline',
  'stage',
  'deal',
  'inboxMessage',
  'run',
] as const

export interface HouseOptions {
  readonly log?: Logger
  /** Settings beside those that every test has. */
  readonly env?: Readonly<Record<string, string>>
}

export async function openHouse({ log = testLog, env = {} }: HouseOptions = {}): Promise<House> {
  const database = await createTestDatabase()
  const folder = openTemporaryFolder('cadre-domains-')
  const { url: databaseUrl } = database
  const app = await createApp({
    config: loadConfig({ DATABASE_URL: databaseUrl, PORT: '0', CADRE_DIR: folder, ...env }, false),
    log,
    urls: { appUrl: databaseUrl, systemUrl: databaseUrl, systemDirectUrl: databaseUrl },
    serve: true,
    work: false,
    development: true,
  })
  const { db, feed } = app
  const endpoint = `${app.url}/graphql`
  const sockets: { dispose(): void | Promise<void> }[] = []

  const tenant = (id: string, memberId: string, key: string): Tenant => {
    const authorization = `Bearer ${key}`
    const ctx = systemContext(db, id)
    const execute = async (query: string, variables?: Json, idempotencyKey?: string): Promise<Result> => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization,
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        body: JSON.stringify({ query, variables }),
      })
      return (await response.json()) as Result
    }
    const self: Tenant = {
      id,
      memberId,
      key,
      ctx,
      as: async (permissions) => tenant(id, memberId, await makeKey(ctx, memberId, permissions)),
      with: (other) => tenant(id, memberId, other),
      member: async (role, permissions = PERMISSIONS) => {
        const member = await db.inTransaction(ctx, (tx) =>
          addMember(tx, { name: `A ${role.toLowerCase()}`, email: `${newId()}@example.com`, role }),
        )
        return tenant(id, member.id, await makeKey(ctx, member.id, permissions))
      },
      query: (document, variables) => dataOf(execute(document, variables)),
      errorCodes: async (document, variables) =>
        ((await execute(document, variables)).errors ?? []).map(({ extensions }) => extensions?.code),
      mutate: async (name, input, selection = '', idempotencyKey = undefined) => {
        const base = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
        const document = `mutation($input: ${base}Input!) { ${name}(input: $input) { __typename
            ... on ${base}Payload { ${selection} cursor } ${errorFields(`${base}Result`)} } }`
        const data = await dataOf(execute(document, { input }, idempotencyKey))
        return data[name] as Answer
      },
      follow: async (query) => {
        await feed.ownChangesLogged()
        const [newest] = (await feed.read({ workspaceId: id, last: 1 })).items
        const client = createClient({
          url: endpoint.replace(/^http/, 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: { authorization },
        })
        sockets.push(client)
        const results = client.iterate({ query, extensions: { after: newest?.cursor ?? feed.cursor() } })
        return (async function* () {
          for await (const { data, errors } of results) {
            if (errors !== undefined) throw new Error(JSON.stringify(errors))
            yield data
          }
        })()
      },
      footprint: (also) =>
        db.read(id, async (tables) => {
          const rows: unknown[] = []
          for (const table of [...TABLES, ...(also ?? [])]) {
            const found = await tables.selectFrom(table).selectAll().execute()
            // That a key was used is noted beside the request, and moves its row.
            const told = found.map((row) => text('lastUsedAt' in row ? { ...row, lastUsedAt: null } : row))
            rows.push(told.sort())
          }
          const log =
            await sql`select (select count(*) from event_outbox) + (select count(*) from event_log) as events`.execute(
              tables,
            )
          return text([rows, log.rows])
        }),
    }
    return self
  }

  const makeKey = (ctx: Ctx, memberId: string, permissions: readonly Permission[]): Promise<string> =>
    db.inTransaction(ctx, async (tx) => {
      const made = await issueApiKey(tx, {
        memberId,
        name: 'Test key',
        permissions: [...permissions],
        environment: 'TEST',
        expiresAt: null,
      })
      return made.key
    })

  return {
    db,
    ownerUrl: databaseUrl,
    folder,
    endpoint,
    mailFolder: join(folder, 'mail'),
    workspace: async (name = 'Acme') => {
      const id = newId()
      const ctx = systemContext(db, id)
      const { id: memberId } = await db.inTransaction(ctx, async (tx) => {
        const slug = `w-${id.slice(-12)}`
        await createWorkspace(tx, { slug, name, timeZone: 'UTC', currency: 'EUR', dailyBudgetMicros: null })
        return await addMember(tx, { name: 'Ada', email: 'ada@example.com', role: 'OWNER' })
      })
      return tenant(id, memberId, await makeKey(ctx, memberId, PERMISSIONS))
    },
    close: async () => {
      for (const socket of sockets) await socket.dispose()
      await app.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each))

async function dataOf(result: Promise<Result>): Promise<Json> {
  const { data, errors } = await result
  if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors))
  return data
}

const ERROR_FIELDS: Readonly<Record<string, string>> = {
  InvalidInputError: 'issues { field code }',
  NotFoundError: 'id',
  ForbiddenError: 'needs',
  ConflictError: 'reason current { id }',
  LimitExceededError: 'limit retryAfterMs',
}

function errorFields(union: string): string {
  const type = schema.getType(union)
  if (!isUnionType(type)) throw new Error(`${union} is no union of this schema`)
  const members = type.getTypes().map(({ name }) => name)
  return members
    .flatMap((name) => (ERROR_FIELDS[name] === undefined ? [] : [`... on ${name} { ${ERROR_FIELDS[name]} }`]))
    .join(' ')
}
