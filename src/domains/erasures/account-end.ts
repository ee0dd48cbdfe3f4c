import { createHash } from 'node:crypto'
import { type Selectable, sql, type Updateable } from 'kysely'
import type { Database } from '../../platform/db/database.ts'
import type { Tables } from '../../platform/db/tables.ts'
import { dealWithDue } from '../../platform/durable/due-items.ts'
import type { Clock } from '../../platform/lib/clock.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Mailer } from '../mail/mailer.ts'
import { isEffectKey } from '../runs/service.ts'
import { documentOfAccount, type PartOfAccount } from './account.ts'
import type { Counts } from './model.ts'
import { isAnyText } from './provenance.ts'
import { backOffMs } from './record.ts'

/*
 * The end of an account's erasure: all its workspaces have certified theirs. The certificate is made and kept, so that it is
 * the same however often it is sent; it goes to the person; and their address is forgotten. A process that dies between the
 * last two has it sent once more, under the same key.
 */

export interface AccountErasureMeans {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly mailer: Pick<Mailer, 'send' | 'forgetTo'>
}

type Row = Selectable<Tables['accountErasure']>

const DUE_AT_ONCE = 10
/** Until the workspaces are looked at again. */
const WAIT_MS = 1_000
/** An address that takes no mail for so long is forgotten all the same. */
const GIVEN_UP_MS = 24 * 3_600_000

/** One pass over those that are under way; returns how many came to their end. */
export function sweepAccountErasures(means: AccountErasureMeans): Promise<number> {
  const { db, log } = means
  const due = (seen: readonly string[]) =>
    db.systemSql
      .selectFrom('accountErasure')
      .select('id')
      .where('status', '!=', 'SUCCEEDED')
      .where('nextTryAt', '<=', sql<Date>`now()`)
      .$if(seen.length > 0, (query) => query.where('id', 'not in', seen))
      .orderBy('nextTryAt')
      .limit(DUE_AT_ONCE)
      .execute()
  return dealWithDue({ log, find: due, deal: ({ id }) => bringToEnd(means, id) })
}

async function bringToEnd(means: AccountErasureMeans, id: string): Promise<boolean> {
  const { db } = means
  const row = await db.systemSql.selectFrom('accountErasure').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  if (row.email === null) return false
  const document = row.document ?? (await certifyAccount(means, row))
  if (document === null) {
    await change(db, id, { nextTryAt: later(means.clock, WAIT_MS) })
    return false
  }
  if (!(await tell(means, row, row.email, document))) return false
  for (const address of [row.email, ...(await formerEmailsOf(db, row))]) {
    await means.mailer.forgetTo(address, (key) => !isEffectKey(key) && key !== keyOf(id))
  }
  await change(db, id, { status: 'SUCCEEDED', email: null, formerEmails: null })
  return true
}

/** Without those with which somebody else signs in by now: what is mailed there is theirs. */
async function formerEmailsOf(db: Database, { formerEmails }: Row): Promise<readonly string[]> {
  const former = (formerEmails ?? []) as readonly string[]
  const taken = await db.systemSql
    .selectFrom('account')
    .select('emailFolded')
    .where(isAnyText('emailFolded', former))
    .execute()
  return former.filter((email) => !taken.some(({ emailFolded }) => emailFolded === email))
}

/** Null while a workspace has not certified its part. */
async function certifyAccount({ db, clock }: AccountErasureMeans, row: Row): Promise<string | null> {
  const parts = row.erasures as unknown as readonly PartOfAccount[]
  const workspaces: (PartOfAccount & { counts: Counts; digest: string })[] = []
  for (const part of parts) {
    const { counts, digest } = await db.systemSql
      .selectFrom('erasure')
      .select(['counts', 'digest'])
      .where('workspaceId', '=', part.workspaceId)
      .where('id', '=', part.erasureId)
      .executeTakeFirstOrThrow()
    if (digest === null) return null
    workspaces.push({ ...part, counts: counts as Counts, digest })
  }
  const finishedAt = clock.now()
  const { id, accountId, requestedAt, counts } = row
  const document = documentOfAccount({ id, accountId, requestedAt, finishedAt, counts: counts as Counts, workspaces })
  await change(db, id, { document, digest: sha256(document), finishedAt })
  return document
}

/** Whether that is over: it was sent, or was tried for long enough. */
async function tell(
  { db, clock, log, mailer }: AccountErasureMeans,
  { id, finishedAt, attempts }: Row,
  address: string,
  document: string,
): Promise<boolean> {
  const body = [
    'Your account on Cadre and what named you in its workspaces were erased. What you did there is told of a member without a name.',
    'This is the certificate, of ids and figures alone:',
    document,
    `Its SHA-256: ${sha256(document)}`,
    'This was the last mail to this address: it is not known any more.',
  ].join('\n\n')
  const mail = {
    from: { name: 'Cadre', address: null },
    to: { name: null, address },
    subject: 'Your account was erased',
    body,
  }
  try {
    await mailer.send(mail, keyOf(id))
    return true
  } catch (err) {
    log.warn({ err, accountErasure: id }, 'the certificate of an erased account could not be sent')
    if (finishedAt !== null && clock.now().getTime() - finishedAt.getTime() > GIVEN_UP_MS) return true
    await change(db, id, { attempts: attempts + 1, nextTryAt: later(clock, backOffMs(attempts)) })
    return false
  }
}

const keyOf = (id: string): string => `account-erased-${id}`
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const later = (clock: Clock, ms: number): Date => new Date(clock.now().getTime() + ms)

const change = (db: Database, id: string, columns: Updateable<Tables['accountErasure']>) =>
  db.systemSql.updateTable('accountErasure').set(columns).where('id', '=', id).execute()
