import { sql } from 'kysely'
import type { Tx } from './transaction.ts'

/** Rows that were written; one that was changed twice counts twice. */
export interface RowCounts {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

export type RowsByTable = Readonly<Record<string, RowCounts>>

interface Counted {
  readonly name: string
  readonly inserted: bigint
  readonly updated: bigint
  readonly deleted: bigint
}

/**
 * Returns a function that tells what this transaction has written from now on, as PostgreSQL itself counts it: what
 * triggers, functions and cascades write is among it, and what a savepoint took back too. Undefined where the server does
 * not count (`track_counts` is off).
 */
export async function countRows(tx: Tx): Promise<() => Promise<RowsByTable | undefined>> {
  // The session's counters may still hold what its last transaction wrote.
  const before = new Map((await counters(tx))?.map((row) => [row.name, row]))
  return async () => {
    const now = await counters(tx)
    if (now === undefined) return undefined
    const written: Record<string, RowCounts> = {}
    for (const row of now) {
      const was = before.get(row.name)
      const inserted = Number(row.inserted - (was?.inserted ?? 0n))
      const updated = Number(row.updated - (was?.updated ?? 0n))
      const deleted = Number(row.deleted - (was?.deleted ?? 0n))
      if (inserted + updated + deleted > 0) written[row.name] = { inserted, updated, deleted }
    }
    return written
  }
}

async function counters(tx: Tx): Promise<readonly Counted[] | undefined> {
  const { rows } = await sql<Counted & { readonly counts: boolean }>`
    select relname as name, n_tup_ins as inserted, n_tup_upd as updated, n_tup_del as deleted,
           current_setting('track_counts')::boolean as counts
      from pg_stat_xact_user_tables
     where schemaname = 'public'
     order by relname
  `.execute(tx.sql)
  return rows.every(({ counts }) => counts) ? rows : undefined
}
