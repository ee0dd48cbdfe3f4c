import { createHash } from 'node:crypto'
import { type Selectable, sql, type UpdateObject } from 'kysely'
import type { Database } from '../../platform/db/database.ts'
import type { Tables } from '../../platform/db/tables.ts'
import { dealWithDue } from '../../platform/durable/due-items.ts'
import type { Clock } from '../../platform/lib/clock.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Mailer } from '../mail/mailer.ts'
import { isEffectKey } from '../runs/service.ts'
import { documentOfAccount, type PartOfAccount } from './account.ts'
import { nobodyElses } from './former-addresses.ts'
import type { Counts } from './model.ts'
import { backOffMs, inMs } from './record.ts'

/*
 * The end of an account's erasure: all its workspaces have certified theirs. The certificate is made and kept, so that it is
 * the same however often it is sent; what was mailed to the person before is removed; it goes to them; and their address is
 * forgotten. A process that dies between the last two has it sent once more, under the same key.
 */

export interface AccountErasureMeans {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly mailer: Pick<Mailer, 'send' | 'forgetTo'>
}

type Row = Selectable<Tables['accountErasure']> & { readonly isLate: boolean }

const DUE_AT_ONCE = 10
/** An address that takes no mail for so long after the request is forgotten all the same. */
const GIVEN_UP_MS = 24 * 3_600_000
/** Until the workspaces are looked at again: the longer they have taken, the longer it may take. */
const inAWhile = sql<Date>`clock_timestamp()
  + greatest(interval '1 second', least(interval '10 minutes', (clock_timestamp() - requested_at) / 10))`

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
  const row = await means.db.systemSql
    .selectFrom('accountErasure')
    .selectAll()
    .select(sql<boolean>`requested_at < now() - ${GIVEN_UP_MS} * interval '1 millisecond'`.as('isLate'))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (row.email === null) return false
  try {
    return await takeSteps(means, row, row.email)
  } catch (err) {
    await setBack(means.db, row)
    throw err
  }
}

/** The person is told last of all: nothing that can go wrong comes after it, and they are told once. */
async function takeSteps(means: AccountErasureMeans, row: Row, email: string): Promise<boolean> {
  const { db, mailer } = means
  const { id } = row
  const document = row.document ?? (await certifyAccount(means, row))
  if (document === null) {
    await change(db, id, { nextTryAt: inAWhile })
    return false
  }
  const former = (row.formerEmails ?? []) as readonly string[]
  // What is mailed there is somebody else's, where they have the address by now.
  for (const address of [email, ...(await nobodyElses(db.systemSql, row.accountId, former))]) {
    await mailer.forgetTo(address, (key) => !isEffectKey(key) && key !== keyOf(id))
  }
  if (!(await tell(means, row, email, document))) return false
  await change(db, id, { status: 'SUCCEEDED', email: null, formerEmails: null })
  return true
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
  { db, log, mailer }: AccountErasureMeans,
  row: Row,
  address: string,
  document: string,
): Promise<boolean> {
  const { id, isLate } = row
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
    if (isLate) return true
    await setBack(db, row)
    return false
  }
}

const keyOf = (id: string): string => `account-erased-${id}`
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Each time later than before. */
const setBack = (db: Database, { id, attempts }: Row) =>
  change(db, id, { attempts: attempts + 1, nextTryAt: inMs(backOffMs(attempts)) })

const change = (db: Database, id: string, columns: UpdateObject<Tables, 'accountErasure'>) =>
  db.systemSql.updateTable('accountErasure').set(columns).where('id', '=', id).execute()
