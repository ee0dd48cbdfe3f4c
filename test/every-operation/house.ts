// The real schema, served for real, with two workspaces in it. No runs are worked and nothing is swept, so that whatever
// changes was changed by a call. Beside the door there is a second one behind which every transaction is rolled back at
// its end: what a mutation would say can be asked there as often as one likes.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { createToolRegistry } from '../../src/agent/tools/registry.ts'
import { connectAgent } from '../../src/agent/wiring.ts'
import { createAccount } from '../../src/domains/accounts/accounts.ts'
import { createAccountMeans } from '../../src/domains/accounts/means.ts'
import { openSession } from '../../src/domains/accounts/sessions.ts'
import { eventTypes, namesOfThings } from '../../src/domains/event-types.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import { connectMailServers } from '../../src/domains/mail/servers.ts'
import { createAuthenticator } from '../../src/platform/auth/authenticate.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import type { Ctx } from '../../src/platform/context.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { createEvents, type Events } from '../../src/platform/events/events.ts'
import { contextFactory, NO_WORKSPACE } from '../../src/platform/graphql/context-factory.ts'
import { graphqlDoors } from '../../src/platform/graphql/doors.ts'
import { createEngine } from '../../src/platform/graphql/engine.ts'
import { defaultLimits } from '../../src/platform/graphql/limits.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { createKeyring } from '../../src/platform/secrets/keyring.ts'
import { schema } from '../../src/schema.ts'
import { openDatabase, systemContext, testLog } from '../support/context.ts'
import { openMailServer } from '../support/mail-server.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { type Asker, answersOf, asAnswer, post, type Request, type Stream } from './asker.ts'
import { forgetting } from './forgetting.ts'
import { idsOf } from './ids.ts'
import { addNeeds, inviteTokenOf } from './values.ts'
import { buildWorld } from './world.ts'

export interface Workspace {
  readonly id: string
  /** What its texts carry. */
  readonly mark: string
  readonly ctx: Ctx
  /** Ids of its things by their kinds, as clients write them. */
  readonly ids: Readonly<Record<string, readonly string[]>>
  readonly all: Asker
  readonly readOnly: Asker
  readonly none: Asker
  /** Its owner, signed in. */
  readonly person: Asker
  /** Its owner, signed in once more. */
  signIn(): Promise<Asker>
  /** The token of an invite that can be accepted, for this address. */
  readonly invite: { readonly token: string; readonly email: string }
  /** With a key that has exactly these permissions. */
  as(permissions: readonly Permission[]): Promise<Asker>
}

export interface House {
  readonly url: string
  /** Where a WebSocket is opened to a door whose pool for requests is one connection. */
  readonly narrowDoor: string
  /** Where mails would lie. */
  readonly mailFolder: string
  /** Its owner's connection, past row-level security. */
  readonly owner: pg.Pool
  readonly db: Database
  readonly events: Events
  readonly a: Workspace
  readonly b: Workspace
  readonly anonymous: Asker
  /** Who sends this. */
  asker(authorization: string): Asker
  /** What the workspace has by now. */
  idsOf(workspace: Workspace): Promise<Readonly<Record<string, readonly string[]>>>
  close(): Promise<void>
}

/** With what the owner of a workspace signs in. */
export const passwordOf = (mark: string): string => `${mark} opens its doors`

const LIMITS = { maxLength: 1e6, maxTokens: 1e5, maxFields: 1e4, maxAliases: 1e4, maxDepth: 30, maxCost: 1e9 }

export async function openHouse(): Promise<House> {
  const database = await createTestDatabase()
  const folder = openTemporaryFolder('cadre-every-operation-')
  const owner = new pg.Pool({ connectionString: database.url, max: 4 })
  owner.on('error', () => {})
  const db = openDatabase(database.url)
  const events = createEvents({ db, directUrl: database.url, log: testLog, clock: systemClock })
  await events.start()
  const mailFolder = join(folder, 'mail')
  const mailer = createMailer({ folder: mailFolder, defaultFrom: 'cadre@localhost' })
  const registry = createToolRegistry({ mailer })
  connectAgent(registry)
  const keyring = createKeyring({ keys: [], file: join(folder, 'secret-key'), mayMake: true })
  connectMailServers({ keyring, allowPrivate: true, defaultFrom: 'cadre@localhost' })
  const mailServer = await openMailServer('let me in')
  addNeeds('connectMailServer', {
    'input.host': '127.0.0.1',
    'input.port': mailServer.port,
    'input.security': 'NONE',
    'input.username': 'somebody',
    'input.password': 'let me in',
  })
  const accounts = createAccountMeans({
    db,
    clock: systemClock,
    log: testLog,
    mailer,
    signUp: 'open',
    publicUrl: () => 'http://cadre.example',
    tellLinks: false,
  })
  const authenticator = createAuthenticator({ db, clock: systemClock, log: testLog })
  const shared = {
    accounts,
    bell: events.bell,
    clock: systemClock,
    log: testLog,
    feed: events.feed,
    eventTypes,
    names: namesOfThings,
  }
  const engine = createEngine({
    schema,
    limits: { ...defaultLimits, ...LIMITS },
    introspection: false,
    log: testLog,
    clock: systemClock,
  })
  const door = await openDoor(db)
  let lastEvent: bigint | null = null
  const told = (event: bigint | null) => {
    lastEvent = event
  }
  const dryDoor = await openDoor(forgetting(db, told))
  const narrow = openDatabase(database.url, 1)
  const narrowDoor = await openDoor(narrow)

  async function openDoor(through: Database): Promise<HttpServer & { shut(): Promise<void> }> {
    const doors = graphqlDoors({
      schema,
      services: { ...shared, db: through },
      authenticator,
      introspection: false,
      maxMessageBytes: 1_000_000,
      trustProxy: 0,
      limits: LIMITS,
    })
    const http = await openHttpServer({
      routes: [doors.route],
      sockets: doors.sockets,
      log: testLog,
      host: '127.0.0.1',
      port: 0,
      maxBodyBytes: 1_000_000,
      trustProxy: 0,
    })
    const shut = async () => {
      await http.close()
      doors.close()
    }
    return Object.assign(http, { shut })
  }

  const begin = async (authorization: string | undefined, request: Request) => {
    const { viewer, workspaceId = NO_WORKSPACE } = await authenticator.authenticate(authorization)
    const about = { viewer, workspaceId, origin: { requestId: 'test' }, requestUrl: '' }
    return { prepared: engine.prepare(request), makeContext: contextFactory({ ...shared, db }, about) }
  }

  const subscribe = async (authorization: string | undefined, request: Request): Promise<Stream> => {
    const { prepared, makeContext } = await begin(authorization, request)
    if ('errors' in prepared) return { refused: asAnswer(engine.refusal(prepared)) }
    const result = await engine.subscribe(prepared, makeContext)
    if (!(Symbol.asyncIterator in result)) return { refused: asAnswer(result) }
    return { items: answersOf(result) }
  }

  const asker = (authorization: string | undefined): Asker => ({
    authorization,
    ask: (request) => post(`${door.url}/graphql`, authorization, request),
    dry: async (request) => {
      lastEvent = null
      const answer = await post(`${dryDoor.url}/graphql`, authorization, request)
      return { ...answer, changes: lastEvent !== null }
    },
    ready: async (request) => {
      const { prepared, makeContext } = await begin(authorization, request)
      if ('errors' in prepared) return async () => asAnswer(engine.refusal(prepared))
      return async () => asAnswer(await engine.execute(prepared, makeContext))
    },
    subscribe: (request) => subscribe(authorization, request),
  })

  const makeKey = async (ctx: Ctx, memberId: string, permissions: readonly Permission[]): Promise<Asker> => {
    const name = `${permissions.length} permissions`
    const { key } = await db.inTransaction(ctx, (tx) =>
      issueApiKey(tx, { memberId, name, permissions: [...permissions], environment: 'TEST', expiresAt: null }),
    )
    return asker(`Bearer ${key}`)
  }

  /** Gives a member an account; what is returned signs them in, each time anew. */
  const makeAccount = async (ctx: Ctx, memberId: string, mark: string): Promise<() => Promise<Asker>> => {
    const { workspaceId } = ctx
    const passwordHash = await accounts.passwords.hash(passwordOf(mark))
    const accountId = await db.inAccountTransaction(ctx, async (tx) => {
      const email = `ada@${mark.toLowerCase()}.example`
      const { id } = await createAccount(tx, { email, name: `${mark} Ada`, passwordHash, emailVerified: true })
      await tx
        .within({ workspaceId })
        .sql.updateTable('member')
        .set({ accountId: id })
        .where('id', '=', memberId)
        .execute()
      return id
    })
    return async () => {
      const { sessionId } = await db.inAccountTransaction(ctx, (tx) =>
        openSession(tx, { accountId, kind: 'PROGRAM', workspaceId }),
      )
      return asker(`Bearer ${(await accounts.accessTokens.issue({ accountId, sessionId, workspaceId })).token}`)
    }
  }

  const found = async (mark: string): Promise<Workspace> => {
    const id = newId()
    const ctx = { ...systemContext(db, id), bell: events.bell, accounts }
    const { memberId } = await buildWorld(ctx, mark, registry)
    const as = (permissions: readonly Permission[]) => makeKey(ctx, memberId, permissions)
    const [all, readOnly, none] = [
      await as(PERMISSIONS),
      await as(PERMISSIONS.filter((permission) => permission.endsWith('_READ'))),
      await as([]),
    ]
    const signIn = await makeAccount(ctx, memberId, mark)
    const person = await signIn()
    const invite = { token: inviteTokenOf(mark), email: `guest@${mark.toLowerCase()}.example` }
    await events.sequencer.sequencePass()
    return { id, mark, ctx, ids: await idsOf(owner, id), all, readOnly, none, person, signIn, invite, as }
  }

  const [a, b] = [await found('Aalto'), await found('Bellini')]
  return {
    url: database.url,
    narrowDoor: `${narrowDoor.url.replace('http', 'ws')}/graphql`,
    mailFolder,
    owner,
    db,
    events,
    a,
    b,
    anonymous: asker(undefined),
    asker,
    idsOf: ({ id }) => idsOf(owner, id),
    close: async () => {
      await door.shut()
      await dryDoor.shut()
      await narrowDoor.shut()
      await events.stop()
      await accounts.close()
      mailer.close()
      await narrow.close()
      await mailServer.close()
      await db.close()
      await owner.end()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
