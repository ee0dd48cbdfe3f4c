import { confirmEmailChange } from '../domains/accounts/email-change.ts'
import { confirmEmailChangeInput, logInInput, resetPasswordInput, signUpInput } from '../domains/accounts/inputs.ts'
import { prepareReset, requestPasswordReset, resetPassword } from '../domains/accounts/passwords.ts'
import { revokeSession } from '../domains/accounts/sessions.ts'
import { isUnclaimed, logIn, prepareLogIn, prepareSignUp, type SignedIn, signUp } from '../domains/accounts/sign-in.ts'
import { findOpenInvite } from '../domains/workspaces/invites.ts'
import { looksLikeSecret } from '../platform/auth/secret-token.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { ownPath } from '../platform/http/own-path.ts'
import type { Route } from '../platform/http/router.ts'
import { type InputIssue, invalidInput, isAppError } from '../platform/lib/errors.ts'
import { parseInput } from '../platform/lib/parse.ts'
import { ACCOUNT } from './account-page.ts'
import { type FormDoor, formDoor, type Showing } from './form-door.ts'
import { contextOf, enterSession, openingOf, type SignInMeans } from './means.ts'
import { brokenLinkPage } from './page.ts'
import {
  confirmEmailPage,
  type Door,
  forgotPage,
  type Invited,
  invitedOnlyPage,
  resetPage,
  signInPage,
  signUpPage,
} from './stranger-pages.ts'
import type { Sent, Visit } from './visit.ts'

// What a workspace begins with that was founded with one field; its owner changes it where everything else is changed.
const FIRST_TIME_ZONE = 'UTC'
const FIRST_CURRENCY = 'EUR'

const RESET_DONE = 'Your new password is set. Sign in with it.'
const MOVED = 'Your e-mail address is changed. Sign in with it.'

/** The pages for who is not signed in, and what they do. */
export function strangerRoutes(means: SignInMeans): Route[] {
  const doorOf = async (visit: Visit, showing: Showing): Promise<Door> => ({
    token: visit.token,
    showing,
    issuerName: means.issuer?.signsIn === true ? means.issuer.name : undefined,
    invited: await findInvited(means, visit, showing.typed.get('invite')),
    next: ownPath(showing.typed.get('next')),
  })
  const done = (sent: Sent): string => ownPath(sent.get('next')) ?? means.landing

  const signIn: FormDoor = {
    path: '/sign-in',
    who: 'stranger',
    show: async (visit, showing) =>
      signInPage(await doorOf(visit, showing), {
        signUp: means.accounts.signUp === 'open',
        ...(showing.typed.has('reset') ? { done: RESET_DONE } : showing.typed.has('moved') ? { done: MOVED } : {}),
      }),
    act: async (visit, sent) => {
      const ctx = contextOf(means, visit)
      const given = {
        email: sent.get('email') ?? '',
        password: sent.get('password') ?? '',
        inviteToken: sent.get('invite'),
      }
      const prepared = await prepareLogIn(ctx, parseInput(logInInput, given))
      const signedIn = await means.db.inAccountTransaction(ctx, async (tx) => {
        await endBefore(tx, visit)
        return await logIn(tx, prepared, openingOf(visit))
      })
      return entered(means, visit, signedIn, done(sent))
    },
  }

  const signUpDoor: FormDoor = {
    path: '/sign-up',
    who: 'stranger',
    show: async (visit, showing) => {
      const door = await doorOf(visit, showing)
      const given = showing.typed.get('invite')
      const setup = given !== undefined && looksLikeSecret('setup', given) ? given : undefined
      const may = means.accounts.signUp === 'open' || door.invited !== undefined || setup !== undefined
      return may ? signUpPage(door, setup) : invitedOnlyPage(door, await isUnclaimed(means))
    },
    act: async (visit, sent) => {
      const ctx = contextOf(means, visit)
      try {
        const input = parseInput(signUpInput, {
          email: sent.get('email') ?? '',
          password: sent.get('password') ?? '',
          name: sent.get('name') ?? '',
          inviteToken: sent.get('invite'),
          workspace: foundedBy(sent),
        })
        const prepared = await prepareSignUp(ctx, input)
        const signedIn = await means.db.inAccountTransaction(ctx, async (tx) => {
          await endBefore(tx, visit)
          return await signUp(tx, input, prepared, openingOf(visit))
        })
        return entered(means, visit, signedIn, done(sent))
      } catch (thrown) {
        return atItsField(thrown)
      }
    },
  }

  const forgot: FormDoor = {
    path: '/forgot-password',
    who: 'anyone',
    show: async (visit, showing) => forgotPage(await doorOf(visit, showing), showing.typed.has('sent')),
    act: async (visit, sent) => {
      const ctx = contextOf(means, visit)
      await means.accounts.throttle.ask(ctx.origin.address)
      requestPasswordReset(ctx, { email: (sent.get('email') ?? '').slice(0, 1_000) })
      return '/forgot-password?sent'
    },
  }

  const reset: FormDoor = {
    path: '/reset-password',
    who: 'anyone',
    show: async (visit, showing) => {
      const token = showing.typed.get('token') ?? ''
      if (looksLikeSecret('reset', token)) return resetPage(await doorOf(visit, showing), token)
      const again = { href: '/forgot-password', text: 'Send me another link' }
      return brokenLinkPage(again)
    },
    act: async (visit, sent) => {
      const ctx = contextOf(means, visit)
      const given = { token: sent.get('token') ?? '', password: sent.get('password') ?? '' }
      const input = parseInput(resetPasswordInput, given)
      const prepared = await prepareReset(ctx, input)
      await means.db.inAccountTransaction(ctx, (tx) => resetPassword(tx, input, prepared))
      return '/sign-in?reset'
    },
  }

  const confirm: FormDoor = {
    path: '/confirm-email',
    who: 'anyone',
    show: async (visit, showing) => {
      const token = showing.typed.get('token') ?? ''
      if (looksLikeSecret('email', token)) return confirmEmailPage(await doorOf(visit, showing), token)
      const again = { href: ACCOUNT.page, text: 'To your account' }
      return brokenLinkPage(again)
    },
    act: async (visit, sent) => {
      const ctx = contextOf(means, visit)
      const { token } = parseInput(confirmEmailChangeInput, { token: sent.get('token') ?? '' })
      await means.accounts.throttle.ask(ctx.origin.address)
      const { accountId } = await means.db.inAccountTransaction(ctx, (tx) => confirmEmailChange(tx, token))
      return visit.person?.accountId === accountId ? `${ACCOUNT.page}?done=email` : '/sign-in?moved'
    },
  }

  return [signIn, signUpDoor, forgot, reset, confirm].flatMap((door) => formDoor(means, door))
}

/** The session is the browser's, and the one that it had before is over. */
export function entered(means: SignInMeans, visit: Visit, { secret }: Pick<SignedIn, 'secret'>, goOn: string): string {
  enterSession(means, visit, secret)
  return goOn
}

/** Ends the session that the browser has now: with the new one nobody could reach it any more. In an account transaction. */
export async function endBefore(tx: Tx, { person }: Visit): Promise<void> {
  if (person === undefined) return
  const { accountId, sessionId } = person
  await revokeSession(tx, { accountId, sessionId, because: 'LOGGED_OUT' })
}

export async function findInvited(
  means: SignInMeans,
  visit: Visit,
  token: string | undefined,
): Promise<Invited | undefined> {
  const invite = token === undefined ? undefined : await findOpenInvite(contextOf(means, visit), token)
  return invite === undefined || token === undefined
    ? undefined
    : { token, email: invite.email, workspaceName: invite.workspaceName }
}

/** The workspace that a form founds: its name is all that is asked for. */
function foundedBy(sent: Sent) {
  const name = sent.get('workspaceName')
  return name === undefined ? undefined : { name, timeZone: FIRST_TIME_ZONE, currency: FIRST_CURRENCY }
}

export const foundingOf = (sent: Sent) =>
  foundedBy(sent) ?? { name: '', timeZone: FIRST_TIME_ZONE, currency: FIRST_CURRENCY }

/** What an input calls `workspace.name`, and what is said of the whole account, stands at the field of the form. */
export function atItsField(thrown: unknown, duplicate = 'email'): never {
  if (!isAppError(thrown)) throw thrown
  const { issues } = thrown.details
  if (issues !== undefined) {
    throw invalidInput(
      issues.map(
        (issue): InputIssue =>
          issue.path[0] === 'workspace' || (issue.path[0] === 'name' && duplicate !== 'email')
            ? { ...issue, path: ['workspaceName'] }
            : issue,
      ),
    )
  }
  if (thrown.code !== 'CONFLICT' || thrown.details.reason !== 'DUPLICATE') throw thrown
  throw invalidInput([{ path: [duplicate], code: 'DUPLICATE', message: thrown.message }])
}
