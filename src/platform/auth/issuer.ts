// An issuer of OpenID Connect: what it says about itself, and whether a token is one of its.
//
// It is asked for its addresses at the first need and again each hour, and not when the server starts: a server must
// start while its issuer is away. While nobody can reach the issuer the answer is UNAVAILABLE and never that a token is
// wrong: clients throw a token away that is. A token signed by a key that is not known has the keys fetched once more,
// and not again for half a minute, however many come; nor for two seconds when they could not be had.

import { createRemoteJWKSet, customFetch, errors, type JWTVerifyResult, jwtVerify, type RemoteJWKSet } from 'jose'
import { allowInsecureRequests, type Configuration, discovery, enableNonRepudiationChecks, None } from 'openid-client'
import type { Clock } from '../lib/clock.ts'
import { isAppError, unauthenticated, unavailable } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'

/** Who somebody is, as an issuer says. */
export interface Claims {
  readonly issuer: string
  /** Never given to another person by this issuer. */
  readonly subject: string
  /** As written; undefined where the issuer says none. */
  readonly email: string | undefined
  /** Whether the issuer says that the address is this person's. Only then may anything be made to hang on it. */
  readonly emailVerified: boolean
  readonly name: string | undefined
}

export interface Issuer {
  /** What people call it. */
  readonly name: string
  /** Whether people can be sent there: whether it knows us as a client. */
  readonly signsIn: boolean
  /** What `openid-client` needs. Rejects with UNAVAILABLE while the issuer cannot be reached. */
  configuration(): Promise<Configuration>
  /**
   * Who the access token speaks for, and until when it is good (milliseconds). Rejects with UNAUTHENTICATED for one that is
   * not the issuer's, not meant for us, is no access token or has expired, with UNAVAILABLE while its keys cannot be had.
   */
  verify(token: string): Promise<{ readonly claims: Claims; readonly expiresAt: number }>
}

export interface IssuerOptions {
  readonly issuer: string
  readonly name: string
  /** Whom an access token must be meant for; undefined: none is taken. */
  readonly audience: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly clock: Clock
  readonly log: Logger
  /** How long its keys are not fetched again for a token whose key is not known; 30 s unless told. */
  readonly cooldownMs?: number
}

/** Signatures that nobody can make who only knows what is public: no HMAC, and `none` least of all. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const CLOCK_TOLERANCE_S = 10
const TIMEOUT_MS = 5_000
const KEPT_MS = 60 * 60_000
const RETRY_MS = 2_000

interface Discovered {
  readonly configuration: Configuration
  readonly keys: RemoteJWKSet
  readonly atMs: number
}

export function createIssuer(options: IssuerOptions): Issuer {
  const { clock, log, audience, cooldownMs = 30_000 } = options
  const isSafe = new URL(options.issuer).protocol === 'https:'
  let known: Discovered | undefined
  let asking: Promise<Discovered> | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  let keysFailedAtMs = Number.NEGATIVE_INFINITY

  /** The failure that the log was told of last. */
  let told: unknown

  // Anybody can send a token of a key that is not known: nobody waits for each while the keys cannot be had.
  const fetchKeys: typeof fetch = (...asked) => {
    if (clock.monotonicMs() - keysFailedAtMs < RETRY_MS) return Promise.reject(notReached())
    return fetch(...asked)
  }

  const discover = async (): Promise<Discovered> => {
    const execute = [enableNonRepudiationChecks, ...(isSafe ? [] : [allowInsecureRequests])]
    const { clientId = audience ?? '', clientSecret } = options
    const authentication = clientSecret === undefined ? None() : undefined
    const configuration = await discovery(
      new URL(options.issuer),
      clientId,
      { clockTolerance: CLOCK_TOLERANCE_S, ...(clientSecret === undefined ? {} : { client_secret: clientSecret }) },
      authentication,
      { execute, timeout: TIMEOUT_MS / 1_000 },
    )
    const { jwks_uri } = configuration.serverMetadata()
    if (jwks_uri === undefined) throw new Error('the issuer names no jwks_uri')
    // The keys that were fetched stay good when the issuer is asked for its addresses anew.
    const same = known?.configuration.serverMetadata().jwks_uri === jwks_uri ? known.keys : undefined
    const keys =
      same ??
      createRemoteJWKSet(new URL(jwks_uri), {
        cooldownDuration: cooldownMs,
        timeoutDuration: TIMEOUT_MS,
        [customFetch]: fetchKeys,
      })
    return { configuration, keys, atMs: clock.monotonicMs() }
  }

  const notReached = () => unavailable(`${options.name} cannot be reached at the moment.`, RETRY_MS)
  const away = (err: unknown) => {
    // Of all who have waited for one answer it is told once.
    if (told !== err) log.warn({ err, issuer: options.issuer }, 'the issuer of sign-ins could not be asked')
    told = err
    return notReached()
  }

  const current = async (): Promise<Discovered> => {
    if (known !== undefined && clock.monotonicMs() - known.atMs < KEPT_MS) return known
    // Who comes while it is away does not wait for it once more each.
    if (clock.monotonicMs() - failedAtMs < RETRY_MS) {
      if (known !== undefined) return known
      throw notReached()
    }
    asking ??= discover().finally(() => {
      asking = undefined
    })
    try {
      known = await asking
      return known
    } catch (err) {
      failedAtMs = clock.monotonicMs()
      const failure = away(err)
      // What it said an hour ago is better than nothing.
      if (known !== undefined) return known
      throw failure
    }
  }

  const verified = async (
    token: string,
    meantFor: string,
    { configuration, keys }: Discovered,
  ): Promise<Pick<JWTVerifyResult, 'payload' | 'protectedHeader'>> => {
    const checks = {
      issuer: configuration.serverMetadata().issuer,
      audience: meantFor,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: clock.now(),
      requiredClaims: ['sub', 'exp'],
    }
    try {
      return await jwtVerify(token, keys, checks)
    } catch (err) {
      if (!(err instanceof errors.JWKSMultipleMatchingKeys)) throw err
      // It names no key, and several are of its kind.
      for await (const key of err) {
        try {
          return await jwtVerify(token, key, checks)
        } catch (failed) {
          if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed
        }
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
  }

  return {
    name: options.name,
    signsIn: options.clientId !== undefined,
    configuration: async () => (await current()).configuration,
    verify: async (token) => {
      if (audience === undefined) throw unauthenticated(`This server takes no tokens of ${options.name}.`)
      const discovered = await current()
      let found: Awaited<ReturnType<typeof verified>>
      try {
        found = await verified(token, audience, discovered)
      } catch (err) {
        const refusal = refusalOf(err)
        if (refusal !== undefined) throw refusal
        keysFailedAtMs = clock.monotonicMs()
        throw away(err)
      }
      if (!isAccessToken(found)) throw unauthenticated('This is no access token: send one that is made for this API.')
      const expiresAt = (found.payload.exp ?? 0) * 1_000
      if (expiresAt > LAST_MS) throw unauthenticated(NOT_VALID)
      return { claims: claimsOf(found.payload), expiresAt }
    },
  }
}

/** What stands in ID tokens only, or says that somebody was signed out: about a person, but not from one. */
const OF_OTHER_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events']

/**
 * Whether a token is made to be sent to an API. RFC 9068 has it say so (`at+jwt`), and many issuers do not follow it yet; an
 * ID token tells a client who has signed in, and is in many more hands. Its own marks are asked for besides the audience,
 * which may be that of another client.
 */
function isAccessToken({ payload, protectedHeader }: Pick<JWTVerifyResult, 'payload' | 'protectedHeader'>): boolean {
  const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt'
  if (type === 'at+jwt') return true
  // Keycloak says within what it is.
  return type === 'jwt' && payload.typ !== 'ID' && OF_OTHER_TOKENS.every((claim) => payload[claim] === undefined)
}

const NOT_VALID = 'This token is not valid here.'

/** The last moment that is a date here. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Undefined where it is not the token that is at fault. */
function refusalOf(err: unknown) {
  if (isAppError(err)) return err
  if (err instanceof errors.JWTExpired) return unauthenticated('This token has expired.')
  const ofKeys = [errors.JWKSTimeout, errors.JWKSInvalid, errors.JWKInvalid]
  if (!(err instanceof errors.JOSEError) || ofKeys.some((kind) => err instanceof kind)) return undefined
  // Said of an answer that holds no keys: the issuer's, not the caller's.
  return err.code === errors.JOSEError.code ? undefined : unauthenticated(NOT_VALID)
}

const MAX_SUBJECT_LENGTH = 255

/** What the database cannot tell from others: a zero byte, halves of letters, and what stands where one could not be read. */
const UNREADABLE = /[\0\ufffd\p{Cs}]/u

/** What the claims of a verified token say about its person. Throws UNAUTHENTICATED for a subject that can be nobody's. */
export function claimsOf(payload: Readonly<Record<string, unknown>>): Claims {
  const { iss, sub, email, email_verified, name, preferred_username } = payload
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value.trim() !== '' && !/\0/.test(value) ? value.trim().slice(0, 320) : undefined
  if (
    typeof iss !== 'string' ||
    typeof sub !== 'string' ||
    sub === '' ||
    sub.length > MAX_SUBJECT_LENGTH ||
    UNREADABLE.test(sub)
  ) {
    throw unauthenticated(NOT_VALID)
  }
  return {
    issuer: iss,
    subject: sub,
    email: text(email),
    // A text "true" is said by issuers that let people write their claims themselves.
    emailVerified: email_verified === true && text(email) !== undefined,
    name: text(name) ?? text(preferred_username),
  }
}
