import { isUnionType } from 'graphql'
import { sql } from 'kysely'
import { contactEvents } from '../../src/domains/contacts/events.ts'
import { contactNames } from '../../src/domains/contacts/loaders.ts'
import { dealEvents } from '../../src/domains/deals/events.ts'
import { employeeEvents } from '../../src/domains/employees/events.ts'
import { goalEvents } from '../../src/domains/goals/events.ts'
import { inboxEvents } from '../../src/domains/inbox/events.ts'
import { addMember, createApiKey, createWorkspace } from '../../src/domains/workspaces/service.ts'
import { PERMISSIONS, type Permission, type Viewer } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { createEvents } from '../../src/platform/events/events.ts'
import { createEventTypes } from '../../src/platform/events/registry.ts'
import { contextFactory, type RequestContext } from '../../src/platform/graphql/context-factory.ts'
import { createEngine } from '../../src/platform/graphql/engine.ts'
import { defaultLimits } from '../../src/platform/graphql/limits.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { schema } from '../../src/schema.ts'
import { openDatabase, systemContext, testLog } from '../support/context.ts'
import { createTestDatabase } from '../support/test-database.ts'

type Json = Record<string, unknown>

/** A mutation's answer: the payload's or the error's fields and `__typename`. */
export type Answer = Json & { readonly __typename: string }

/** A server's inside on a database of its own: operations are parsed, limited, executed and answered as over HTTP. */
export interface House {
  readonly db: Database
  workspace(name?: string): Promise<Tenant>
  close(): Promise<void>
}

export interface Tenant {
  readonly id: string
  readonly memberId: string
  /** For arranging below the API. */
  readonly ctx: Ctx
  /** The same workspace, seen by a key with these permissions only. */
  as(permissions: readonly Permission[]): Tenant
  /** `data` of an operation; throws what it answered as errors. */
  query(document: string, variables?: Json): Promise<Json>
  /** The codes of the errors that an operation answers. */
  errorCodes(document: string, variables?: Json): Promise<unknown[]>
  /** One mutation; `selection` is of its payload. */
  mutate(name: string, input: Json, selection?: string): Promise<Answer>
  /** The first items of a subscription. */
  follow(document: string, count: number): AsyncGenerator<Json>
  /** Something that is different after any change of the workspace's records or log. */
  footprint(): Promise<string>
}

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

export async function openHouse(): Promise<House> {
  const database = await createTestDatabase()
  const db = openDatabase(database.url)
  const events = createEvents({ db, directUrl: database.url, log: testLog, clock: systemClock })
  await events.start()
  const engine = createEngine({ schema, limits: defaultLimits, introspection: true, log: testLog, clock: systemClock })
  const services = {
    db,
    bell: events.bell,
    clock: systemClock,
    log: testLog,
    feed: events.feed,
    eventTypes: createEventTypes([contactEvents, dealEvents, employeeEvents, goalEvents, inboxEvents]),
    names: { contact: contactNames },
  }

  const tenant = (id: string, memberId: string, keyId: string, permissions: readonly Permission[]): Tenant => {
    const viewer: Viewer = {
      kind: 'apiKey',
      keyId,
      memberId,
      name: 'Test key',
      permissions: new Set(permissions),
    }
    const request = (signal = new AbortController().signal): RequestContext => ({
      viewer,
      workspaceId: id,
      origin: { requestId: 'test' },
      signal,
    })
    const execute = async (query: string, variables?: Json) => {
      const prepared = engine.prepare({ query, variables })
      if ('errors' in prepared) return { errors: prepared.errors, data: undefined }
      return await engine.execute(prepared, contextFactory(services, request()))
    }
    const self: Tenant = {
      id,
      memberId,
      ctx: { ...systemContext(db, id), bell: events.bell },
      as: (fewer) => tenant(id, memberId, keyId, fewer),
      query: async (document, variables) => {
        const { data, errors } = await execute(document, variables)
        if (errors !== undefined && errors.length > 0) throw new Error(JSON.stringify(errors))
        return JSON.parse(JSON.stringify(data)) as Json
      },
      errorCodes: async (document, variables) =>
        ((await execute(document, variables)).errors ?? []).map((err) => err.extensions.code),
      mutate: async (name, input, selection = '') => {
        const base = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
        const data = await self.query(
          `mutation($input: ${base}Input!) { ${name}(input: $input) { __typename
            ... on ${base}Payload { ${selection} cursor } ${errorFields(`${base}Result`)} } }`,
          { input },
        )
        return data[name] as Answer
      },
      follow: async function* (document, count) {
        const prepared = engine.prepare({ query: document })
        if ('errors' in prepared) throw new Error(JSON.stringify(prepared.errors))
        const stop = new AbortController()
        const results = await engine.subscribe(prepared, contextFactory(services, request(stop.signal)))
        if (!(Symbol.asyncIterator in results)) throw new Error(JSON.stringify(results.errors))
        let left = count
        try {
          for await (const { data, errors } of results) {
            if (errors !== undefined) throw new Error(JSON.stringify(errors))
            yield JSON.parse(JSON.stringify(data)) as Json
            left -= 1
            if (left === 0) return
          }
        } finally {
          stop.abort()
        }
      },
      footprint: () =>
        db.read(id, async (tables) => {
          const rows: unknown[] = []
          for (const table of TABLES) rows.push(await tables.selectFrom(table).selectAll().execute())
          const log =
            await sql`select (select count(*) from event_outbox) + (select count(*) from event_log) as events`.execute(
              tables,
            )
          return JSON.stringify([rows, log.rows], (_key, value: unknown) =>
            typeof value === 'bigint' ? String(value) : value,
          )
        }),
    }
    return self
  }

  return {
    db,
    workspace: async (name = 'Acme') => {
      const id = newId()
      return await db.inTransaction(systemContext(db, id), async (tx) => {
        const slug = `w-${id.slice(-12)}`
        await createWorkspace(tx, { slug, name, timeZone: 'UTC', currency: 'EUR', dailyBudgetMicros: null })
        const member = await addMember(tx, { name: 'Ada', email: 'ada@example.com', role: 'OWNER' })
        const key = await createApiKey(tx, {
          memberId: member.id,
          name: 'Test key',
          permissions: [...PERMISSIONS],
          environment: 'test',
          expiresAt: null,
        })
        return tenant(id, member.id, key.id, PERMISSIONS)
      })
    },
    close: async () => {
      await events.stop()
      await db.close()
      await database.drop()
    },
  }
}

const ERROR_FIELDS: Readonly<Record<string, string>> = {
  InvalidInputError: 'issues { field code }',
  NotFoundError: 'id',
  ForbiddenError: 'needs',
  ConflictError: 'reason current { id }',
}

function errorFields(union: string): string {
  const type = schema.getType(union)
  if (!isUnionType(type)) throw new Error(`${union} is no union of this schema`)
  const members = type.getTypes().map(({ name }) => name)
  return members
    .flatMap((name) => (ERROR_FIELDS[name] === undefined ? [] : [`... on ${name} { ${ERROR_FIELDS[name]} }`]))
    .join(' ')
}
