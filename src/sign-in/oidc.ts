// Signing in at an issuer of OpenID Connect: the authorization code flow with PKCE.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth · https://www.rfc-editor.org/rfc/rfc9700
//
//   away    state, nonce and verifier are sealed into a cookie of this browser, and it goes to the issuer
//   back    the cookie is taken and gone; state, nonce and verifier must fit what comes, the issuer must say that it is
//           itself, and its ID token must be signed by it and meant for us
//   done    whose account it is: `identities.ts`. Then a new session, as with a password
//
// A code is good once, for this browser, for what it began with. Whatever is wrong is a page that says what to do.

import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  calculatePKCECodeChallenge,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { type Claims, claimsOf, type Issuer } from '../platform/auth/issuer.ts'
import type { CookiePlace } from '../platform/http/cookies.ts'
import { baseUrlOf } from '../platform/http/request.ts'
import type { Exchange } from '../platform/http/router.ts'
import { AppError, isAppError, unavailable } from '../platform/lib/errors.ts'
import type { Logger } from '../platform/observability/logger.ts'
import { type Flow, flowCookie } from './flow-cookie.ts'

export interface OidcMeans {
  readonly issuer: Issuer
  readonly publicUrl: string | undefined
  /** What is kept in the browser is sealed with it: the same in every process. */
  readonly formKey: string
  readonly place: CookiePlace
  readonly log: Logger
}

export const CALLBACK_PATH = '/sign-in/oidc/callback'

const redirectUri = ({ publicUrl }: OidcMeans, { request }: Exchange): string =>
  `${publicUrl ?? baseUrlOf(request)}${CALLBACK_PATH}`

/** Where to send the browser, which is given the flow's cookie. Throws UNAVAILABLE while the issuer cannot be reached. */
export async function beginFlow(
  means: OidcMeans,
  exchange: Exchange,
  wanted: Pick<Flow, 'next' | 'invite' | 'connect'>,
): Promise<string> {
  const configuration = await means.issuer.configuration()
  const flow: Flow = { ...wanted, state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
  await flowCookie.keep(exchange.response, flow, means.formKey, means.place)
  const { href } = buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri(means, exchange),
    scope: 'openid email profile',
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: await calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: 'S256',
  })
  return href
}

/**
 * Who came back from the issuer, and with which flow. FORBIDDEN, in words for that person, where they did not sign in there,
 * came back twice, or in another browser; UNAVAILABLE while the issuer cannot be asked.
 */
export async function endFlow(
  means: OidcMeans,
  exchange: Exchange,
): Promise<{ readonly claims: Claims; readonly flow: Flow }> {
  const { issuer, log } = means
  const flow = await flowCookie.take(exchange, means.formKey, means.place)
  if (flow === undefined) {
    throw new AppError(
      'FORBIDDEN',
      'This sign-in was used already, took longer than ten minutes, or began in another browser. Begin again.',
    )
  }
  const configuration = await issuer.configuration()
  const came = new URL(redirectUri(means, exchange))
  came.search = exchange.url.search
  try {
    const tokens = await authorizationCodeGrant(configuration, came, {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
    })
    return { claims: claimsOf({ ...tokens.claims() }), flow }
  } catch (err) {
    throw refusalOf(err, issuer.name, log)
  }
}

function refusalOf(err: unknown, name: string, log: Logger): AppError {
  if (isAppError(err) && err.code !== 'UNAUTHENTICATED') return err
  if (err instanceof AuthorizationResponseError) {
    if (err.error === 'access_denied')
      return new AppError('FORBIDDEN', `You did not sign in at ${name}. Nothing was done.`)
    if (err.error === 'temporarily_unavailable' || err.error === 'server_error') {
      return unavailable(`${name} cannot sign anybody in at the moment. Try again.`)
    }
    log.warn({ error: knownWord(err.error) }, 'the issuer refused to sign somebody in')
    return new AppError(
      'FORBIDDEN',
      `${name} refused to sign you in (${knownWord(err.error)}). Ask who runs this server.`,
    )
  }
  if (isAway(err)) return unavailable(`${name} cannot be reached at the moment. Try again.`)
  log.warn(
    err instanceof ResponseBodyError ? { error: knownWord(err.error), status: err.status } : { err },
    'a sign-in at the issuer failed',
  )
  return new AppError('FORBIDDEN', `What came back from ${name} does not fit what was asked for. Begin again.`)
}

/** Whether the issuer gave no answer of its own: the network did, it took too long, or something failed there. */
function isAway(err: unknown): boolean {
  if (err instanceof TypeError) return !('code' in err)
  if (!(err instanceof ClientError)) return false
  if (err.code === 'OAUTH_TIMEOUT' || err.code === 'OAUTH_ABORT') return true
  return err.cause instanceof Response && err.cause.status >= 500
}

/** The issuer's word for it, or whatever stands in the address: shown only where it is one of the standard's kind. */
const knownWord = (error: unknown): string =>
  typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'it did not say why'
