import { getAccount } from '../domains/accounts/accounts.ts'
import { isFresh } from '../domains/accounts/confirmation.ts'
import { prepareEmailChange, requestEmailChange } from '../domains/accounts/email-change.ts'
import {
  changePasswordInput,
  eraseAccountInput,
  foundWorkspaceInput,
  requestEmailChangeInput,
} from '../domains/accounts/inputs.ts'
import { disconnectIdentity, listIdentities } from '../domains/accounts/own-identities.ts'
import { changePassword, prepareChange } from '../domains/accounts/passwords.ts'
import { prepareRemoval } from '../domains/accounts/removal.ts'
import { listSessions, revokeSession, revokeSessions, switchSession } from '../domains/accounts/sessions.ts'
import { found, joining, prepareFounding } from '../domains/accounts/sign-in.ts'
import { listMemberships } from '../domains/accounts/workspaces.ts'
import { eraseAccount } from '../domains/erasures/account.ts'
import { findInvitePlace } from '../domains/workspaces/invites.ts'
import { acceptInvite } from '../domains/workspaces/joining.ts'
import { looksLikeSecret } from '../platform/auth/secret-token.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { cookiePlaceOf } from '../platform/http/cookies.ts'
import { ownPath } from '../platform/http/own-path.ts'
import type { Exchange, Route } from '../platform/http/router.ts'
import { isAppError, notFound } from '../platform/lib/errors.ts'
import { decodeId, encodeId } from '../platform/lib/ids.ts'
import { parseInput } from '../platform/lib/parse.ts'
import { ACCOUNT, accountPage } from './account-page.ts'
import { invitePage, overInvitePage } from './invite-page.ts'
import { contextOf, type SignInMeans } from './means.ts'
import { connecting } from './oidc-doors.ts'
import { brokenLinkPage, type Fault, goOn, message, type Shown, sendPage, statusOfCode } from './page.ts'
import { atItsField, findInvited, foundingOf } from './stranger-doors.ts'
import {
  forgetSession,
  noteChange,
  openVisit,
  type Person,
  readForm,
  requireOwnForm,
  type Sent,
  type Visit,
} from './visit.ts'

const DONE: Readonly<Record<string, string>> = {
  'email-asked': 'A mail is on its way to the new address. Its link makes it yours, and is good for an hour.',
  email: 'Your e-mail address is changed, and all other sessions have ended.',
  password: 'Your password is changed, and all other sessions have ended.',
  ended: 'The session has ended.',
  others: 'All other sessions have ended.',
  connected: 'It is connected: you can sign in with it from now on.',
  disconnected: 'It is disconnected, and the sessions that came by it have ended.',
}

type SignedInVisit = Visit & { readonly person: Person }
type Act = (visit: SignedInVisit, sent: Sent, tx: Tx) => Promise<string>

/** A person's own page, what its buttons do, and the page of an invite. */
export function accountRoutes(means: SignInMeans): Route[] {
  /** A button or form of a page: it does one thing, and goes on; to another site, or when nobody is left, by a page that says so. */
  const action = (path: string, act: (visit: SignedInVisit, sent: Sent) => Promise<string | Shown>): Route => ({
    method: 'POST',
    path,
    handler: async (exchange) => {
      const visit = await openVisit(means, exchange)
      const { person } = visit
      if (person === undefined) return goOn(exchange, '/sign-in')
      let sent: Sent = new Map()
      try {
        sent = await readForm(visit)
        requireOwnForm(means, visit, sent)
        const go = await act({ ...visit, person }, sent)
        await noteChange(means, visit)
        if (typeof go === 'string') goOn(exchange, go)
        else await sendPage(exchange, go)
      } catch (err) {
        if (!isAppError(err) || err.details.limit === 'SIZE') throw err
        // Their session, or they, ended while this was on its way.
        if (err.code === 'UNAUTHENTICATED') return goOn(exchange, '/sign-in')
        const { code, message: problem, details } = err
        const issues = details.issues ?? []
        const fault = {
          status: statusOfCode(code),
          issues,
          problem: issues.length === 0 ? problem : undefined,
          retryAfterMs: details.retryAfterMs,
        }
        await refuse({ ...visit, person }, path, fault, sent)
      }
    },
  })
  const inTransaction = (act: Act) => async (visit: SignedInVisit, sent: Sent) =>
    await means.db.inAccountTransaction(contextOf(means, visit), (tx) => act(visit, sent, tx))

  const refuse = async (visit: SignedInVisit, path: string, fault: Fault, typed: Sent): Promise<void> => {
    const forms: readonly string[] = [ACCOUNT.email, ACCOUNT.password, ACCOUNT.found, ACCOUNT.connect, ACCOUNT.erase]
    if (forms.includes(path)) {
      return await show(visit, undefined, { path, of: fault, typed })
    }
    const text = fault.problem ?? fault.issues.map((issue) => issue.message).join(' ')
    const page = message('That did not work', text, { href: ACCOUNT.page, text: 'To your account' })
    await sendPage(visit.exchange, { ...page, status: fault.status }, fault.retryAfterMs)
  }

  const show = async (
    visit: SignedInVisit,
    done: string | undefined,
    fault?: { readonly path: string; readonly of: Fault; readonly typed: Sent },
  ): Promise<void> => {
    const { accountId, sessionId } = visit.person
    const ctx = contextOf(means, visit)
    const [account, sessions, memberships, identities, fresh] = await Promise.all([
      getAccount(ctx, accountId),
      listSessions(ctx, accountId),
      listMemberships(ctx, accountId),
      listIdentities(ctx, accountId),
      isFresh(ctx, sessionId),
    ])
    const { issuer } = means
    const page = accountPage({
      name: account.name,
      email: account.email,
      hasPassword: account.passwordHash !== null,
      sessions: sessions.map((session) => ({
        ...session,
        id: encodeId('session', session.id),
        isThis: session.id === sessionId,
      })),
      workspaces: memberships.map(({ workspaceId, name, role }) => ({
        id: encodeId('workspace', workspaceId),
        name,
        role,
        isHere: workspaceId === visit.workspaceId,
      })),
      issuerName: issuer?.signsIn === true ? issuer.name : undefined,
      identities: identities.map((identity) => ({ ...identity, id: encodeId('identity', identity.id) })),
      isFresh: fresh,
      token: visit.token,
      done,
      ...(fault === undefined ? {} : { fault }),
    })
    await sendPage(visit.exchange, { ...page, status: fault?.of.status ?? 200 }, fault?.of.retryAfterMs)
  }

  const connect = connecting(means)
  return [
    {
      method: 'GET',
      path: ACCOUNT.page,
      handler: async (exchange) => {
        const visit = await openVisit(means, exchange)
        const { person } = visit
        if (person === undefined) return goOn(exchange, `/sign-in?${new URLSearchParams({ next: ACCOUNT.page })}`)
        await show({ ...visit, person }, DONE[exchange.url.searchParams.get('done') ?? ''])
      },
    },
    signOutRoute(means),
    action(
      ACCOUNT.switch,
      inTransaction(async ({ person }, sent, tx) => {
        const workspaceId = decodeId('workspace', sent.get('workspace') ?? '', 'Workspace')
        await switchSession(tx, { accountId: person.accountId, sessionId: person.sessionId, workspaceId })
        return ownPath(sent.get('next')) ?? means.landing
      }),
    ),
    action(ACCOUNT.found, async (visit, sent) => {
      const { accountId, sessionId } = visit.person
      const ctx = contextOf(means, visit)
      try {
        const input = parseInput(foundWorkspaceInput, foundingOf(sent))
        const { account, slug } = await prepareFounding(ctx, accountId, input)
        await means.db.inAccountTransaction(ctx, async (tx) => {
          const workspaceId = await found(tx, joining(account), input, slug)
          await switchSession(tx, { accountId, sessionId, workspaceId })
        })
      } catch (thrown) {
        atItsField(thrown, 'workspaceName')
      }
      return means.landing
    }),
    action(
      ACCOUNT.end,
      inTransaction(async ({ person }, sent, tx) => {
        const sessionId = decodeId('session', sent.get('session') ?? '', 'Session')
        await revokeSession(tx, { accountId: person.accountId, sessionId, because: 'REVOKED' })
        return `${ACCOUNT.page}?done=ended`
      }),
    ),
    action(
      ACCOUNT.endOthers,
      inTransaction(async ({ person: { accountId, sessionId } }, _sent, tx) => {
        await revokeSessions(tx, { accountId, except: sessionId, because: 'REVOKED' })
        return `${ACCOUNT.page}?done=others`
      }),
    ),
    action(ACCOUNT.email, async (visit, sent) => {
      const ctx = contextOf(means, visit)
      const input = parseInput(requestEmailChangeInput, {
        email: sent.get('email') ?? '',
        currentPassword: sent.get('currentPassword') ?? '',
      })
      const prepared = await prepareEmailChange(ctx, visit.person.accountId, input)
      await means.db.inAccountTransaction(ctx, async (tx) => requestEmailChange(tx, input, prepared))
      return `${ACCOUNT.page}?done=email-asked`
    }),
    action(ACCOUNT.password, async (visit, sent) => {
      const { accountId, sessionId } = visit.person
      const ctx = contextOf(means, visit)
      const input = parseInput(changePasswordInput, {
        currentPassword: sent.get('currentPassword') ?? '',
        newPassword: sent.get('newPassword') ?? '',
      })
      const prepared = await prepareChange(ctx, accountId, input)
      await means.db.inAccountTransaction(ctx, (tx) => changePassword(tx, { accountId, sessionId }, prepared))
      return `${ACCOUNT.page}?done=password`
    }),
    ...(connect === undefined ? [] : [action(ACCOUNT.connect, connect)]),
    action(
      ACCOUNT.disconnect,
      inTransaction(async ({ person }, sent, tx) => {
        const identityId = decodeId('identity', sent.get('identity') ?? '', 'Identity')
        await disconnectIdentity(tx, person, identityId)
        return `${ACCOUNT.page}?done=disconnected`
      }),
    ),
    action(ACCOUNT.erase, async (visit, sent) => {
      const ctx = contextOf(means, visit)
      const given = sent.get('currentPassword')
      const input = parseInput(eraseAccountInput, { currentPassword: given === '' ? undefined : given })
      const prepared = await prepareRemoval(ctx, visit.person, input)
      const { erasureId } = await means.db.inAccountTransaction(ctx, (tx) => eraseAccount(tx, prepared))
      forgetSession(visit.exchange.response, cookiePlaceOf(means.publicUrl))
      const text = `A last mail follows with the certificate, ${encodeId('account_erasure', erasureId)}. Then your address is forgotten as well.`
      return message('Your account is erased', text, { href: strangersPage(means), text: 'Go on' })
    }),
    {
      method: 'GET',
      path: '/invite/{token}',
      handler: (exchange) => showInvite(means, exchange),
    },
    action('/invite', async (visit, sent) => {
      const { accountId, sessionId } = visit.person
      const ctx = contextOf(means, visit)
      const place = await findInvitePlace(ctx, sent.get('invite') ?? '')
      if (place === undefined) throw notFound('Invite')
      const account = await getAccount(ctx, accountId)
      await means.db.inAccountTransaction(ctx, async (tx) => {
        const { workspaceId } = await acceptInvite(tx, joining(account), place)
        await switchSession(tx, { accountId, sessionId, workspaceId })
      })
      return means.landing
    }),
  ]
}

/** Where whoever is signed out goes on. */
const strangersPage = ({ landing }: SignInMeans): string => (landing === ACCOUNT.page ? '/sign-in' : landing)

/** Signing out always ends with nobody signed in: also twice, and where the session was over already. */
function signOutRoute(means: SignInMeans): Route {
  return {
    method: 'POST',
    path: ACCOUNT.signOut,
    handler: async (exchange) => {
      const visit = await openVisit(means, exchange)
      const { person } = visit
      if (person !== undefined) {
        try {
          requireOwnForm(means, visit, await readForm(visit))
        } catch (err) {
          if (!isAppError(err) || err.details.limit === 'SIZE') throw err
          const back = { href: ACCOUNT.page, text: 'To your account' }
          return await sendPage(exchange, {
            ...message('You are still signed in', err.message, back),
            status: statusOfCode(err.code),
          })
        }
        const { accountId, sessionId } = person
        await means.db.inAccountTransaction(contextOf(means, visit), (tx) =>
          revokeSession(tx, { accountId, sessionId, because: 'LOGGED_OUT' }),
        )
        await noteChange(means, visit)
        forgetSession(exchange.response, cookiePlaceOf(means.publicUrl))
      }
      goOn(exchange, strangersPage(means))
    },
  }
}

async function showInvite(means: SignInMeans, exchange: Exchange): Promise<void> {
  const visit = await openVisit(means, exchange)
  const token = exchange.params.token ?? ''
  // The link of the first person: they have nobody who invites them.
  if (looksLikeSecret('setup', token)) return goOn(exchange, `/sign-up?${new URLSearchParams({ invite: token })}`)
  if (!looksLikeSecret('invite', token))
    return await sendPage(exchange, brokenLinkPage({ href: '/sign-in', text: 'Sign in' }))
  const invited = await findInvited(means, visit, token)
  if (invited === undefined) return await sendPage(exchange, overInvitePage)
  const email = visit.person === undefined ? undefined : (await getAccount(means, visit.person.accountId)).email
  await sendPage(exchange, invitePage(invited, visit, email))
}
