import { type Kysely, type SqlBool, sql } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import type { FieldChange } from '../../platform/events/event.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { contactEvents } from '../contacts/events.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { dealEvents } from '../deals/events.ts'
import type { RunStatus } from '../runs/model.ts'
import type { Sought, Traces } from './model.ts'

/*
 * What came of a person: what they sent, the deals that are about them, the runs that worked on either; single turns of
 * other people's runs that did something to them, such as writing to them; and deals that were theirs once.
 */

export interface Person extends Sought {
  readonly contactId: string
  /** Deals that went to somebody else. */
  readonly former: FormerDeals
}

/** For each the position of the event that says so, and of those after it that still tell what was written before. */
export type FormerDeals = Readonly<Record<string, readonly string[]>>

export interface Provenance {
  readonly submissions: readonly string[]
  readonly deals: readonly string[]
  /** Somebody else's by now: of these only what names the person is theirs. */
  readonly othersDeals: readonly string[]
  readonly runs: readonly RunOf[]
}

export interface RunOf {
  readonly id: string
  readonly status: RunStatus
  readonly segment: number
  readonly erasedAt: Date | null
}

/** However many there are, they are one value of the statement. */
export const isAnyId = (column: string, ids: readonly string[]) =>
  sql<SqlBool>`${sql.ref(column)} = any (${[...ids]}::uuid[])`
export const isAnyText = (column: string, texts: readonly string[]) =>
  sql<SqlBool>`${sql.ref(column)} = any (${[...texts]}::text[])`

export async function findProvenance(tables: Kysely<Tables>, { contactId, former }: Person): Promise<Provenance> {
  const submissions = idsOf(
    await tables.selectFrom('submission').select('id').where('contactId', '=', contactId).execute(),
  )
  const found = await tables
    .selectFrom('deal')
    .select(['id', 'contactId'])
    .where((eb) =>
      eb.or([
        eb('contactId', '=', contactId),
        isAnyId('submissionId', submissions),
        isAnyId('id', Object.keys(former)),
      ]),
    )
    .execute()
  const isOthers = (deal: (typeof found)[number]) => deal.contactId !== null && deal.contactId !== contactId
  const deals = idsOf(found.filter((deal) => !isOthers(deal)))
  const runs = await tables
    .selectFrom('run')
    .select(['id', 'status', 'segment', 'erasedAt'])
    .where((eb) => eb.or([isAnyId('submissionId', submissions), isAnyId('dealId', deals)]))
    .orderBy('id')
    .execute()
  return {
    submissions,
    deals,
    othersDeals: idsOf(found.filter(isOthers)),
    // The database checks what a status may be.
    runs: runs as readonly RunOf[],
  }
}

const idsOf = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id)

/** A turn of somebody else's run in which something was done to the person, or was to be done. */
export interface Visit {
  readonly runId: string
  readonly turn: number
  readonly status: RunStatus
}

/**
 * Those that still say something: an emptied one is not found again. A call names its contact, whatever address was used and
 * whatever came of it; an address tells of the time before the request, for it may be somebody else's afterwards.
 */
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
    .where(isAnyText('target', traces.emails))
    .execute()
  const calls = await tables
    .selectFrom(sql<{ runId: string; turn: number }>`cadre_calls_naming(${publicId})`.as('call'))
    .innerJoin('run', 'run.id', 'call.runId')
    .select(['call.runId', 'call.turn', 'run.status'])
    .where('run.erasedAt', 'is', null)
    .execute()
  const asked = await tables
    .selectFrom('approval')
    .innerJoin('run', 'run.id', 'approval.runId')
    .select(['approval.runId', 'approval.turn', 'run.status'])
    .distinct()
    .where('run.erasedAt', 'is', null)
    .where((eb) => eb.or([names('approval.input'), names('approval.editedInput')]))
    .execute()
  const visits = new Map<string, Visit>()
  for (const visit of [...acts, ...calls, ...asked]) visits.set(`${visit.runId} ${visit.turn}`, visit as Visit)
  return [...visits.values()]
}

export interface History {
  readonly traces: Traces
  readonly former: FormerDeals
}

/** How the person was known before, and which deals were theirs: told by the log alone, and by what is erased of it later. */
export async function findHistory(tables: Kysely<Tables>, { contactId, traces }: Person): Promise<History> {
  const values = await valuesTold(tables, contactEvents.updated.type, contactId)
  const left = JSON.stringify([{ field: 'contact', from: encodeId('contact', contactId) }])
  const moved = await tables
    .selectFrom('eventLog')
    .select((eb) => ['subjectId', eb.fn.max('position').as('until')])
    .where('type', '=', dealEvents.updated.type)
    .where(sql<SqlBool>`changes @> ${left}::jsonb`)
    .groupBy('subjectId')
    .execute()
  return {
    traces: {
      emails: distinct([...traces.emails, ...(await notTaken(tables, values('email')))]),
      phones: distinct([...traces.phones, ...values('phone')]),
      names: distinct([...traces.names, ...values('name')]),
    },
    former: await tellingOf(tables, new Map(moved.map(({ subjectId, until }) => [subjectId, until]))),
  }
}

/** What the log tells that stood in the fields of a thing, by the type of event that tells its changes. */
async function valuesTold(
  tables: Kysely<Tables>,
  type: string,
  subjectId: string,
): Promise<(field: string) => readonly string[]> {
  const updates = await tables
    .selectFrom('eventLog')
    .select('changes')
    .where('subjectId', '=', subjectId)
    .where('type', '=', type)
    .execute()
  const changes = updates.flatMap(({ changes }) => changes as unknown as readonly FieldChange[])
  return (field) =>
    changes
      .filter((change) => change.field === field)
      .flatMap(({ from, to }) => [from, to].filter((text) => text !== null))
}

/** A field that is changed afterwards is told with what stood in it while the deal was the person's. */
async function tellingOf(tables: Kysely<Tables>, until: ReadonlyMap<string, bigint>): Promise<FormerDeals> {
  const later = await tables
    .selectFrom('eventLog')
    .select(['subjectId', 'position', 'changes'])
    .where(isAnyId('subjectId', [...until.keys()]))
    .orderBy('position')
    .execute()
  const telling = new Map([...until].map(([id, position]) => [id, [String(position)]]))
  const written = new Map<string, string | null>()
  for (const { subjectId, position, changes } of later) {
    if (position <= (until.get(subjectId) ?? position)) continue
    const told = (changes as unknown as readonly FieldChange[]).filter(({ field, from, to }) => {
      const place = `${subjectId} ${field}`
      if (!written.has(place)) written.set(place, from)
      const before = written.get(place) ?? null
      return before !== null && (from === before || to === before)
    })
    if (told.length > 0) telling.get(subjectId)?.push(String(position))
  }
  return Object.fromEntries(telling)
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)]

/** The addresses as written and normalised, without those that are another contact's by now. */
export async function notTaken(tables: Kysely<Tables>, written: readonly string[]): Promise<readonly string[]> {
  const spellings = written.map((email) => ({ email, normalised: normaliseEmail(email) ?? email.toLowerCase() }))
  const taken = await tables
    .selectFrom('contact')
    .select('emailNormalised')
    .where(
      isAnyText(
        'emailNormalised',
        spellings.map(({ normalised }) => normalised),
      ),
    )
    .execute()
  const others = new Set(taken.map(({ emailNormalised }) => emailNormalised))
  return spellings
    .filter(({ normalised }) => !others.has(normalised))
    .flatMap(({ email, normalised }) => [email, normalised])
}
