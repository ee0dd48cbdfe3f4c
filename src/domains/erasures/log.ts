import { type Kysely, sql } from 'kysely'
import { onlyRow } from '../../platform/db/only-row.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type FormerDeals, isAnyId, type Person, type Provenance } from './provenance.ts'
import type { ErasureMeans } from './work.ts'

/*
 * What the log told of a person. First everything that is committed is moved into it, then it is looked through; the
 * database takes out what it finds there, and what outlives an erasure stays (`EventTypes.kept`).
 */

export interface Told {
  /** The things whose events tell of the person. */
  readonly subjects: readonly string[]
  readonly runs: readonly string[]
  readonly former: FormerDeals
  /** As whom the person did something: from where is told with it. */
  readonly actors: readonly string[]
}

export async function toldOfContact(
  tables: Kysely<Tables>,
  { contactId, former }: Person,
  { submissions, deals, othersDeals, runs: found }: Provenance,
): Promise<Told> {
  const runs = found.map(({ id }) => id)
  const approvals = await tables.selectFrom('approval').select('id').where(isAnyId('runId', runs)).execute()
  const messages = await tables.selectFrom('inboxMessage').select('id').where(isAnyId('runId', runs)).execute()
  const ofRuns = [...approvals, ...messages].map(({ id }) => id)
  const others = new Set(othersDeals)
  return {
    subjects: [contactId, ...submissions, ...deals, ...runs, ...ofRuns],
    runs,
    former: Object.fromEntries(Object.entries(former).filter(([id]) => others.has(id))),
    actors: [],
  }
}

const EVENTS_AT_ONCE = 500

/** Whether there was something, so that there may be more. */
export async function emptyLog(
  { db, kept, sequencePass }: Pick<ErasureMeans, 'db' | 'kept' | 'sequencePass'>,
  workspaceId: string,
  request: bigint,
  { subjects, runs, former, actors }: Told,
): Promise<boolean> {
  await sequencePass()
  const count = async (call: string, values: readonly unknown[]): Promise<number> => {
    const given = [workspaceId, request, ...values, EVENTS_AT_ONCE]
    return onlyRow(await db.system.query<{ erased: number }>(`SELECT ${call} AS erased`, given)).erased
  }
  const told = [subjects, runs, JSON.stringify(former), JSON.stringify(kept)]
  const erased = await count('cadre_erase_events($1, $2, $3, $4, $5, $6, $7)', told)
  return erased > 0 || (actors.length > 0 && (await count('cadre_erase_addresses($1, $2, $3, $4)', [actors])) > 0)
}

/** Whether something is left, in the log or on its way there. */
export async function isLeftInLog(tx: Tx, kept: ErasureMeans['kept'], told: Told): Promise<boolean> {
  const { subjects, runs, former, actors } = told
  const { rows } = await sql<{ left: boolean }>`
    select exists (select cadre_events_to_erase(${tx.workspaceId}::uuid, ${subjects}::uuid[], ${runs}::uuid[],
                                                ${JSON.stringify(former)}::jsonb, ${JSON.stringify(kept)}::jsonb, 1))
        or exists (select from event_log where workspace_id = ${tx.workspaceId}::uuid and actor_id = any (${actors}::text[])
                                           and (address_salt is not null or (chain_version < 3 and origin ? 'address')))
        or exists (select from event_outbox where workspace_id = ${tx.workspaceId}::uuid
                                              and (subject_id = any (${subjects}::uuid[]) or run_id = any (${runs}::uuid[])
                                                   or actor ->> 'id' = any (${actors}::text[]))) as "left"
  `.execute(tx.sql)
  return rows[0]?.left === true
}
