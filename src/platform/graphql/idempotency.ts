// One change per key, however often it is sent.
//
// A key belongs to a credential. In the effect's own transaction: first an advisory lock on (workspace, credential, key)
// that is not waited for (a unique insert alone would block, and blocked copies empty the connection pool), then the
// stored claim if there is one, else the effect and, last, its claim. So a claim exists if and only if its effect does;
// an outcome that rolled back is not stored. A COMMIT whose answer was lost is settled by reading the claim, once the
// lost transaction has let go of the lock.

import { createHash } from 'node:crypto'
import {
  DirectiveLocation,
  GraphQLDirective,
  GraphQLNonNull,
  type GraphQLResolveInfo,
  GraphQLString,
  getDirectiveValues,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { sql } from 'kysely'
import type { Ctx } from '../context.ts'
import type { Database } from '../db/database.ts'
import { json } from '../db/tables.ts'
import { CommitUnknown, type Tx } from '../db/transaction.ts'
import { lastEventOf } from '../events/append.ts'
import { conflict, invalidInput, unavailable } from '../lib/errors.ts'
import type { GraphQLContext } from './context.ts'
import { wholeOf } from './root-field.ts'

const KEPT_MS = 24 * 60 * 60 * 1000
const MAX_KEY_LENGTH = 200
const BUSY_RETRY_MS = 250

export const idempotentDirective = new GraphQLDirective({
  name: 'idempotent',
  description:
    'Retry-safe by key: the same key and input give the stored outcome, for 24 hours. ' +
    'For one mutation per request the header Idempotency-Key does the same.',
  locations: [DirectiveLocation.FIELD],
  args: {
    key: { type: new GraphQLNonNull(GraphQLString), description: 'Any text of your own; a UUID is a good one.' },
  },
})

/** A mutation's key: the directive's, else the header's (with the field's name in the answer, where there are several). */
export function idempotencyKeyOf(ctx: GraphQLContext, info: GraphQLResolveInfo): string | undefined {
  const [field] = info.fieldNodes
  const directive = field && getDirectiveValues(idempotentDirective, field, info.variableValues)
  const header =
    ctx.idempotencyKey !== undefined && rootFieldCount(wholeOf(info.operation).selectionSet, info) > 1
      ? `${ctx.idempotencyKey}:${info.path.key}`
      : ctx.idempotencyKey
  const key = (directive?.key as string | undefined) ?? header
  if (key === undefined) return undefined
  if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
    throw invalidInput([
      {
        path: ['Idempotency-Key'],
        code: key.length === 0 ? 'TOO_SHORT' : 'TOO_LONG',
        message: `An idempotency key has 1 to ${MAX_KEY_LENGTH} characters.`,
      },
    ])
  }
  return key
}

/** A fragment counts once, however often it is spread: its fields are merged, and nested spreads double at each level. */
export function rootFieldCount(
  selectionSet: SelectionSetNode,
  info: Pick<GraphQLResolveInfo, 'fragments'>,
  visited = new Set<string>(),
): number {
  let count = 0
  for (const selection of selectionSet.selections) {
    if (selection.kind === Kind.FIELD) count += 1
    else if (selection.kind === Kind.INLINE_FRAGMENT) count += rootFieldCount(selection.selectionSet, info, visited)
    else if (!visited.has(selection.name.value)) {
      visited.add(selection.name.value)
      const fragment = info.fragments[selection.name.value]
      if (fragment !== undefined) count += rootFieldCount(fragment.selectionSet, info, visited)
    }
  }
  return count
}

export interface Claim {
  /** Whose key it is: a key's id, or what a public form says. */
  readonly credential: string
  readonly key: string
  /** The mutation. */
  readonly operation: string
  readonly inputHash: string
}

export interface Committed<Outcome> {
  readonly outcome: Outcome
  /** The change's last event; null when it made none. */
  readonly outboxId: bigint | null
  /** Whether the change was made before, by another attempt or another request: this is what it stored. */
  readonly replayed: boolean
}

/** SHA-256 of an input, whatever the order of its fields. */
export const hashInput = (input: unknown): string => createHash('sha256').update(canonical(input)).digest('hex')

/** A part of a canonical text: words that stand, or a value still to be written. */
type Part = string | { readonly value: unknown }

/** With a list of what is still to be written and not by recursion: an input may be nested deeper than the stack is. */
function canonical(input: unknown): string {
  const written: string[] = []
  const open: Part[] = [{ value: input }]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part === 'string') written.push(part)
    else for (const inner of partsOf(part.value).reverse()) open.push(inner)
  }
  return written.join('')
}

function partsOf(value: unknown): Part[] {
  if (value === null || value === undefined) return ['null']
  if (typeof value === 'bigint') return [`"${value}"`]
  if (value instanceof Date) return [JSON.stringify(value)]
  if (value instanceof Map) return partsOf(Object.fromEntries(value))
  if (Array.isArray(value) || value instanceof Set) {
    return ['[', ...[...value].flatMap((item, index): Part[] => [index === 0 ? '' : ',', { value: item }]), ']']
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const members = entries.flatMap(([name, member], index): Part[] => [
      `${index === 0 ? '' : ','}${JSON.stringify(name)}:`,
      { value: member },
    ])
    return ['{', ...members, '}']
  }
  return [JSON.stringify(value)]
}

type Transaction = 'inTransaction' | 'inAccountTransaction'

interface OnceOptions<Outcome> {
  /** Whether an outcome is stored for repetitions; each is, unless told. */
  readonly keeps?: (outcome: Outcome) => boolean
  /** In whose name: the workspace's unless told. */
  readonly transaction?: Transaction
}

/**
 * Makes the change of `work` in one transaction, once per claim: a repetition returns the stored outcome. Without a
 * claim it is made each time, and so it is for an outcome that `keeps` says no to: committed, but not stored. Throws UNAVAILABLE while another request holds the key, CONFLICT when the key came with
 * another input before, and what `work` throws (then nothing has happened and nothing is stored).
 */
export async function runOnce<Outcome>(
  ctx: Ctx,
  claim: Claim | undefined,
  work: (tx: Tx) => Promise<Outcome>,
  { keeps = () => true, transaction = 'inTransaction' }: OnceOptions<Outcome> = {},
): Promise<Committed<Outcome>> {
  try {
    const { outcome, lastEvent, replayed } = await ctx.db[transaction](ctx, async (tx) => {
      if (claim !== undefined) {
        if (!(await lock(tx, claim))) {
          throw unavailable('A request with this idempotency key is being worked on.', BUSY_RETRY_MS)
        }
        const stored = await findStored<Outcome>(tx, claim)
        if (stored !== undefined) {
          return { outcome: stored.outcome, lastEvent: async () => stored.outboxId, replayed: true }
        }
      }
      const outcome = asStored(await work(tx))
      if (claim !== undefined && keeps(outcome)) await store(tx, claim, outcome, await lastEventOf(tx))
      return { outcome, lastEvent: () => lastEventOf(tx), replayed: false }
    })
    return { outcome, outboxId: await lastEvent(), replayed }
  } catch (err) {
    if (!(err instanceof CommitUnknown) || claim === undefined) throw err
    return await settle<Outcome>(ctx, claim, transaction)
  }
}

/**
 * How a claim stands at this moment, for what is done before the change's transaction: FREE, STORED when the change was made
 * before. Throws UNAVAILABLE while another request is making it.
 */
export async function standingOf(ctx: Ctx, claim: Claim): Promise<'FREE' | 'STORED'> {
  return await ctx.db.inTransaction(ctx, async (tx) => {
    if (!(await lock(tx, claim))) {
      throw unavailable('A request with this idempotency key is being worked on.', BUSY_RETRY_MS)
    }
    return (await findStored(tx, claim)) === undefined ? 'FREE' : 'STORED'
  })
}

/** An outcome as a repetition would read it, so that both answer from the same. */
const asStored = <Outcome>(outcome: Outcome): Outcome => JSON.parse(JSON.stringify(outcome)) as Outcome

const lockName = (workspaceId: string, { credential, key }: Claim): string =>
  `idempotency:${workspaceId}:${credential}:${key}`

async function lock(tx: Tx, claim: Claim): Promise<boolean> {
  const { rows } = await sql<{ got: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${lockName(tx.workspaceId, claim)}, 0)) as got
  `.execute(tx.sql)
  return rows[0]?.got === true
}

async function findStored<Outcome>(tx: Tx, claim: Claim): Promise<Committed<Outcome> | undefined> {
  const row = await tx.sql
    .selectFrom('idempotencyClaim')
    .select(['operation', 'inputHash', 'outcome', 'outboxId', 'createdAt'])
    .where('credential', '=', claim.credential)
    .where('key', '=', claim.key)
    .executeTakeFirst()
  if (row === undefined) return undefined
  if (row.createdAt.getTime() < tx.now.getTime() - KEPT_MS) {
    await tx.sql
      .deleteFrom('idempotencyClaim')
      .where('credential', '=', claim.credential)
      .where('key', '=', claim.key)
      .execute()
    return undefined
  }
  if (row.operation !== claim.operation || row.inputHash !== claim.inputHash) {
    throw conflict('IDEMPOTENCY_MISMATCH', 'This idempotency key was used before, with another input.')
  }
  return { outcome: row.outcome as Outcome, outboxId: row.outboxId, replayed: true }
}

async function store(tx: Tx, claim: Claim, outcome: unknown, outboxId: bigint | null): Promise<void> {
  await tx.sql
    .insertInto('idempotencyClaim')
    .values({ workspaceId: tx.workspaceId, ...claim, outcome: json(outcome), outboxId, createdAt: tx.now })
    .execute()
}

async function settle<Outcome>(ctx: Ctx, claim: Claim, transaction: Transaction): Promise<Committed<Outcome>> {
  const stored = await ctx.db[transaction](ctx, async (tx) => {
    await sql`set local lock_timeout = '5s'`.execute(tx.sql)
    await sql`
      select pg_advisory_xact_lock(hashtextextended(${lockName(tx.workspaceId, claim)}, 0))
    `.execute(tx.sql)
    return await findStored<Outcome>(tx, claim)
  })
  if (stored === undefined) throw unavailable('The change was not made: the connection to the database was lost.')
  return stored
}

/** Deletes claims that are older than 24 hours, of every workspace; returns how many. For the process's housekeeping. */
export async function purgeClaims(db: Database, now: Date): Promise<number> {
  const result = await db.systemSql
    .deleteFrom('idempotencyClaim')
    .where('createdAt', '<', new Date(now.getTime() - KEPT_MS))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
