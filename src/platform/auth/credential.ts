// What a request shows to say who it is, on every transport: an Authorization header, or the cookie of a browser session.
//
// A browser sends a cookie along whoever's page asks. So the cookie counts only where the browser says that the page was
// ours; from anywhere else it is refused, and not overlooked, so that nobody wonders why they are a stranger. A header is
// never sent by itself: where there is one it is the credential, and the cookie beside it is not looked at.

import type { IncomingMessage } from 'node:http'
import { type CookiePlace, cookiePlaceOf, readCookie } from '../http/cookies.ts'
import { comesFromOwnPage } from '../http/own-page.ts'
import { AppError } from '../lib/errors.ts'
import type { Authenticator, Identity } from './authenticate.ts'

export type Credential =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'header'
      readonly authorization: string
      /** The slug or id of the workspace that it is to speak in, where the credential does not say. */
      readonly workspace?: string
    }
  | { readonly kind: 'cookie'; readonly secret: string }

export const SESSION_COOKIE = 'cadre_session'

/** Names the workspace that a token of the issuer is to speak in, by its slug or id. */
export const WORKSPACE_HEADER = 'x-cadre-workspace'

const NONE: Credential = { kind: 'none' }

/** The secret of the browser session that the request carries, whoever's page it comes from; undefined without one. */
export const sessionCookieOf = (request: Pick<IncomingMessage, 'headers'>, place: CookiePlace): string | undefined =>
  readCookie(request, SESSION_COOKIE, place) || undefined

/**
 * The credential of a request. What a socket's first message gives comes before its headers. Throws FORBIDDEN for a cookie
 * that another site's page had sent along.
 */
export function credentialOf(
  request: Pick<IncomingMessage, 'headers' | 'method'>,
  publicUrl: string | undefined,
  given: { readonly authorization?: string | undefined; readonly workspace?: string | undefined } = {},
): Credential {
  const { headers } = request
  const authorization = given.authorization ?? headers.authorization
  if (authorization !== undefined && authorization.trim() !== '') {
    const workspace = (given.workspace ?? String(headers[WORKSPACE_HEADER] ?? '')).trim()
    return { kind: 'header', authorization, ...(workspace === '' ? {} : { workspace }) }
  }
  const secret = sessionCookieOf(request, cookiePlaceOf(publicUrl))
  if (secret === undefined) return NONE
  if (comesFromOwnPage(request, publicUrl)) return { kind: 'cookie', secret }
  throw new AppError(
    'FORBIDDEN',
    `Your sign-in counts for pages of ${publicUrl ?? 'this server'} only. From elsewhere, send "Authorization: Bearer …".`,
  )
}

/** Who shows this; see `Authenticator`. */
export function identify(
  authenticator: Pick<Authenticator, 'authenticate' | 'authenticateCookie'>,
  credential: Credential,
  options?: { readonly anew?: boolean },
): Promise<Identity> {
  if (credential.kind === 'cookie') return authenticator.authenticateCookie(credential.secret, options)
  if (credential.kind === 'none') return authenticator.authenticate(undefined, options)
  const { authorization, workspace } = credential
  return authenticator.authenticate(authorization, { ...options, ...(workspace === undefined ? {} : { workspace }) })
}

/** Equal for credentials that are one. */
export const credentialKey = (credential: Credential): string => JSON.stringify(credential)
