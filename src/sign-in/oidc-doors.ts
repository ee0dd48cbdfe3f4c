import { accountOf, connectIdentity, isInvited, onceMore } from '../domains/accounts/identities.ts'
import { openSession } from '../domains/accounts/sessions.ts'
import { firstWorkspace } from '../domains/accounts/workspaces.ts'
import type { Claims, Issuer } from '../platform/auth/issuer.ts'
import { cookiePlaceOf } from '../platform/http/cookies.ts'
import { ownPath } from '../platform/http/own-path.ts'
import type { Exchange, Route } from '../platform/http/router.ts'
import { AppError, isAppError } from '../platform/lib/errors.ts'
import { attributes, html } from '../platform/lib/html.ts'
import { ACCOUNT } from './account-page.ts'
import type { Flow } from './flow-cookie.ts'
import { contextOf, enterSession, openingOf, type SignInMeans } from './means.ts'
import { beginFlow, CALLBACK_PATH, endFlow, type OidcMeans } from './oidc.ts'
import { goOn, heading, message, sendPage, statusOfCode } from './page.ts'
import { endBefore } from './stranger-doors.ts'
import { openVisit, readForm, requireOwnForm, type Visit } from './visit.ts'

interface At {
  readonly means: SignInMeans
  readonly issuer: Issuer
  readonly oidc: OidcMeans
}

/** Undefined where nobody is sent to an issuer. */
function issuerAt(means: SignInMeans): At | undefined {
  const { issuer, publicUrl, formKey, log } = means
  if (issuer?.signsIn !== true) return undefined
  return { means, issuer, oidc: { issuer, publicUrl, formKey, log, place: cookiePlaceOf(publicUrl) } }
}

/** The ways to the issuer and back; none where there is none. */
export function oidcRoutes(means: SignInMeans): Route[] {
  const at = issuerAt(means)
  if (at === undefined) return []
  return [
    {
      method: 'GET',
      path: '/sign-in/oidc',
      handler: (exchange) =>
        tellRefusals(exchange, async () => {
          const { searchParams } = exchange.url
          const invite = searchParams.get('invite') ?? undefined
          goOn(exchange, await beginFlow(at.oidc, exchange, { next: ownPath(searchParams.get('next')), invite }))
        }),
    },
    {
      method: 'GET',
      path: CALLBACK_PATH,
      handler: (exchange) =>
        tellRefusals(exchange, async () => {
          const visit = await openVisit(means, exchange)
          const { claims, flow } = await endFlow(at.oidc, exchange)
          goOn(
            exchange,
            await (flow.connect === undefined ? signIn(at, visit, claims, flow) : connect(at, visit, claims, flow)),
          )
        }),
    },
  ]
}

/** The button that connects an account to the issuer; none where there is none. */
export function connectDoor(means: SignInMeans): Route[] {
  const at = issuerAt(means)
  if (at === undefined) return []
  return [
    {
      method: 'POST',
      path: ACCOUNT.connect,
      handler: (exchange) =>
        tellRefusals(exchange, async () => {
          const visit = await openVisit(means, exchange)
          if (visit.person === undefined) return goOn(exchange, '/sign-in')
          requireOwnForm(means, visit, await readForm(visit))
          const href = await beginFlow(at.oidc, exchange, { connect: visit.person.sessionId })
          const { name } = at.issuer
          // A link and no redirect: browsers hold all that follows a form against the page's policy.
          await sendPage(exchange, {
            title: `Connect ${name}`,
            cards: [
              html`${heading(`Connect ${name}`)}<p>You go to ${name} now, and come back when you have signed in there.</p>
<p><a class="button"${attributes({ href })}>Go to ${name}</a></p>`,
            ],
          })
        }),
    },
  ]
}

async function tellRefusals(exchange: Exchange, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (err) {
    if (!isAppError(err) || err.details.limit === 'SIZE') throw err
    const page = message('You are not signed in by this', err.message, { href: '/sign-in', text: 'To signing in' })
    await sendPage(exchange, { ...page, status: statusOfCode(err.code) }, err.details.retryAfterMs)
  }
}

async function signIn({ means, issuer }: At, visit: Visit, claims: Claims, flow: Flow): Promise<string> {
  const ctx = contextOf(means, visit)
  const policy = {
    issuerName: issuer.name,
    linkByEmail: means.linkByEmail,
    mayJoin: means.accounts.signUp === 'open' || (await isInvited(ctx, claims)),
  }
  const accountId = await onceMore(() => means.db.inAccountTransaction(ctx, (tx) => accountOf(tx, claims, policy)))
  const last = await firstWorkspace(ctx, accountId)
  const { secret } = await means.db.inAccountTransaction(ctx, async (tx) => {
    await endBefore(tx, visit)
    return await openSession(tx, { accountId, workspaceId: last, address: ctx.origin.address, ...openingOf(visit) })
  })
  enterSession(means, visit, secret)
  // Joining is a press of their own: a link from somewhere may have begun this.
  return flow.invite === undefined ? (flow.next ?? means.landing) : `/invite/${encodeURIComponent(flow.invite)}`
}

async function connect({ means }: At, visit: Visit, claims: Claims, flow: Flow): Promise<string> {
  const { person } = visit
  if (person === undefined || person.sessionId !== flow.connect) {
    throw new AppError(
      'FORBIDDEN',
      'You were signed out meanwhile, and nothing was connected. Sign in, and begin again.',
    )
  }
  const ctx = contextOf(means, visit)
  await onceMore(() => means.db.inAccountTransaction(ctx, (tx) => connectIdentity(tx, person.accountId, claims)))
  return `${ACCOUNT.page}?done=connected`
}
