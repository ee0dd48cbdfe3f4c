// What must be known again when a person comes back from the issuer. Whoever comes back in another browser than went away has
// none, and is refused: a code that somebody else was given cannot be laid under anybody.

import { z } from 'zod'
import { sealedCookie } from './sealed-cookie.ts'

const flow = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Where to go on when it is done: a path of ours. */
  next: z.string().optional(),
  /** The invite that brought them. */
  invite: z.string().optional(),
  /** Of a person who is signed in and wants to connect their account: their session, and what they were confirmed by. */
  connect: z.object({ sessionId: z.string(), passwordChangedAt: z.coerce.date().nullable() }).optional(),
})

/** A way to the issuer and back. */
export type Flow = z.output<typeof flow>

export const flowCookie = sealedCookie<Flow>('flow', flow)
