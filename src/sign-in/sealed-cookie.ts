// What must be known again when a browser comes back, kept in the browser itself: sealed, so that nobody reads or writes it,
// for ten minutes, and taken away when it was used.

import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { z } from 'zod'
import { type CookiePlace, clearCookie, readCookie, setCookie } from '../platform/http/cookies.ts'
import type { Exchange } from '../platform/http/router.ts'

export interface SealedCookie<Kept> {
  /** `secret` is what it is sealed with: the same in every process. */
  keep(response: ServerResponse, kept: Kept, secret: string, place: CookiePlace): Promise<void>
  /** What this browser has kept, which is over with that; undefined for nothing, an old one, and one that is not ours. */
  take(exchange: Exchange, secret: string, place: CookiePlace): Promise<Kept | undefined>
}

const KEPT_S = 600
const SEAL = { alg: 'dir', enc: 'A256GCM' } as const

/** `purpose` sets its key apart: what was sealed for one is nothing to another. */
export function sealedCookie<Kept extends Readonly<Record<string, unknown>>>(
  purpose: string,
  schema: z.ZodType<Kept>,
): SealedCookie<Kept> {
  const name = `cadre_${purpose}`
  const keyOf = (secret: string): Uint8Array => createHash('sha256').update(`${purpose} ${secret}`).digest()
  return {
    async keep(response, kept, secret, place) {
      const now = Math.floor(Date.now() / 1_000)
      const sealed = await new EncryptJWT({ ...kept })
        .setProtectedHeader(SEAL)
        .setIssuedAt(now)
        .setExpirationTime(now + KEPT_S)
        .encrypt(keyOf(secret))
      setCookie(response, name, sealed, { ...place, maxAgeS: KEPT_S })
    },
    async take({ request, response }, secret, place) {
      const sealed = readCookie(request, name, place)
      if (sealed === undefined) return undefined
      clearCookie(response, name, place)
      try {
        const { payload } = await jwtDecrypt(sealed, keyOf(secret), {
          keyManagementAlgorithms: [SEAL.alg],
          contentEncryptionAlgorithms: [SEAL.enc],
          requiredClaims: ['exp'],
        })
        return schema.parse(payload)
      } catch {
        return undefined
      }
    },
  }
}
