import type { Opening } from '../domains/accounts/sign-in.ts'
import type { AccountMeans } from '../platform/auth/account-means.ts'
import type { IdentityWatch } from '../platform/auth/identity-watch.ts'
import type { Issuer } from '../platform/auth/issuer.ts'
import { SESSION_MAX_MS } from '../platform/auth/sessions.ts'
import type { Bell, Ctx } from '../platform/context.ts'
import type { Database } from '../platform/db/database.ts'
import { cookiePlaceOf } from '../platform/http/cookies.ts'
import type { Clock } from '../platform/lib/clock.ts'
import type { Logger } from '../platform/observability/logger.ts'
import { keepSession, type Visit, type VisitMeans } from './visit.ts'

/** What the pages of signing in take. */
export interface SignInMeans extends VisitMeans {
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly accounts: AccountMeans
  readonly watch: IdentityWatch
  /** Where people sign in besides; undefined for nowhere. */
  readonly issuer: Issuer | undefined
  readonly linkByEmail: boolean
  /** Where to go on when nobody said where: a page that is there. */
  readonly landing: string
}

/** Of no workspace: what an account does names its own. */
const NO_WORKSPACE = '00000000-0000-0000-0000-000000000000'

/** In whose name a page acts. */
export function contextOf(means: SignInMeans, { exchange, person }: Visit): Ctx {
  const { db, bell, clock, log, accounts } = means
  const { requestId, address } = exchange
  return {
    viewer: person ?? { kind: 'anonymous' },
    workspaceId: NO_WORKSPACE,
    db,
    bell,
    clock,
    log,
    accounts,
    origin: { requestId, ...(address === undefined ? {} : { address }) },
  }
}

/** The session of a browser, as whoever looks at the list of sessions will see it. */
export const openingOf = ({ exchange }: Visit): Opening => ({
  kind: 'BROWSER',
  userAgent: exchange.request.headers['user-agent'],
})

/** Gives the browser the session that was opened for it. */
export function enterSession(means: SignInMeans, { exchange }: Visit, secret: string): void {
  keepSession(exchange.response, { secret, maxAgeS: SESSION_MAX_MS / 1_000 }, cookiePlaceOf(means.publicUrl))
}
