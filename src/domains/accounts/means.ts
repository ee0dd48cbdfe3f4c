import { createAccessTokens } from '../../platform/auth/access-token.ts'
import type { AccountMail, AccountMeans, SignUpPolicy } from '../../platform/auth/account-means.ts'
import { createPasswords, type Passwords } from '../../platform/auth/passwords.ts'
import { createSignInThrottle } from '../../platform/auth/sign-in-throttle.ts'
import type { Database } from '../../platform/db/database.ts'
import { serverSecret } from '../../platform/db/server-secret.ts'
import type { Clock } from '../../platform/lib/clock.ts'
import { Slots } from '../../platform/lib/slots.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Mailer } from '../mail/mailer.ts'
import { plainName } from '../mail/plain-name.ts'

export interface AccountMeansOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly mailer: Mailer
  readonly signUp: SignUpPolicy
  /** Where people sign in besides, if they are sent there: if it knows us as a client. None unless given. */
  readonly issuer?:
    | { readonly issuer: string; readonly name: string; readonly clientId: string | undefined }
    | undefined
  /** See `AccountMeans.publicUrl`. */
  readonly publicUrl: () => string
  /** Whether links in mail that becomes a file are told to the log: for who develops. */
  readonly tellLinks: boolean
  readonly passwords?: Passwords
}

const AT_ONCE = 4
const WAITING = 1_000

/** What signing people in takes, made once for the process. */
export function createAccountMeans(options: AccountMeansOptions): AccountMeans {
  const { db, clock, log, mailer, publicUrl, issuer } = options
  const slots = new Slots(AT_ONCE)
  const begun = new Set<Promise<void>>()

  const once = (name: string, shape: (secret: string) => string = (secret) => secret) => {
    let found: Promise<string> | undefined
    return () => {
      found ??= serverSecret(db, name).then(shape)
      // A look-up that failed is not an answer.
      found.catch(() => {
        found = undefined
      })
      return found
    }
  }

  const later = (what: string, work: () => Promise<void>): void => {
    if (slots.waiting >= WAITING) {
      log.warn({ what }, 'too much waits to be done: this is not')
      return
    }
    const doing = slots
      .with(work)
      .catch((err: unknown) => log.error({ err, what }, 'what should follow an answer failed'))
    begun.add(doing)
    void doing.finally(() => begun.delete(doing))
  }

  const send = async ({ key, to: { name, address }, subject, body, link }: AccountMail): Promise<void> => {
    const to = { name: name === null ? null : plainName(name), address }
    const sent = await mailer.send({ from: { name: 'Cadre', address: null }, to, subject, body }, key)
    if (sent.via === 'FILE' && options.tellLinks) log.info({ link }, `mail for ${to.address}: ${subject}`)
  }

  return {
    passwords: options.passwords ?? createPasswords(),
    accessTokens: createAccessTokens({ db, clock }),
    throttle: createSignInThrottle(db.system),
    signUp: options.signUp,
    issuer: issuer?.clientId === undefined ? undefined : { url: issuer.issuer, name: issuer.name },
    publicUrl,
    refreshKey: once('refresh-token'),
    setupToken: once('setup-token', (secret) => `cadre_setup_${secret}`),
    mail: (mail) => later(`mail: ${mail.subject}`, () => send(mail)),
    later,
    close: async () => {
      while (begun.size > 0) await Promise.all(begun)
    },
  }
}
