import { sql } from 'kysely'
import type { Tx } from '../../platform/db/transaction.ts'
import { AppError } from '../../platform/lib/errors.ts'
import type { FormLimits } from '../forms/model.ts'
import type { RejectionReason } from './model.ts'

/*
 * Limits of a form, counted over what it has accepted. Two submissions of one sender that arrive at once must not both
 * find room for one, so a sender's submissions to a form pass one after the other, under advisory locks that live as
 * long as the transaction. Nobody waits for a lock inside a transaction: one sender who posts two hundred at once would
 * hold every connection of the pool. Who does not get it is told to come again. Other senders are not held up, and a
 * form whose limits are off takes no lock and counts nothing.
 */

const HOUR_MS = 60 * 60 * 1000
const MINUTE_MS = 60 * 1000

const BUSY_RETRY_MS = 1_000

/** Another submission of this sender is being looked at; a moment later this one can be. */
export class SenderBusy extends AppError {
  constructor() {
    const message = 'Something else from you is being taken in at this moment. Please send it once more.'
    super('UNAVAILABLE', message, { retryAfterMs: BUSY_RETRY_MS })
  }
}

/** Who sends: without either, nothing can be counted. */
export interface Sender {
  readonly addressHash: string | undefined
  readonly emailNormalised: string | undefined
}

export interface Rejection {
  readonly reason: RejectionReason
  /** When the same would be let through; 0 where waiting does not help. */
  readonly retryAfterMs: number
}

interface Counted {
  readonly perAddress: number | null
  readonly perEmail: number | null
  readonly duplicatesSince: Date | null
}

function countedFor(limits: FormLimits, sender: Sender, now: Date): Counted | null {
  const { addressHash, emailNormalised } = sender
  const perAddress = addressHash === undefined ? null : limits.perAddressPerHour
  const perEmail = emailNormalised === undefined ? null : limits.perEmailPerHour
  const known = addressHash !== undefined || emailNormalised !== undefined
  const duplicatesSince =
    known && limits.duplicateWindowMinutes > 0
      ? new Date(now.getTime() - limits.duplicateWindowMinutes * MINUTE_MS)
      : null
  return perAddress === null && perEmail === null && duplicatesSince === null
    ? null
    : { perAddress, perEmail, duplicatesSince }
}

/** What the locked look found: a reason to refuse, or a submission with this id that came in meanwhile. */
export type LimitFindings = { readonly rejection: Rejection } | { readonly idTaken: true } | null

/**
 * Holds the sender's next submission against the form's limits. Two statements (the locks, then one look that sees all
 * that they waited for), none when nothing applies. A repetition of a submission by its id is not counted: it is
 * reported as such. Throws SenderBusy (UNAVAILABLE) while another submission of the sender is being looked at.
 */
export async function checkLimits(
  tx: Tx,
  formId: string,
  limits: FormLimits,
  sender: Sender,
  submission: { readonly id: string; readonly inputHash: string },
): Promise<LimitFindings> {
  const counted = countedFor(limits, sender, tx.now)
  if (counted === null) return null
  await lockSender(tx, formId, sender)
  const hourAgo = new Date(tx.now.getTime() - HOUR_MS)
  const row = await tx.sql
    .selectNoFrom((eb) => {
      const accepted = () => eb.selectFrom('submission').where('formId', '=', formId).orderBy('receivedAt', 'desc')
      const nothing = sql<Date | null>`null::timestamptz`
      // The limit's worth of submissions ago: if that was within the hour, the hour is full.
      const fullSince = (column: 'addressHash' | 'emailNormalised', value: string | undefined, limit: number | null) =>
        value === undefined || limit === null
          ? nothing
          : accepted()
              .select('receivedAt')
              .where(column, '=', value)
              .where('receivedAt', '>', hourAgo)
              .offset(limit - 1)
              .limit(1)
      const { addressHash, emailNormalised } = sender
      const [column, value] =
        emailNormalised === undefined
          ? (['addressHash', addressHash ?? ''] as const)
          : (['emailNormalised', emailNormalised] as const)
      return [
        eb.selectFrom('submission').select('id').where('id', '=', submission.id).as('taken'),
        fullSince('addressHash', addressHash, counted.perAddress).$castTo<Date | null>().as('addressFullSince'),
        fullSince('emailNormalised', emailNormalised, counted.perEmail).$castTo<Date | null>().as('emailFullSince'),
        (counted.duplicatesSince === null
          ? nothing
          : accepted()
              .select('receivedAt')
              .where(column, '=', value)
              .where('receivedAt', '>', counted.duplicatesSince)
              .where('inputHash', '=', submission.inputHash)
              .limit(1)
        )
          .$castTo<Date | null>()
          .as('duplicateAt'),
      ]
    })
    .executeTakeFirstOrThrow()
  if (row.taken !== null) return { idTaken: true }
  if (row.duplicateAt !== null) return { rejection: { reason: 'DUPLICATE', retryAfterMs: 0 } }
  const wait = (since: Date): number => Math.max(1_000, since.getTime() + HOUR_MS - tx.now.getTime())
  if (row.addressFullSince !== null) {
    return { rejection: { reason: 'ADDRESS_LIMIT', retryAfterMs: wait(row.addressFullSince) } }
  }
  if (row.emailFullSince !== null) {
    return { rejection: { reason: 'EMAIL_LIMIT', retryAfterMs: wait(row.emailFullSince) } }
  }
  return null
}

async function lockSender(tx: Tx, formId: string, sender: Sender): Promise<void> {
  const keys = [
    ...(sender.addressHash === undefined ? [] : [`address ${sender.addressHash}`]),
    ...(sender.emailNormalised === undefined ? [] : [`email ${sender.emailNormalised}`]),
  ].map((key) => `submission ${tx.workspaceId} ${formId} ${key}`)
  const { rows } = await sql<{ got: boolean }>`
    select bool_and(pg_try_advisory_xact_lock(hashtextextended(key, 0))) as got from unnest(${keys}::text[]) as k(key)
  `.execute(tx.sql)
  if (rows[0]?.got !== true) throw new SenderBusy()
}
