import { type Kysely, type SqlBool, sql } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import type { RunStatus } from '../runs/model.ts'
import type { Traces } from './model.ts'

/*
 * What came of a person: what they sent, the deals that are about them, the runs that worked on either; and single turns of
 * other people's runs that did something to them, such as writing to them.
 */

export interface Person {
  readonly contactId: string
  readonly requestedAt: Date
  readonly traces: Traces
}

export interface Provenance {
  readonly submissions: readonly string[]
  readonly deals: readonly string[]
  readonly runs: readonly RunOf[]
}

export interface RunOf {
  readonly id: string
  readonly status: RunStatus
  readonly segment: number
  readonly erasedAt: Date | null
}

export async function findProvenance(tables: Kysely<Tables>, { contactId }: Person): Promise<Provenance> {
  const submissions = await tables.selectFrom('submission').select('id').where('contactId', '=', contactId).execute()
  const submissionIds = submissions.map(({ id }) => id)
  const deals = await tables
    .selectFrom('deal')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('contactId', '=', contactId),
        ...(submissionIds.length === 0
          ? []
          : [eb.and([eb('contactId', 'is', null), eb('submissionId', 'in', submissionIds)])]),
      ]),
    )
    .execute()
  const dealIds = deals.map(({ id }) => id)
  const runs =
    submissionIds.length === 0 && dealIds.length === 0
      ? []
      : await tables
          .selectFrom('run')
          .select(['id', 'status', 'segment', 'erasedAt'])
          .where((eb) =>
            eb.or([
              ...(submissionIds.length === 0 ? [] : [eb('submissionId', 'in', submissionIds)]),
              ...(dealIds.length === 0 ? [] : [eb('dealId', 'in', dealIds)]),
            ]),
          )
          .orderBy('id')
          .execute()
  // The database checks what a status may be.
  return { submissions: submissionIds, deals: dealIds, runs: runs as readonly RunOf[] }
}

/** A turn of somebody else's run in which something was done to the person, or was to be done. */
export interface Visit {
  readonly runId: string
  readonly turn: number
  readonly status: RunStatus
}

/** Those that still say something: an emptied one is not found again. */
export async function findVisits(tables: Kysely<Tables>, person: Person): Promise<readonly Visit[]> {
  const { contactId, requestedAt, traces } = person
  const publicId = encodeId('contact', contactId)
  const names = (column: string) => sql<SqlBool>`${sql.ref(column)} ->> 'contact' = ${publicId}`
  const acts = await tables
    .selectFrom('effect')
    .innerJoin('run', 'run.id', 'effect.runId')
    .select(['effect.runId', 'effect.turn', 'run.status'])
    .distinct()
    .where('run.erasedAt', 'is', null)
    .where('effect.createdAt', '<=', requestedAt)
    .where((eb) =>
      eb.or([
        ...(traces.emails.length === 0 ? [] : [eb('effect.target', 'in', [...traces.emails])]),
        names('effect.result'),
      ]),
    )
    .execute()
  const asked = await tables
    .selectFrom('approval')
    .innerJoin('run', 'run.id', 'approval.runId')
    .select(['approval.runId', 'approval.turn', 'run.status'])
    .distinct()
    .where('run.erasedAt', 'is', null)
    .where('approval.requestedAt', '<=', requestedAt)
    .where((eb) => eb.or([names('approval.input'), names('approval.editedInput')]))
    .execute()
  const visits = new Map<string, Visit>()
  for (const visit of [...acts, ...asked]) visits.set(`${visit.runId} ${visit.turn}`, visit as Visit)
  return [...visits.values()]
}
