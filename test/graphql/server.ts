import pino from 'pino'
import { createKey } from '../../src/platform/auth/api-key.ts'
import { createAuthenticator } from '../../src/platform/auth/authenticate.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { createEvents, type Events } from '../../src/platform/events/events.ts'
import { createEventTypes } from '../../src/platform/events/registry.ts'
import { buildSchema } from '../../src/platform/graphql/build-schema.ts'
import { type DoorOptions, graphqlDoors } from '../../src/platform/graphql/doors.ts'
import type { OperationLimits } from '../../src/platform/graphql/limits.ts'
import { databaseAnswers, healthRoutes } from '../../src/platform/http/health.ts'
import type { Route } from '../../src/platform/http/router.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { insertWorkspace, openDatabase, systemContext } from '../support/context.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { sampleEvents } from './sample-schema.ts'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A workspace with two stages, a key that may do everything, and what is needed to arrange more. */
export interface House {
  readonly id: string
  readonly memberId: string
  readonly key: string
  readonly open: string
  readonly won: string
}

export interface SampleServer {
  readonly http: HttpServer
  readonly db: Database
  readonly events: Events
  /** What was logged at info and above. */
  readonly logged: LogLine[]
  house(name?: string): Promise<House>
  /** A further key of a house. */
  key(house: House, permissions: readonly Permission[], expiresAt?: Date): Promise<{ plain: string; id: string }>
  close(): Promise<void>
}

export interface SampleOptions extends Pick<DoorOptions, 'budgets' | 'documents'> {
  readonly limits?: Partial<OperationLimits>
  readonly maxBodyBytes?: number
  readonly introspection?: boolean
  readonly routes?: readonly Route[]
  /** Of the pool for requests; 10 unless told. */
  readonly appConnections?: number
}

/** The sample schema, served for real: database, event log, HTTP and WebSocket. */
export async function serveSample(options: SampleOptions = {}): Promise<SampleServer> {
  const database = await createTestDatabase()
  const db = openDatabase(database.url, options.appConnections)
  const logged: LogLine[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const events = createEvents({ db, directUrl: database.url, log, clock: systemClock })
  await events.start()
  const authenticator = createAuthenticator({ db, clock: systemClock, log, keepMs: 50 })
  const api = graphqlDoors({
    schema: buildSchema(),
    services: {
      db,
      bell: events.bell,
      clock: systemClock,
      log,
      feed: events.feed,
      eventTypes: createEventTypes([sampleEvents]),
      names: {
        api_key: async (sql, ids) => {
          const rows = await sql.selectFrom('apiKey').select(['id', 'name']).where('id', 'in', ids).execute()
          return new Map(rows.map((row) => [row.id, row.name]))
        },
      },
    },
    authenticator,
    introspection: options.introspection ?? true,
    graphiql: () => ({ headers: '{"authorization":"Bearer KEY"}' }),
    maxMessageBytes: options.maxBodyBytes ?? 100_000,
    trustProxy: 0,
    recheckMs: 100,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    ...(options.documents === undefined ? {} : { documents: options.documents }),
  })
  const http: HttpServer = await openHttpServer({
    routes: [api.route, ...healthRoutes([databaseAnswers(db.app)], () => http.stopping()), ...(options.routes ?? [])],
    sockets: api.sockets,
    log,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: options.maxBodyBytes ?? 100_000,
    trustProxy: 0,
  })

  const key: SampleServer['key'] = async (house, permissions, expiresAt) => {
    const made = createKey()
    const id = newId()
    await db.inTransaction(systemContext(db, house.id), async (tx) => {
      await tx.sql
        .insertInto('apiKey')
        .values({
          workspaceId: house.id,
          id,
          memberId: house.memberId,
          name: 'Test',
          prefix: made.prefix,
          keyHash: made.hash,
          permissions: [...permissions],
          expiresAt: expiresAt ?? null,
        })
        .execute()
    })
    return { plain: made.plain, id }
  }

  return {
    http,
    db,
    events,
    logged,
    key,
    house: async (name = 'Acme') => {
      const { id, memberId } = await insertWorkspace(db, name)
      const [pipelineId, open, won] = [newId(), newId(), newId()]
      await db.inTransaction(systemContext(db, id), async (tx) => {
        await tx.sql.insertInto('pipeline').values({ workspaceId: id, id: pipelineId, name: 'Sales' }).execute()
        await tx.sql
          .insertInto('stage')
          .values([
            { workspaceId: id, id: open, pipelineId, name: 'Open', kind: 'OPEN', position: 0, probability: 0.2 },
            { workspaceId: id, id: won, pipelineId, name: 'Won', kind: 'WON', position: 1, probability: 1 },
          ])
          .execute()
      })
      const house = { id, memberId, open: encodeId('stage', open), won: encodeId('stage', won), key: '' }
      return { ...house, key: (await key(house, PERMISSIONS)).plain }
    },
    close: async () => {
      await http.close()
      api.close()
      await events.stop()
      await db.close()
      await database.drop()
    },
  }
}

export interface Cost {
  readonly requested: number
  readonly limit: number
  readonly remaining: number
  readonly resetAt: string
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what each test asks about.
  readonly data: any
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly errors: any[] | undefined
  readonly extensions: { readonly cost?: Cost; readonly dryRun?: unknown }
  readonly headers: Headers
}

/** Sends an operation over HTTP. */
export async function ask(
  server: SampleServer,
  key: string | undefined,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${server.http.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors, extensions } = (await response.json()) as Omit<Answer, 'status'>
  return { status: response.status, data, errors, extensions: extensions ?? {}, headers: response.headers }
}

export const CREATE = `mutation ($input: CreateDealInput!) {
  createDeal(input: $input) {
    __typename
    ... on CreateDealPayload { cursor deal { id name stage { name kind } } }
    ... on InvalidInputError { issues { field code message } }
    ... on ForbiddenError { needs }
    ... on ConflictError { reason }
    ... on UserError { code message }
  }
}`

export const MOVE = `mutation ($input: MoveDealInput!) {
  moveDeal(input: $input) {
    __typename
    ... on MoveDealPayload { cursor deal { id version stage { name } } }
    ... on NotFoundError { id }
    ... on ConflictError { reason current { id ... on Deal { version name } } }
    ... on UserError { code message }
  }
}`

/** Creates a deal through the API and returns its id. */
export async function createDeal(server: SampleServer, house: House, name: string): Promise<string> {
  const { data } = await ask(server, house.key, CREATE, { input: { name, stage: house.open } })
  return data.createDeal.deal.id
}
