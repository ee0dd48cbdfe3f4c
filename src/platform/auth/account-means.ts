import { unavailable } from '../lib/errors.ts'
import type { AccessTokens } from './access-token.ts'
import type { Passwords } from './passwords.ts'
import type { SignInThrottle } from './sign-in-throttle.ts'

/** Who may make an account: anybody, or only who was invited. */
export const SIGN_UP_POLICIES = ['open', 'invited'] as const
export type SignUpPolicy = (typeof SIGN_UP_POLICIES)[number]

/** A mail to a person about their account. */
export interface AccountMail {
  /** Letters, digits, dots and dashes; the same mail has the same. */
  readonly key: string
  readonly to: { readonly name: string | null; readonly address: string }
  readonly subject: string
  /** Plain text, the link included. */
  readonly body: string
  /** Where the mail leads to: told to the log where mail becomes files, for who develops. */
  readonly link: string
}

/** An issuer of OpenID Connect where people sign in besides. */
export interface SignInIssuer {
  /** As its tokens call it. */
  readonly url: string
  /** What people call it. */
  readonly name: string
}

/** What signing people in takes and lives as long as the process. */
export interface AccountMeans {
  readonly passwords: Passwords
  readonly accessTokens: AccessTokens
  readonly throttle: SignInThrottle
  readonly signUp: SignUpPolicy
  /** Undefined where nobody is sent to an issuer. */
  readonly issuer: SignInIssuer | undefined
  /** Where people reach this server, without a slash at the end. From the settings and never from a request. */
  publicUrl(): string
  /** What successors of refresh tokens are derived with; the same for all processes on one database. */
  refreshKey(): Promise<string>
  /** What makes its bearer the first person; good while there is no account. */
  setupToken(): Promise<string>
  /** Sends a mail, some time; a fault is logged. */
  mail(mail: AccountMail): void
  /** Does something after the answer, a few at a time; a fault is logged. What is too much is not done. */
  later(what: string, work: () => Promise<void>): void
  /** Waits for what was begun. */
  close(): Promise<void>
}

/** What signing people in takes. Throws UNAVAILABLE where this process does not do it. */
export function accountMeansOf({ accounts }: { readonly accounts?: AccountMeans | undefined }): AccountMeans {
  if (accounts === undefined) throw unavailable('Nobody signs in here.')
  return accounts
}
