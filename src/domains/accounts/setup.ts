import type { AccountMeans } from '../../platform/auth/account-means.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import { isUnclaimed } from './sign-in.ts'

export interface SetupOptions {
  readonly db: Database
  readonly log: Logger
  readonly accounts: AccountMeans
}

/**
 * Where a server is by invitation and nobody has an account yet, tells the log how the first person signs up. Every process
 * and every start tells the same link; it is worth nothing from the first account on.
 */
export async function announceSetup({ db, log, accounts }: SetupOptions): Promise<void> {
  if (accounts.signUp === 'open' || !(await isUnclaimed({ db }))) return
  const link = `${accounts.publicUrl()}/sign-up?invite=${await accounts.setupToken()}`
  log.info({ link }, 'nobody has an account here yet: sign up with this link to own the server’s first workspace')
}
