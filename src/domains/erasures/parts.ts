import { type SqlBool, sql } from 'kysely'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { fold } from '../../platform/lib/fold.ts'
import { type Counts, ERASED, namesPerson, type Sought, type Traces } from './model.ts'
import { isAnyId, isAnyText, type Person, type Provenance } from './provenance.ts'

/*
 * What is emptied of each table, and what stays: ids, statuses, amounts, times, figures. Digests without salt go, too: of few or
 * short texts they could be guessed. Each part can be repeated: it looks for what still says something and returns how many
 * rows that was.
 */

const BATCH = 100

/** What a step's data keeps: which model or tool, and figures. */
const KEPT_OF_STEP = [
  ['model', 'askedModel', 'stopReason', 'tokens', 'rehearsal', 'latencyMs', 'attempts'],
  ['callId', 'tool', 'isError', 'decision', 'rule'],
  ['kind', 'error'],
].flat()

/** One batch of what the person sent. */
export async function emptySubmissions(tx: Tx, { contactId }: Person): Promise<Counts> {
  const emptied = await tx.sql
    .updateTable('submission')
    .set((eb) => ({
      answers: json({}),
      // Sent once more under its id, it is something else.
      inputHash: '',
      emailNormalised: null,
      addressHash: null,
      origin: json({}),
      statusReason: null,
      reasons: [],
      erasedAt: tx.now,
      version: eb('version', '+', 1),
      updatedAt: tx.now,
    }))
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('submission')
        .select('submission.id')
        .where('submission.contactId', '=', contactId)
        .where('submission.erasedAt', 'is', null)
        .limit(BATCH),
    )
    .returning('id')
    .execute()
  return { submission: emptied.length }
}

/**
 * A deal goes on without its person: what is prose goes, and a name that names them. Of somebody else's deal, what names
 * them.
 */
export async function emptyDeals(tx: Tx, { deals, othersDeals }: Provenance, traces: Traces): Promise<Counts> {
  const own = new Set(deals)
  const rows = await tx.sql
    .selectFrom('deal')
    .select(['id', 'name', 'nextStep', 'lostReason'])
    .where(isAnyId('id', [...deals, ...othersDeals]))
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  const goes = (id: string, prose: string | null) => prose !== null && (own.has(id) || namesPerson(prose, traces))
  const idsWhere = (isSo: (deal: (typeof rows)[number]) => boolean) => rows.filter(isSo).map(({ id }) => id)
  const named = idsWhere(({ name }) => namesPerson(name, traces))
  const planned = idsWhere(({ id, nextStep }) => goes(id, nextStep))
  const lost = idsWhere(({ id, lostReason }) => goes(id, lostReason))
  const all = [...new Set([...named, ...planned, ...lost])]
  if (all.length === 0) return {}
  await tx.sql
    .updateTable('deal')
    .set((eb) => ({
      name: eb.case().when(isAnyId('id', named)).then(ERASED).else(eb.ref('name')).end(),
      nameFolded: eb.case().when(isAnyId('id', named)).then(fold(ERASED)).else(eb.ref('nameFolded')).end(),
      nextStep: eb.case().when(isAnyId('id', planned)).then(null).else(eb.ref('nextStep')).end(),
      lostReason: eb.case().when(isAnyId('id', lost)).then(null).else(eb.ref('lostReason')).end(),
      version: eb('version', '+', 1),
      updatedAt: tx.now,
    }))
    .where(isAnyId('id', all))
    .execute()
  return { deal: all.length }
}

/** A run that is over: its journal, its acts, what it asked and what it wrote to people. */
export async function emptyRun(tx: Tx, runId: string): Promise<Counts> {
  const acts = await emptyActs(tx, runId, undefined)
  const { length: messages } = await tx.sql
    .updateTable('inboxMessage')
    .set((eb) => ({ subject: ERASED, blocks: json([]), version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('runId', '=', runId)
    .returning('id')
    .execute()
  await tx.sql
    .updateTable('run')
    .set({ title: ERASED, reasonText: null, erasedAt: tx.now, updatedAt: tx.now })
    .where('id', '=', runId)
    .execute()
  return { ...acts, inbox_message: messages, run: 1 }
}

/** The steps, acts and approvals of a run, or of one turn of it. */
export async function emptyActs(tx: Tx, runId: string, turn: number | undefined): Promise<Counts> {
  const { length: steps } = await tx.sql
    .updateTable('runStep')
    .set({ title: ERASED, data: emptiedStep })
    .where('runId', '=', runId)
    .$if(turn !== undefined, (query) => query.where('turn', '=', turn as number))
    .returning('seq')
    .execute()
  const { length: effects } = await tx.sql
    .updateTable('effect')
    .set({ target: '', contentHash: '', result: null, error: null, updatedAt: tx.now })
    .where('runId', '=', runId)
    .$if(turn !== undefined, (query) => query.where('turn', '=', turn as number))
    .returning('id')
    .execute()
  const { length: approvals } = await tx.sql
    .updateTable('approval')
    .set((eb) => ({
      title: ERASED,
      input: json({}),
      editedInput: null,
      changes: json([]),
      shownHash: '',
      reason: ERASED,
      decisionReason: null,
      error: null,
      version: eb('version', '+', 1),
      updatedAt: tx.now,
    }))
    .where('runId', '=', runId)
    .$if(turn !== undefined, (query) => query.where('turn', '=', turn as number))
    .returning('id')
    .execute()
  return { run_step: steps, effect: effects, approval: approvals }
}

// What the loop and the API read of a step is there, and empty.
const emptiedStep = sql<never>`(
  select coalesce(jsonb_object_agg(part.key, part.value), '{}') from jsonb_each(data) as part
   where part.key = any (${KEPT_OF_STEP}::text[])
) || case kind when 'MODEL_TURN' then '{"content": [], "text": ""}' when 'TOOL_CALL' then '{"input": {}}' else '{}' end::jsonb`

/** What the spam log has of the person's addresses. */
export async function emptyRejections(tx: Tx, { traces, requestedAt }: Person): Promise<Counts> {
  const emptied = await tx.sql
    .updateTable('submissionRejection')
    .set({ emailNormalised: null, addressHash: null })
    .where(isAnyText('emailNormalised', traces.emails))
    .where('createdAt', '<=', requestedAt)
    .returning('id')
    .execute()
  return { submission_rejection: emptied.length }
}

const SHORTEST_TRACE = 6

/** Stored outcomes and keys that name the person; others hold ids alone. Sent once more, such a request is a new one. */
export async function removeClaims(tx: Tx, { traces, requestedAt }: Sought): Promise<Counts> {
  // A name stands in too much that is not theirs, in an id even: nothing is done twice because somebody is called Al.
  const { emails, phones, names } = traces
  const texts = [...emails, ...phones, ...names].filter((text) => text.length >= SHORTEST_TRACE)
  if (texts.length === 0) return {}
  const removed = await tx.sql
    .deleteFrom('idempotencyClaim')
    .where('createdAt', '<=', requestedAt)
    .where(
      sql<SqlBool>`exists (
        select from unnest(${texts.map((text) => text.toLowerCase())}::text[]) as trace(text)
         where strpos(lower(concat_ws(' ', key, outcome::text)), trace.text) > 0)`,
    )
    .returning('key')
    .execute()
  return { idempotency_claim: removed.length }
}

/** What a mail server said last, where that was about the person's address. */
export async function emptyMailFault(tx: Tx, { traces }: Sought): Promise<Counts> {
  const emptied = await tx.sql
    .updateTable('mailServer')
    .set({ lastError: null })
    .where(
      sql<SqlBool>`exists (
        select from unnest(${traces.emails.map((email) => email.toLowerCase())}::text[]) as trace(text)
         where strpos(lower(last_error), trace.text) > 0)`,
    )
    .returning('workspaceId')
    .execute()
  return { mail_server: emptied.length }
}
