import { storedActor } from '../auth/viewer.ts'
import { sqlStatement } from '../db/statement.ts'
import { json } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import type { PutOff } from '../db/transaction-connection.ts'
import { invalidInput } from '../lib/errors.ts'
import type { NewEvent } from './event.ts'

const MAX_DATA_BYTES = 32 * 1024

// Ids are drawn in the order of the list: PostgreSQL sorts before it fills in an identity.
const insertEvents = sqlStatement<{ readonly events: string }, { lastId: bigint }>(
  `WITH written AS (
  INSERT INTO event_outbox (workspace_id, type, subject_type, subject_id, subject_version, actor, run_id, cause_id, depth,
                            data, changes, origin, occurred_at)
  SELECT $1::uuid, type, subject_type, subject_id, subject_version, actor, run_id, cause_id, depth, data, changes, origin,
         $2::timestamptz
    FROM ROWS FROM (jsonb_to_recordset($3::jsonb) AS (
           type text, subject_type text, subject_id uuid, subject_version int, actor jsonb, run_id uuid, cause_id bigint,
           depth int, data jsonb, changes jsonb, origin jsonb
         )) WITH ORDINALITY AS event (type, subject_type, subject_id, subject_version, actor, run_id, cause_id, depth, data,
                                      changes, origin, place)
   ORDER BY place
  RETURNING id
) SELECT max(id) AS last_id FROM written`,
  ['workspaceId', 'now', 'events'],
)

/** The events of one transaction, by what all views of it share; one outbox for each workspace it is in. */
const outboxes = new WeakMap<Tx['putOff'], Map<string, Outbox>>()

/**
 * Tells events of this transaction: they enter the log if and only if it commits, in the order given. They are written
 * when it ends, in one statement; the rows that were changed are locked by then, which makes the log's order that of the
 * changes. INVALID_INPUT for an event that carries more than 32 KB.
 */
export function appendEvents(tx: Tx, events: readonly NewEvent[]): void {
  if (events.length === 0) return
  let own = outboxes.get(tx.putOff)
  if (own === undefined) {
    own = new Map()
    outboxes.set(tx.putOff, own)
    tx.onCommit(() => tx.bell.ring())
  }
  let outbox = own.get(tx.workspaceId)
  if (outbox === undefined) {
    outbox = new Outbox(tx)
    own.set(tx.workspaceId, outbox)
    tx.putOff(outbox)
  }
  for (const event of events) outbox.add(tx, event)
}

/** Resolves to the outbox id of the transaction's last event so far; its log position is the commit's cursor. */
export async function lastEventOf(tx: Tx): Promise<bigint | null> {
  let last: bigint | null = null
  for (const outbox of outboxes.get(tx.putOff)?.values() ?? []) {
    const id = await outbox.lastId()
    if (id !== null && (last === null || id > last)) last = id
  }
  return last
}

class Outbox implements PutOff {
  readonly #tx: Tx
  /** JSON of each event, as it was when it was told. */
  #gathered: string[] = []
  #lastId: bigint | null = null
  #ended = false

  constructor(tx: Tx) {
    this.#tx = tx
  }

  add(tx: Tx, event: NewEvent): void {
    if (this.#ended) throw new Error('the transaction has ended: everything in it must be awaited')
    const data = json(event.data ?? {})
    if (Buffer.byteLength(data) > MAX_DATA_BYTES) {
      throw invalidInput([{ path: [], code: 'TOO_LARGE', message: `A ${event.type} event carries more than 32 KB.` }])
    }
    const rest = json({
      type: event.type,
      subject_type: event.subject.kind,
      subject_id: event.subject.id,
      subject_version: event.subjectVersion ?? null,
      actor: storedActor(tx.viewer),
      run_id: event.runId ?? (tx.viewer.kind === 'employee' ? tx.viewer.runId : null),
      cause_id: tx.cause === undefined ? null : String(tx.cause.outboxId),
      depth: tx.cause?.depth ?? 0,
      changes: event.changes ?? [],
      // Who wrote through a public door is known by a digest at most; the log does not keep where strangers live.
      origin: tx.viewer.kind === 'anonymous' ? { requestId: tx.origin.requestId } : tx.origin,
    })
    this.#gathered.push(`${rest.slice(0, -1)},"data":${data}}`)
  }

  flush(): void {
    if (this.#gathered.length === 0) return
    this.#tx.write(insertEvents, this.#take(), (written) => this.#note(written))
  }

  mark(): bigint | null {
    return this.#lastId
  }

  forget(mark: unknown): void {
    this.#gathered = []
    this.#lastId = typeof mark === 'bigint' ? mark : null
  }

  end(): void {
    this.#ended = true
  }

  async lastId(): Promise<bigint | null> {
    if (this.#gathered.length > 0) {
      this.#note(await this.#tx.run(insertEvents, this.#take()))
    }
    return this.#lastId
  }

  #note(written: readonly { readonly lastId: bigint }[]): void {
    for (const { lastId } of written) this.#lastId = lastId
  }

  #take(): { readonly events: string } {
    const events = `[${this.#gathered.join(',')}]`
    this.#gathered = []
    return { events }
  }
}
