// What must be known again when a person comes back from the issuer, kept in their own browser: sealed, so that nobody
// reads or writes it, for ten minutes, and taken away when it was used. Whoever comes back in another browser than went
// away has none, and is refused: a code that somebody else was given cannot be laid under anybody.

import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { EncryptJWT, jwtDecrypt } from 'jose'
import { z } from 'zod'
import { type CookiePlace, clearCookie, readCookie, setCookie } from '../platform/http/cookies.ts'
import type { Exchange } from '../platform/http/router.ts'

/** A way to the issuer and back. */
export interface Flow {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** Where to go on when it is done: a path of ours. */
  readonly next?: string | undefined
  /** The invite that brought them. */
  readonly invite?: string | undefined
  /** Of a person who is signed in and wants to connect their account: their session. */
  readonly connect?: string | undefined
}

const flow = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string().optional(),
  invite: z.string().optional(),
  connect: z.string().optional(),
})

const COOKIE = 'cadre_flow'
const KEPT_S = 600
const SEAL = { alg: 'dir', enc: 'A256GCM' } as const

const keyOf = (secret: string): Uint8Array => createHash('sha256').update(`flow ${secret}`).digest()

export async function keepFlow(
  response: ServerResponse,
  kept: Flow,
  secret: string,
  place: CookiePlace,
): Promise<void> {
  const now = Math.floor(Date.now() / 1_000)
  const sealed = await new EncryptJWT({ ...kept })
    .setProtectedHeader(SEAL)
    .setIssuedAt(now)
    .setExpirationTime(now + KEPT_S)
    .encrypt(keyOf(secret))
  setCookie(response, COOKIE, sealed, { ...place, maxAgeS: KEPT_S })
}

/** The flow that this browser is on, which is over with that; undefined for none, an old one, and one that is not ours. */
export async function takeFlow(
  { request, response }: Exchange,
  secret: string,
  place: CookiePlace,
): Promise<Flow | undefined> {
  const sealed = readCookie(request, COOKIE, place)
  if (sealed === undefined) return undefined
  clearCookie(response, COOKIE, place)
  try {
    const { payload } = await jwtDecrypt(sealed, keyOf(secret), {
      keyManagementAlgorithms: [SEAL.alg],
      contentEncryptionAlgorithms: [SEAL.enc],
      requiredClaims: ['exp'],
    })
    return flow.parse(payload)
  } catch {
    return undefined
  }
}
