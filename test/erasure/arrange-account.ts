import { createAccount } from '../../src/domains/accounts/accounts.ts'
import { createAccountMeans } from '../../src/domains/accounts/means.ts'
import { openSession } from '../../src/domains/accounts/sessions.ts'
import { createContact } from '../../src/domains/contacts/service.ts'
import { type ErasedAccount, eraseAccount } from '../../src/domains/erasures/account.ts'
import type { AccountErasureMeans } from '../../src/domains/erasures/service.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import { addMember } from '../../src/domains/workspaces/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { NO_WORKSPACE } from '../../src/platform/graphql/context-factory.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import type { Office } from '../agent/arrange.ts'
import { systemContext, testLog } from '../support/context.ts'
import type { Whom } from './arrange.ts'

const mailerOf = (office: Office) => createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' })

/** What ends the erasures of accounts, with mail into the office's folder. */
export const endMeans = (office: Office, db: Database): AccountErasureMeans => ({
  db,
  clock: systemClock,
  log: testLog,
  mailer: mailerOf(office),
})

/** Somebody who signs in and is a member of the office, with a key and something they did; erases themselves when told to. */
export async function personIn(office: Office, db: Database, whom: Whom): Promise<{ erase(): Promise<ErasedAccount> }> {
  const { email, name } = whom
  const accounts = createAccountMeans({
    db,
    clock: systemClock,
    log: testLog,
    mailer: mailerOf(office),
    signUp: 'open',
    publicUrl: () => 'http://cadre.example',
    tellLinks: false,
  })
  const ctx = { ...systemContext(db, NO_WORKSPACE), accounts }
  const workspaceId = office.id
  const { accountId, sessionId, memberId } = await db.inAccountTransaction(ctx, async (tx) => {
    const { id: accountId } = await createAccount(tx, { email, name, passwordHash: null, emailVerified: true })
    const inside = tx.within({ workspaceId, viewer: { kind: 'system' } })
    const { id: memberId } = await addMember(inside, { email, name, role: 'MEMBER' })
    await inside.sql.updateTable('member').set({ accountId }).where('id', '=', memberId).execute()
    const { sessionId } = await openSession(tx, { accountId, kind: 'BROWSER', workspaceId })
    return { accountId, sessionId, memberId }
  })
  const viewer = {
    kind: 'member',
    memberId,
    accountId,
    sessionId,
    name,
    permissions: new Set(['CONTACTS_WRITE'] as const),
  }
  const origin = { requestId: 'theirs', address: '203.0.113.7' }
  await office.do((tx) =>
    issueApiKey(tx, { memberId, name: `${name}’s`, permissions: [], environment: 'TEST', expiresAt: null }),
  )
  await db.inTransaction({ ...systemContext(db, workspaceId), viewer: viewer as never, origin }, (tx) =>
    createContact(tx, { name: 'A heron' }),
  )
  const asked = { ...ctx, viewer: viewer as never, origin }
  return { erase: () => db.inAccountTransaction(asked, (tx) => eraseAccount(tx, { passwordChangedAt: null })) }
}
