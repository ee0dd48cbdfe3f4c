// Where to begin looking in the outbox.
//
// Rows that were moved leave dead entries in the outbox's index. Ordinarily they are soon marked as such and skipped, but
// while a backup or another old snapshot needs them they are not, and each pass would walk over all that have gathered.
// So a pass looks only above a floor: an id below which no row can appear any more. An id is drawn under the lock that an
// INSERT takes on the table, and that lock is held until the writer's transaction ends. Hence:
//
//   note     an id that was already drawn, and then everyone who holds such a lock;
//   wait     until they have all let go: an earlier id belongs to a transaction that has ended, and a lock is let go
//            only after the commit is visible;
//   empty    the outbox once more, above the old floor;
//   rise     to the noted id.

import type pg from 'pg'
import type { Clock } from '../lib/clock.ts'

/** Ids that make a higher floor worth asking for. */
const STRIDE = 1_000n
const LOOK_EVERY_MS = 250

interface Note {
  readonly upTo: bigint
  readonly writers: ReadonlySet<string>
  lookedAtMs: number
  ended: boolean
}

export class OutboxFloor {
  readonly #clock: Clock
  #value = 0n
  #highest = 0n
  #note: Note | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** No row with this id or a lower one exists or will. */
  get value(): bigint {
    return this.#value
  }

  /** Forgets everything: the next statements may go to another database. */
  reset(): void {
    this.#value = 0n
    this.#highest = 0n
    this.#note = undefined
  }

  /** A row with this id was moved. */
  passed(id: bigint): void {
    if (id > this.#highest) this.#highest = id
  }

  /** Call after each pass that left nothing above `value`. */
  async advance(client: pg.ClientBase): Promise<void> {
    const now = this.#clock.monotonicMs()
    const note = this.#note
    if (note === undefined) {
      if (this.#highest - this.#value < STRIDE) return
      const upTo = this.#highest
      this.#note = { upTo, writers: await findWriters(client), lookedAtMs: now, ended: false }
    } else if (note.ended) {
      this.#value = note.upTo
      this.#note = undefined
    } else if (now - note.lookedAtMs >= LOOK_EVERY_MS) {
      note.lookedAtMs = now
      const writers = await findWriters(client)
      note.ended = ![...note.writers].some((writer) => writers.has(writer))
    }
  }
}

/** The transactions that may have drawn an outbox id and have not ended. */
async function findWriters(client: pg.ClientBase): Promise<Set<string>> {
  const { rows } = await client.query<{ transaction: string }>({
    name: 'outbox_writers',
    text: `SELECT virtualtransaction AS transaction FROM pg_locks
            WHERE locktype = 'relation' AND relation = 'event_outbox'::regclass AND mode = 'RowExclusiveLock'
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  })
  return new Set(rows.map((row) => row.transaction))
}
