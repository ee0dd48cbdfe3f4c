import { confirmPerson } from '../domains/accounts/confirmation.ts'
import {
  AccountIsThere,
  connectIdentity,
  findIdentity,
  identityOf,
  isInvited,
  labelOf,
  onceMore,
  useIdentity,
} from '../domains/accounts/identities.ts'
import { openSession } from '../domains/accounts/sessions.ts'
import { firstWorkspace } from '../domains/accounts/workspaces.ts'
import type { Claims, Issuer } from '../platform/auth/issuer.ts'
import { cookiePlaceOf } from '../platform/http/cookies.ts'
import { ownPath } from '../platform/http/own-path.ts'
import type { Exchange, Route } from '../platform/http/router.ts'
import { AppError, isAppError } from '../platform/lib/errors.ts'
import { attributes, html } from '../platform/lib/html.ts'
import { ACCOUNT } from './account-page.ts'
import { arrivalCookie } from './arrival-cookie.ts'
import { CHANGE_OVER_PATH, changeOverPage } from './change-over-page.ts'
import type { Flow } from './flow-cookie.ts'
import { contextOf, enterSession, openingOf, type SignInMeans } from './means.ts'
import { beginFlow, CALLBACK_PATH, endFlow, type OidcMeans } from './oidc.ts'
import { goOn, heading, message, type Shown, sendPage, statusOfCode } from './page.ts'
import { endBefore } from './stranger-doors.ts'
import { openVisit, type Person, readForm, requireOwnForm, type Sent, type Visit } from './visit.ts'

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
  const door = (method: Route['method'], path: string, work: (exchange: Exchange) => Promise<void>): Route => ({
    method,
    path,
    handler: (exchange) => tellRefusals(exchange, () => work(exchange)),
  })
  return [
    door('GET', '/sign-in/oidc', async (exchange) => {
      const { searchParams } = exchange.url
      const invite = searchParams.get('invite') ?? undefined
      goOn(exchange, await beginFlow(at.oidc, exchange, { next: ownPath(searchParams.get('next')), invite }))
    }),
    door('GET', CALLBACK_PATH, async (exchange) => {
      const visit = await openVisit(means, exchange)
      const { claims, flow } = await endFlow(at.oidc, exchange)
      if (flow.connect !== undefined) return goOn(exchange, await connect(at, visit, claims, flow.connect))
      const { person } = visit
      if (person !== undefined && !(await isOf(means, person, claims))) {
        return await askToChangeOver(at, { ...visit, person }, claims, flow)
      }
      goOn(exchange, await signIn(at, visit, claims, flow))
    }),
    door('POST', CHANGE_OVER_PATH, async (exchange) => {
      const visit = await openVisit(means, exchange)
      requireOwnForm(means, visit, await readForm(visit))
      const arrival = await arrivalCookie.take(exchange, means.formKey, at.oidc.place)
      if (arrival === undefined || arrival.asked !== visit.person?.sessionId) {
        throw new AppError('FORBIDDEN', 'This was answered already, or more than ten minutes ago. Begin again.')
      }
      goOn(exchange, await signIn(at, visit, arrival.claims as Claims, arrival))
    }),
  ]
}

/** What the button does that connects an account to the issuer; undefined where there is none. */
export function connecting(means: SignInMeans) {
  const at = issuerAt(means)
  if (at === undefined) return undefined
  return async (visit: Visit & { readonly person: Person }, sent: Sent): Promise<Shown> => {
    const { person } = visit
    const how = { field: 'password', freshIsEnough: true }
    const confirmed = await confirmPerson(contextOf(means, visit), person, sent.get('password'), how)
    const href = await beginFlow(at.oidc, visit.exchange, { connect: { sessionId: person.sessionId, ...confirmed } })
    const { name } = at.issuer
    // A link and no redirect: browsers hold all that follows a form against the page's policy.
    return {
      title: `Connect ${name}`,
      cards: [
        html`${heading(`Connect ${name}`)}<p>You go to ${name} now, and come back when you have signed in there.</p>
<p><a class="button"${attributes({ href })}>Go to ${name}</a></p>`,
      ],
    }
  }
}

async function tellRefusals(exchange: Exchange, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (err) {
    if (!isAppError(err) || err.details.limit === 'SIZE') throw err
    const href = err instanceof AccountIsThere ? `/sign-in?${new URLSearchParams({ next: ACCOUNT.page })}` : '/sign-in'
    const page = message('You are not signed in by this', err.message, { href, text: 'To signing in' })
    await sendPage(exchange, { ...page, status: statusOfCode(err.code) }, err.details.retryAfterMs)
  }
}

/** Whether who came from the issuer is who is signed in here. */
async function isOf({ db }: SignInMeans, person: Person, claims: Claims): Promise<boolean> {
  return (await findIdentity({ sql: db.systemSql }, claims))?.accountId === person.accountId
}

/** A link from anywhere may have begun this: nobody is signed out by following one. */
async function askToChangeOver(
  { means, issuer, oidc }: At,
  { exchange, person, token }: Visit & { readonly person: Person },
  claims: Claims,
  { next, invite }: Flow,
): Promise<void> {
  const arrival = { claims, next, invite, asked: person.sessionId }
  await arrivalCookie.keep(exchange.response, arrival, means.formKey, oidc.place)
  await sendPage(
    exchange,
    changeOverPage({
      present: person.name,
      other: labelOf(claims) ?? claims.subject,
      issuerName: issuer.name,
      landing: means.landing,
      token,
    }),
  )
}

async function signIn(
  { means, issuer }: At,
  visit: Visit,
  claims: Claims,
  { next, invite }: Pick<Flow, 'next' | 'invite'>,
): Promise<string> {
  const ctx = contextOf(means, visit)
  const policy = {
    issuerName: issuer.name,
    linkByEmail: means.linkByEmail,
    mayJoin: means.accounts.signUp === 'open' || (await isInvited(ctx, claims)),
  }
  const identity = await onceMore(() => means.db.inAccountTransaction(ctx, (tx) => identityOf(tx, claims, policy)))
  const { accountId, id: identityId } = identity
  const workspaceId = await firstWorkspace(ctx, accountId)
  const { secret } = await means.db.inAccountTransaction(ctx, async (tx) => {
    await useIdentity(tx, identity, claims)
    await endBefore(tx, visit)
    const { address } = ctx.origin
    return await openSession(tx, { accountId, identityId, workspaceId, address, ...openingOf(visit) })
  })
  enterSession(means, visit, secret)
  // Joining is a press of their own: a link from somewhere may have begun this.
  return invite === undefined ? (next ?? means.landing) : `/invite/${encodeURIComponent(invite)}`
}

async function connect(
  { means }: At,
  visit: Visit,
  claims: Claims,
  { sessionId, ...confirmed }: NonNullable<Flow['connect']>,
): Promise<string> {
  const { person } = visit
  if (person === undefined || person.sessionId !== sessionId) {
    throw new AppError(
      'FORBIDDEN',
      'You were signed out meanwhile, and nothing was connected. Sign in, and begin again.',
    )
  }
  const ctx = contextOf(means, visit)
  await onceMore(() => means.db.inAccountTransaction(ctx, (tx) => connectIdentity(tx, person, confirmed, claims)))
  return `${ACCOUNT.page}?done=connected`
}
