import { setMaxListeners } from 'node:events'
import type { GraphQLSchema } from 'graphql'
import type { Authenticator } from '../auth/authenticate.ts'
import { type CostBudgetOptions, createCostBudgets } from '../auth/cost-budgets.ts'
import { createIdentityWatch, type IdentityWatch } from '../auth/identity-watch.ts'
import type { Route } from '../http/router.ts'
import type { SocketDoor } from '../http/server.ts'
import type { OperationObserver } from '../observability/metrics.ts'
import { createAdmission } from './admission.ts'
import type { Services } from './context-factory.ts'
import { createEngine } from './engine.ts'
import type { GraphiqlPage } from './graphiql.ts'
import { graphqlRoute } from './http-door.ts'
import { type AskInside, askInside } from './inside.ts'
import { defaultLimits, type OperationLimits } from './limits.ts'
import { observedEngine } from './observed-engine.ts'
import { createTrustedDocuments } from './trusted-documents.ts'
import { webSocketDoor } from './websocket-door.ts'

export interface DoorOptions {
  readonly schema: GraphQLSchema
  readonly services: Services
  readonly authenticator: Authenticator
  readonly limits?: Partial<OperationLimits>
  /** What operations may cost in a minute; so much that nobody runs out unless given. */
  readonly budgets?: CostBudgetOptions
  /** Documents by their ids, and whether others are refused; none are known unless given, and all are taken. */
  readonly documents?: { readonly known: ReadonlyMap<string, string>; readonly only: boolean }
  /** Whether clients may ask for the schema, and are told what they may have meant. */
  readonly introspection: boolean
  /** The page for browsers at the same address; none unless given. */
  readonly graphiql?: GraphiqlPage
  readonly maxMessageBytes: number
  readonly trustProxy: number
  readonly observe?: OperationObserver
  /** How often the credentials of open streams are looked at again. */
  readonly recheckMs?: number
}

/** The GraphQL API: its HTTP route (answers and server-sent events) and its socket door, for `openHttpServer`. */
export interface Doors {
  readonly route: Route
  readonly sockets: SocketDoor
  /** Ends what is open of a credential that no longer stands, for streams of the house's own. */
  readonly watch: IdentityWatch
  /** The same engine for pages of the house's own. */
  readonly ask: AskInside
  /** To be called after the server is closed. */
  close(): void
}

const PLENTY = 1_000_000_000

export function graphqlDoors(options: DoorOptions): Doors {
  const { schema, services, authenticator, introspection, graphiql, maxMessageBytes, trustProxy } = options
  const limits = { ...defaultLimits, ...options.limits }
  const plain = createEngine({ schema, limits, introspection, log: services.log, clock: services.clock })
  const engine = options.observe === undefined ? plain : observedEngine(plain, options.observe, services.clock)
  const watch = createIdentityWatch(authenticator, options.recheckMs)
  const { known = new Map<string, string>(), only = false } = options.documents ?? {}
  const documents = createTrustedDocuments({ known, only, introspection, limits })
  const budgets = createCostBudgets(options.budgets ?? { perMinute: PLENTY, perMinuteAnonymous: PLENTY })
  const admission = createAdmission({ engine, budgets, documents, onRefused: options.observe?.failed })
  const shared = { admission, services, authenticator, watch }
  const closing = new AbortController()
  // Every open stream listens to it.
  setMaxListeners(0, closing.signal)
  const sockets = webSocketDoor({ ...shared, maxMessageBytes, trustProxy })
  return {
    route: graphqlRoute({ ...shared, closing: closing.signal, ...(graphiql === undefined ? {} : { graphiql }) }),
    sockets: {
      ...sockets,
      close: async () => {
        closing.abort()
        await sockets.close()
      },
    },
    watch,
    ask: askInside(engine, services),
    close: () => watch.close(),
  }
}
