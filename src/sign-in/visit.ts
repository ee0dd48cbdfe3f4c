// A browser at one of these pages: who it is signed in as, if anybody, and what proves its forms.

import type { ServerResponse } from 'node:http'
import type { Authenticator, Identity } from '../platform/auth/authenticate.ts'
import { SESSION_COOKIE, sessionCookieOf } from '../platform/auth/credential.ts'
import type { Viewer } from '../platform/auth/viewer.ts'
import { type CookiePlace, clearCookie, cookiePlaceOf, readCookie, setCookie } from '../platform/http/cookies.ts'
import { comesFromOwnPage } from '../platform/http/own-page.ts'
import type { Exchange } from '../platform/http/router.ts'
import { AppError, isAppError } from '../platform/lib/errors.ts'
import { TOKEN_FIELD } from './fields.ts'
import { formToken, isFormToken, looksLikeVisitor, newVisitor } from './form-token.ts'

/** A person who is signed in. */
export type Person = Extract<Viewer, { readonly kind: 'member' | 'account' }>

export interface Visit {
  readonly exchange: Exchange
  /** Who is signed in; undefined for a stranger. */
  readonly person: Person | undefined
  /** The workspace that the session is in; undefined where it is in none. */
  readonly workspaceId: string | undefined
  /** For the forms of the page. */
  readonly token: string
}

export interface VisitMeans {
  readonly authenticator: Pick<Authenticator, 'authenticateCookie'>
  /** What form tokens are made with: the same in every process. */
  readonly formKey: string
  readonly publicUrl: string | undefined
}

const VISITOR_COOKIE = 'cadre_visitor'

/** Who comes. A cookie that stands for nobody any more is taken back, and its browser is a stranger's. */
export async function openVisit(means: VisitMeans, exchange: Exchange): Promise<Visit> {
  const { request, response } = exchange
  const place = cookiePlaceOf(means.publicUrl)
  const secret = sessionCookieOf(request, place)
  const identity = secret === undefined ? undefined : await findIdentity(means, secret)
  if (secret !== undefined && identity === undefined) clearCookie(response, SESSION_COOKIE, place)
  const person = identity?.viewer
  if (person?.kind === 'member' || person?.kind === 'account') {
    const token = formToken(means.formKey, person.sessionId)
    return { exchange, person, workspaceId: identity?.workspaceId, token }
  }
  let visitor = readCookie(request, VISITOR_COOKIE, place)
  if (!looksLikeVisitor(visitor)) {
    visitor = newVisitor()
    setCookie(response, VISITOR_COOKIE, visitor, place)
  }
  return { exchange, person: undefined, workspaceId: undefined, token: formToken(means.formKey, visitor) }
}

async function findIdentity({ authenticator }: VisitMeans, secret: string): Promise<Identity | undefined> {
  try {
    // A page that follows a change shows it, also where another process made that.
    return await authenticator.authenticateCookie(secret, { anew: true })
  } catch (err) {
    if (isAppError(err) && err.code === 'UNAUTHENTICATED') return undefined
    throw err
  }
}

/** What is known of the session that the browser has sent is looked up anew: it was changed, or has ended. */
export async function noteChange(means: VisitMeans, { exchange }: Pick<Visit, 'exchange'>): Promise<void> {
  const secret = sessionCookieOf(exchange.request, cookiePlaceOf(means.publicUrl))
  if (secret !== undefined) await findIdentity(means, secret)
}

/** What a form sends: each field once. */
export type Sent = ReadonlyMap<string, string>

/** A form that was not sent from a page that we had shown to this browser. */
export class ForeignForm extends AppError {
  constructor(message: string) {
    super('FORBIDDEN', message)
  }
}

/** Reads what a form sends. Throws INVALID_INPUT for what no form of ours sends, LIMIT_EXCEEDED (SIZE) for too much. */
export async function readForm({ exchange }: Visit): Promise<Sent> {
  const type = exchange.request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new AppError('INVALID_INPUT', 'Send application/x-www-form-urlencoded, as the page’s form does.')
  }
  const text = (await exchange.readBody()).toString('utf8')
  // No text of ours, and none that the database takes, holds a zero byte.
  return new Map([...new URLSearchParams(text)].map(([name, value]) => [name, value.replaceAll('\0', '')]))
}

/** Throws ForeignForm unless the form was shown by us to this browser. */
export function requireOwnForm(means: VisitMeans, visit: Visit, sent: Sent): void {
  const { publicUrl } = means
  if (!comesFromOwnPage(visit.exchange.request, publicUrl)) {
    const where = publicUrl === undefined ? '' : ` It works at ${publicUrl}.`
    throw new ForeignForm(`This was sent from another address than this page’s, and nothing was done.${where}`)
  }
  const given = sent.get(TOKEN_FIELD) ?? ''
  const bound = visit.person?.sessionId ?? readCookie(visit.exchange.request, VISITOR_COOKIE, cookiePlaceOf(publicUrl))
  if (bound === undefined) {
    throw new ForeignForm(
      'Your browser has sent no cookie, and signing in needs one. Allow cookies here, and send it again.',
    )
  }
  if (!isFormToken(means.formKey, bound, given)) {
    throw new ForeignForm('This page had become out of date. Nothing was done: look at it, and send it again.')
  }
}

/** Gives the browser its session. The secret is new each time: nobody can have laid one under beforehand. */
export function keepSession(
  response: ServerResponse,
  session: { readonly secret: string; readonly maxAgeS: number },
  place: CookiePlace,
): void {
  setCookie(response, SESSION_COOKIE, session.secret, { ...place, maxAgeS: session.maxAgeS })
}

export const forgetSession = (response: ServerResponse, place: CookiePlace): void =>
  clearCookie(response, SESSION_COOKIE, place)
