import type { AccountMeans } from '../auth/account-means.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { Bell, Origin } from '../context.ts'
import type { Database } from '../db/database.ts'
import type { Names } from '../events/event.ts'
import type { EventFeed } from '../events/feed.ts'
import { createNames, type NameLoader } from '../events/names.ts'
import type { EventTypes } from '../events/registry.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { type GraphQLContext, Loaders } from './context.ts'
import type { ContextFactory } from './engine.ts'
import { filledUp } from './fill-up.ts'
import { declaredNames, type NamesOf } from './node.ts'

/** What all requests share. */
export interface Services {
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly feed: EventFeed
  readonly eventTypes: EventTypes
  /** How things of a kind are called where it is not simply the column that `node()` names. */
  readonly names: Readonly<Record<string, NamesOf>>
  /** How the world reaches us, without a slash at the end; undefined: as each request says. */
  readonly publicUrl?: string | undefined
  /** What signing people in takes; absent where nobody does. */
  readonly accounts?: AccountMeans
}

/** What is a request's own. */
export interface RequestContext {
  readonly viewer: Viewer
  readonly workspaceId: string
  readonly origin: Origin
  /** The address that the caller used, as far as we can see. */
  readonly requestUrl: string
  readonly userAgent?: string | undefined
  /** The origin of the page that asks, where that is none of ours. */
  readonly pageOrigin?: string | undefined
  readonly idempotencyKey?: string | undefined
  readonly resumeAfter?: string | undefined
}

/** A workspace that nobody has: an anonymous caller sees nothing in it. */
export const NO_WORKSPACE = '00000000-0000-0000-0000-000000000000'

/** Contexts for the executions of one request; each has loaders and names of its own. */
export function contextFactory(services: Services, request: RequestContext): ContextFactory {
  const { bell, clock, log, eventTypes } = services
  const { viewer, origin, idempotencyKey, resumeAfter, requestUrl, userAgent, pageOrigin } = request
  return (signal, dry) => {
    const db = dry?.db ?? services.db
    const feed = dry === undefined ? services.feed : services.feed.through(db)
    let workspaceId = request.workspaceId
    const loaders = new Loaders()
    const context: GraphQLContext = {
      viewer,
      get workspaceId() {
        return workspaceId
      },
      enterWorkspace: (id) => {
        if (viewer.kind !== 'anonymous') throw new Error('only an anonymous caller may be told its workspace')
        workspaceId = id
      },
      db,
      bell,
      clock,
      log,
      origin,
      feed,
      eventTypes,
      loaders,
      baseUrl: services.publicUrl ?? requestUrl,
      get names() {
        return loaders.get('names', () => namesIn({ ...services, db }, workspaceId))
      },
      signal,
      ...(dry === undefined ? {} : { foretold: dry.foretold }),
      ...(services.accounts === undefined ? {} : { accounts: services.accounts }),
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(pageOrigin === undefined ? {} : { pageOrigin }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(resumeAfter === undefined ? {} : { resumeAfter }),
    }
    return context
  }
}

/** Today's names of the workspace's things, for whoever tells of events; see `createNames` for how long they are good. */
export function namesIn({ db, names }: Pick<Services, 'db' | 'names'>, workspaceId: string): Names {
  const loaders = Object.entries({ ...declaredNames(), ...names }).map(([kind, namesOf]): [string, NameLoader] => [
    kind,
    (ids) => db.read(workspaceId, (sql) => namesOf(sql, filledUp(ids))),
  ])
  return createNames(Object.fromEntries(loaders))
}
