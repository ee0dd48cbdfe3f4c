// Whether the log still says what was written into it.
//
// The sequencer chains a workspace's events: each stores the digest of what it tells and a hash over that digest, who did it
// when, its position and the hash of the event before it (see the migrations audit_chain, erasure and account_erasure). What
// an erased event told is gone with its salt, so that its digest gives nothing away; the digest stays, and the chain holds. The
// caller's address has a digest of its own and can be gone by itself. Whose content or address is gone must point to a request
// in this log that asked for it, or it counts as changed. Here the chain is computed anew, not by
// the database but from what the database hands out, so that a changed event, one that was put in, and one that was taken
// out are found. What was cut off at the end, or a log that was made anew as a whole, looks right by itself: against that
// help heads that were noted elsewhere, each of which must still stand in the chain. A head tells of what follows it; what
// comes before it is looked at from the beginning.

import { createHash } from 'node:crypto'
import { sql as sqlText } from 'kysely'
import type { Database } from '../db/database.ts'
import { invalidInput } from '../lib/errors.ts'
import { SlotsByKey } from '../lib/slots.ts'

/** A place in a workspace's chain, to be noted elsewhere and to go on from. */
export interface ChainHead {
  readonly position: bigint
  /** 64 hexadecimal digits. */
  readonly hash: string
}

/**
 * CONTENT: the event tells something else than when it was logged, or nothing, and nobody asked for that. CHAIN: who did it,
 * when or to what was changed, or events before it were changed, put in or taken out. HEAD: what was the chain's head once is
 * not in it.
 */
export type ChainFaultReason = 'CONTENT' | 'CHAIN' | 'HEAD'

export interface ChainVerification {
  /** Events that were looked at and are as they were written. */
  readonly events: number
  /** Of these, those whose content was erased: who did what to which thing, and when, is as it was written. */
  readonly erased: number
  /** Events from before there was a chain, which nothing vouches for. */
  readonly unchained: number
  /** The last event that was looked at; null where there is none in the chain. */
  readonly head: ChainHead | null
  /** Whether that is the end of the log. */
  readonly complete: boolean
  /** Where it was found wrong first; nothing after it was looked at. */
  readonly fault: { readonly reason: ChainFaultReason; readonly outboxId: bigint | null } | null
}

interface ChainRow {
  readonly position: bigint
  readonly outboxId: bigint
  readonly salt: Uint8Array | null
  readonly digest: Uint8Array | null
  readonly hash: Uint8Array | null
  readonly erased: boolean
  /** Whether nothing is left of what it told. */
  readonly emptied: boolean
  /** Erased in the name of a request that stands in the log. */
  readonly askedFor: boolean
  readonly addressSalt: Uint8Array | null
  readonly addressDigest: Uint8Array | null
  readonly address: string | null
  /** As `askedFor`, where the address alone is gone. */
  readonly addressAskedFor: boolean
  /** What the digest is over. */
  readonly content: Uint8Array
  /** What else the hash is over. */
  readonly skeleton: Uint8Array | null
}

// What events say may be long; a batch of them is held in memory.
const BATCH = 500
const DIGEST_BYTES = 32
const HEAD = /^([0-7][0-9a-f]{15})-([0-9a-f]{64})$/
const NOTHING = Buffer.alloc(0)
/** Types of events that ask for an erasure, for LIKE; `cadre_erase_events` demands one, too. */
const REQUESTS = String.raw`%.erasure\_requested`

export const formatHead = ({ position, hash }: ChainHead): string =>
  `${position.toString(16).padStart(16, '0')}-${hash}`

/** Reads a head as it was noted. Anything that `formatHead` did not write is INVALID_INPUT. */
export function parseHead(text: string): ChainHead {
  const [, position, hash] = HEAD.exec(text) ?? []
  if (position !== undefined && hash !== undefined) return { position: BigInt(`0x${position}`), hash }
  throw invalidInput([
    { path: ['after'], code: 'INVALID_FORMAT', message: 'This is not a head that the server gave out.' },
  ])
}

export interface VerifyOptions {
  /** Where to go on from: it must still be there. From the beginning unless given. */
  readonly after?: ChainHead | undefined
  readonly limit: number
  /** Ends it with its reason. */
  readonly signal?: AbortSignal
}

// It reads whole logs, and nobody is in a hurry: two at a time, so that the pool is there for the others, and one of each
// workspace, so that none waits for all of another's.
const slots = new SlotsByKey(2)

/** Looks at up to `limit` events of a workspace, one after the other. */
export const verifyChain = (db: Database, workspaceId: string, options: VerifyOptions): Promise<ChainVerification> =>
  slots.with(workspaceId, () => verify(db, workspaceId, options))

async function verify(db: Database, workspaceId: string, options: VerifyOptions): Promise<ChainVerification> {
  const { after, limit, signal } = options

  const chain = new Chain()
  if (after !== undefined) {
    const [row] = await readRows(db, workspaceId, after.position - 1n, 1)
    if (row?.position !== after.position || hex(row.hash) !== after.hash) return chain.result(false, 'HEAD', null)
    chain.goOnFrom(after)
  }
  let position = after?.position ?? 0n
  for (let left = limit; left > 0; ) {
    signal?.throwIfAborted()
    const wanted = Math.min(BATCH, left)
    const rows = await readRows(db, workspaceId, position, wanted)
    for (const row of rows) {
      const reason = chain.add(row)
      if (reason !== undefined) return chain.result(false, reason, row.outboxId)
      position = row.position
    }
    if (rows.length < wanted) return chain.result(true)
    left -= rows.length
  }
  return chain.result((await readRows(db, workspaceId, position, 1)).length === 0)
}

const readRows = (db: Database, workspaceId: string, above: bigint, limit: number): Promise<ChainRow[]> =>
  db.read(workspaceId, (sql) =>
    sql
      .selectFrom('eventLog')
      .select(['position', 'outboxId', 'salt', 'digest', 'hash', 'addressSalt', 'addressDigest'])
      .select([
        sqlText<boolean>`erased_at is not null`.as('erased'),
        sqlText<boolean>`data = '{}' and changes = '[]' and origin = '{}'`.as('emptied'),
        isAskedFor('erased_by').as('askedFor'),
        sqlText<string | null>`case when chain_version > 2 then origin ->> 'address' end`.as('address'),
        isAskedFor('address_erased_by').as('addressAskedFor'),
        // 1: one digest over everything. 2: what can be erased is apart from what stays. 3: so is the address from the rest of it.
        sqlText<Uint8Array>`case chain_version when 3 then cadre_event_told(data, changes, origin - 'address')
          when 2 then cadre_event_told(data, changes, origin) else
          cadre_event_content(outbox_id, workspace_id, type, subject_type, subject_id, subject_version, actor, run_id, cause_id,
            depth, data, changes, origin, occurred_at) end`.as('content'),
        sqlText<Uint8Array>`case when chain_version > 1 then cadre_event_skeleton(outbox_id, workspace_id, type, subject_type,
          subject_id, subject_version, actor, run_id, cause_id, depth, occurred_at) end`.as('skeleton'),
      ])
      .where('position', '>', above)
      // By the index of the workspace's own events: by position alone it would be a walk through everybody's.
      .orderBy('workspaceId')
      .orderBy('position')
      .limit(limit)
      .execute(),
  )

const isAskedFor = (column: 'erased_by' | 'address_erased_by') =>
  sqlText<boolean>`exists (
    select from event_log asked
     where asked.outbox_id = ${sqlText.ref(`event_log.${column}`)} and asked.workspace_id = event_log.workspace_id
       and asked.type like ${REQUESTS})`

class Chain {
  #events = 0
  #erased = 0
  #unchained = 0
  #head: ChainHead | null = null

  goOnFrom(head: ChainHead): void {
    this.#head = head
  }

  /** Why this cannot be the next event of the chain; undefined when it is. */
  add(row: ChainRow): ChainFaultReason | undefined {
    const { position, salt, digest, hash, erased } = row
    if (erased && !row.askedFor) return 'CONTENT'
    if (digest === null || hash === null) {
      if (this.#head !== null || salt !== null || digest !== hash) return 'CHAIN'
      this.#unchained++
      return undefined
    }
    if (digest.length !== DIGEST_BYTES) return 'CHAIN'
    if (erased ? salt !== null || !row.emptied : salt === null || !sha256(salt, row.content).equals(digest))
      return 'CONTENT'
    if (!isAddressAsItWas(row)) return 'CONTENT'
    const before = this.#head === null ? NOTHING : Buffer.from(this.#head.hash, 'hex')
    const place = Buffer.alloc(8)
    place.writeBigInt64BE(position)
    const skeleton = row.skeleton === null ? NOTHING : sha256(row.skeleton)
    if (!sha256(before, place, skeleton, digest, row.addressDigest ?? NOTHING).equals(hash)) return 'CHAIN'
    this.#events++
    if (erased) this.#erased++
    this.#head = { position, hash: hex(hash) }
    return undefined
  }

  result(complete: boolean, reason?: ChainFaultReason, outboxId: bigint | null = null): ChainVerification {
    return {
      events: this.#events,
      erased: this.#erased,
      unchained: this.#unchained,
      head: this.#head,
      complete,
      fault: reason === undefined ? null : { reason, outboxId },
    }
  }
}

/** The address that its digest is over; or none, where it was erased, by itself or with everything. */
function isAddressAsItWas({ address, addressSalt, addressDigest, addressAskedFor, erased }: ChainRow): boolean {
  if (addressSalt === null) return address === null && (addressDigest === null || erased || addressAskedFor)
  return address !== null && addressDigest !== null && sha256(addressSalt, Buffer.from(address)).equals(addressDigest)
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const hex = (bytes: Uint8Array | null): string => (bytes === null ? '' : Buffer.from(bytes).toString('hex'))
