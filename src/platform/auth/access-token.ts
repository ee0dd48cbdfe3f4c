// Access tokens: JWTs that name a session and the workspace it speaks in, for fifteen minutes.
//
// What a token says is who asks; what they may is looked up by it with every request (`sessions.ts`), so a token is worth no
// more than its session. It is signed with a key that all processes on one database share. Every 30 days there is another
// one, told apart by `kid`; of those before and after, the neighbours are heeded, for clocks differ and tokens are on their
// way.

import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Database } from '../db/database.ts'
import { serverSecret } from '../db/server-secret.ts'
import type { Clock } from '../lib/clock.ts'
import { unauthenticated } from '../lib/errors.ts'
import { isUuid } from '../lib/ids.ts'

/** What a token says. */
export interface AccessClaims {
  readonly accountId: string
  readonly sessionId: string
  /** Null for a session in no workspace. */
  readonly workspaceId: string | null
}

export interface AccessToken {
  readonly token: string
  readonly expiresAt: Date
}

export interface AccessTokens {
  issue(claims: AccessClaims): Promise<AccessToken>
  /** Throws UNAUTHENTICATED for whatever is no token of ours, or has expired: then the message says so. */
  read(token: string): Promise<AccessClaims>
}

const LIFETIME_MS = 15 * 60_000
const KEY_PERIOD_MS = 30 * 24 * 3_600_000
const ISSUER = 'cadre'
const TYPE = 'at+jwt'
const ALGORITHM = 'HS256'
// Signed by another process, whose clock is not quite ours.
const TOLERANCE_S = 5

const INVALID = 'This access token is not valid.'

/** Whether a bearer token is written as a JWT is; keys are not. */
export const looksLikeJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

/** Whether a JWT names us as who made it. It says so itself: whose it is the signature tells. */
export function saysItIsOurs(token: string): boolean {
  try {
    return decodeJwt(token).iss === ISSUER
  } catch {
    return false
  }
}

export function createAccessTokens({ db, clock }: { readonly db: Database; readonly clock: Clock }): AccessTokens {
  const keys = new LRUCache<string, Promise<Uint8Array>>({ max: 4 })
  const period = (): number => Math.floor(clock.now().getTime() / KEY_PERIOD_MS)

  const keyOf = (kid: string): Promise<Uint8Array> => {
    const known = keys.get(kid)
    if (known !== undefined) return known
    const found = serverSecret(db, `access-token-${kid}`).then((secret) => Buffer.from(secret, 'base64url'))
    keys.set(kid, found)
    // A look-up that failed is not an answer.
    found.catch(() => keys.delete(kid))
    return found
  }

  return {
    async issue({ accountId, sessionId, workspaceId }) {
      const kid = String(period())
      const now = Math.floor(clock.now().getTime() / 1_000)
      const expiresAt = new Date(now * 1_000 + LIFETIME_MS)
      const token = await new SignJWT({ sid: sessionId, ...(workspaceId === null ? {} : { wid: workspaceId }) })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
        .setIssuer(ISSUER)
        .setSubject(accountId)
        .setIssuedAt(now)
        .setExpirationTime(now + LIFETIME_MS / 1_000)
        .sign(await keyOf(kid))
      return { token, expiresAt }
    },

    async read(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          async ({ kid = '' }) => {
            if (!/^\d{1,6}$/.test(kid) || Math.abs(Number(kid) - period()) > 1) throw unauthenticated(INVALID)
            return await keyOf(kid)
          },
          {
            algorithms: [ALGORITHM],
            issuer: ISSUER,
            typ: TYPE,
            requiredClaims: ['exp', 'iat', 'sub', 'sid'],
            clockTolerance: TOLERANCE_S,
            currentDate: clock.now(),
          },
        )
        const { sub, sid, wid = null } = payload
        if (!isId(sub) || !isId(sid) || (wid !== null && !isId(wid))) throw unauthenticated(INVALID)
        return { accountId: sub, sessionId: sid, workspaceId: wid }
      } catch (err) {
        if (err instanceof errors.JWTExpired)
          throw unauthenticated('This access token has expired: refresh the session.')
        if (err instanceof errors.JOSEError) throw unauthenticated(INVALID)
        throw err
      }
    },
  }
}

const isId = (claim: unknown): claim is string => typeof claim === 'string' && isUuid(claim)
