// Signing in with a browser: its pages, and who is signed in for the other pages of the house. None needs a script.
//
// `/sign-in`, `/sign-up`, `/forgot-password` and `/reset-password` are for strangers, `/account` and the buttons on it for who
// is signed in, `/invite/{token}` and `/confirm-email` for either. `/sign-in/oidc` leads to the issuer where there is one.

import { listMemberships } from '../domains/accounts/workspaces.ts'
import { sessionCookieOf } from '../platform/auth/credential.ts'
import { cookiePlaceOf } from '../platform/http/cookies.ts'
import type { Exchange, Route } from '../platform/http/router.ts'
import { encodeId } from '../platform/lib/ids.ts'
import { accountRoutes } from './account-doors.ts'
import { type BarOptions, renderBar } from './bar.ts'
import type { SignInMeans } from './means.ts'
import { oidcRoutes } from './oidc-doors.ts'
import { strangerRoutes } from './stranger-doors.ts'
import { openVisit } from './visit.ts'

export type { SignInMeans } from './means.ts'

export const signInRoutes = (means: SignInMeans): Route[] => [
  ...strangerRoutes(means),
  ...oidcRoutes(means),
  ...accountRoutes(means),
]

/** Who is signed in in the browser that asks, for a page of the house; undefined for nobody. */
export async function findSignedIn(means: SignInMeans, exchange: Exchange) {
  const secret = sessionCookieOf(exchange.request, cookiePlaceOf(means.publicUrl))
  if (secret === undefined) return undefined
  const { person, workspaceId, token } = await openVisit(means, exchange)
  if (person === undefined) return undefined
  const memberships = await listMemberships(means, person.accountId)
  const bar: BarOptions = {
    name: person.name,
    token,
    workspaces: memberships.map((each) => ({
      id: encodeId('workspace', each.workspaceId),
      name: each.name,
      isHere: each.workspaceId === workspaceId,
    })),
  }
  return {
    viewer: person,
    workspaceId,
    bar: renderBar(bar),
    watch: (ended: () => void) => means.watch.add({ credential: { kind: 'cookie', secret }, viewer: person, ended }),
  }
}
