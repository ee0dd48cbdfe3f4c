import { z } from 'zod'
import { normaliseEmail } from '../contacts/model.ts'

/*
 * A mail server of a workspace's own: mail of its employees leaves through it instead of through the server's. There is one at
 * most; connecting another replaces it. Its password is sealed beside where it goes (`sealedBeside`): whoever could change the
 * row could not have the password sent elsewhere.
 */

export const MAIL_SECURITIES = ['TLS', 'STARTTLS', 'NONE'] as const
export type MailSecurity = (typeof MAIL_SECURITIES)[number]

const host = z
  .string()
  .trim()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._:-]+$/, 'Write the name of a host, as smtp.example.com, or its address.')
const account = z
  .string()
  .trim()
  .min(1)
  .max(255)
  // What cannot be shown ends a line of the protocol.
  .regex(/^[^\p{Cc}]+$/u, 'A user name is one line.')

export const connectMailServerInput = z
  .object({
    host,
    port: z.int().min(1).max(65_535),
    security: z
      .enum(MAIL_SECURITIES)
      .nullish()
      .transform((given) => given ?? 'TLS'),
    username: account.nullish(),
    password: z
      .string()
      .min(1)
      .max(1_000)
      .regex(/^[^\p{Cc}]+$/u, 'A password is one line.')
      .nullish(),
    from: z
      .string()
      .trim()
      .refine((text) => normaliseEmail(text) !== undefined, {
        message: 'This is no e-mail address.',
        params: { code: 'INVALID_FORMAT' },
      })
      .nullish(),
  })
  .superRefine(({ username, password }, ctx) => {
    if ((username == null) === (password == null)) return
    const path = [username == null ? 'username' : 'password']
    ctx.addIssue({
      code: 'custom',
      path,
      params: { code: 'REQUIRED' },
      message: 'A user name and a password go together.',
    })
  })
export type ConnectMailServerInput = z.output<typeof connectMailServerInput>

export const disconnectMailServerInput = z.object({ ifHost: z.string().max(253).nullish() })
export type DisconnectMailServerInput = z.output<typeof disconnectMailServerInput>

/** Where a mail server is, and how one signs in there. */
export interface ServerPlace {
  readonly host: string
  readonly port: number
  readonly security: MailSecurity
  readonly username: string | null
}

/** What the password is bound to. */
export const sealedBeside = ({ host: name, port, security, username }: ServerPlace): readonly string[] => [
  name,
  String(port),
  security,
  username ?? '',
]
