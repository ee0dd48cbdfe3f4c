// Who came back from the issuer while somebody else was signed in here, until that one says whether to change over.

import { z } from 'zod'
import { sealedCookie } from './sealed-cookie.ts'

const arrival = z.object({
  claims: z.object({
    issuer: z.string(),
    subject: z.string(),
    email: z.string().optional(),
    emailVerified: z.boolean(),
    name: z.string().optional(),
  }),
  next: z.string().optional(),
  invite: z.string().optional(),
  /** The session of who was signed in: nobody else is asked. */
  asked: z.string(),
})

export type Arrival = z.output<typeof arrival>

export const arrivalCookie = sealedCookie<Arrival>('arrival', arrival)
