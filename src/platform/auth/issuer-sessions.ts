// The session of a bearer token that an issuer of OpenID Connect has made.
//
// What a session is asked for everywhere else (who may revoke it, whether it stands at the moment of a change) is asked for
// here as well: so each token has a row of its own, made when it is sent first, whose id follows from what is signed in it.
// Sending it again finds the row, also one that was revoked. No account is made here, nor connected: that is done once, in
// a browser, where its person reads what happens.

import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { stringify } from 'uuid'
import type { Database } from '../db/database.ts'
import { unauthenticated } from '../lib/errors.ts'
import { isUuid } from '../lib/ids.ts'
import type { Issuer } from './issuer.ts'
import { type FoundSession, findSession } from './sessions.ts'

interface Asked {
  readonly token: string
  /** The slug or id of the workspace that it is to speak in. */
  readonly workspace: string | undefined
  readonly now: Date
  /** Whether it was let in before by this process, and is looked at again. */
  readonly letIn: boolean
}

const EXPIRED = 'This token has expired.'
const REVOKED = 'This token’s session was revoked: sign in again.'

/** The same for a token however often it is sent. Of the signed part alone: of some signatures there are two that fit. */
export function issuerSessionId(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'))
  const bytes = createHash('sha256').update(`issuer ${signed}`).digest().subarray(0, 16)
  // A UUID of a kind of one's own: RFC 9562, version 8.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return stringify(bytes)
}

/**
 * The session of a token, in the workspace that is named by its slug or id: without a name in the account's only one, and in
 * none where it has several. UNAUTHENTICATED for a token that is not valid, of somebody who has no account here or is no
 * member there, and one whose session was revoked; UNAVAILABLE while the issuer's keys cannot be had. Of a token that was let
 * in before its session alone is looked at: nobody stays for as long as the issuer takes to answer.
 */
export async function findIssuerSession(db: Database, issuer: Issuer, asked: Asked): Promise<FoundSession> {
  const { token, workspace, now, letIn } = asked
  if (letIn) return await findStanding(db, asked)
  const { claims, expiresAt } = await issuer.verify(token)
  // The issuer's clock may go after ours; a session ends by ours.
  if (expiresAt <= now.getTime()) throw unauthenticated(EXPIRED)
  const identity = await db.systemSql
    .selectFrom('accountIdentity')
    .innerJoin('account', 'account.id', 'accountIdentity.accountId')
    .select(['accountIdentity.id', 'accountIdentity.accountId'])
    .where('accountIdentity.issuer', '=', claims.issuer)
    .where('accountIdentity.subject', '=', claims.subject)
    .where('account.status', '=', 'ACTIVE')
    .executeTakeFirst()
  if (identity === undefined) {
    throw unauthenticated(`This token’s person has no account here. Sign in once at /sign-in with ${issuer.name}.`)
  }
  const { accountId } = identity
  const workspaceId = await workspaceOf(db, accountId, workspace)
  const key = { sessionId: issuerSessionId(token), accountId, workspaceId }
  const found = await findSession(db, key, now)
  if (found !== undefined) return found
  await keepSession(db, { ...key, identityId: identity.id, now, expiresAt: new Date(expiresAt) })
  const made = await findSession(db, key, now)
  if (made === undefined) throw unauthenticated(REVOKED)
  return made
}

/** The session of a token that was verified before. */
async function findStanding(db: Database, { token, workspace, now }: Asked): Promise<FoundSession> {
  const sessionId = issuerSessionId(token)
  const session = await db.systemSql
    .selectFrom('session')
    .select(['accountId', 'expiresAt'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined) throw unauthenticated(REVOKED)
  if (session.expiresAt <= now) throw unauthenticated(EXPIRED)
  const { accountId } = session
  const workspaceId = await workspaceOf(db, accountId, workspace)
  const found = await findSession(db, { sessionId, accountId, workspaceId }, now)
  if (found === undefined) throw unauthenticated(REVOKED)
  return found
}

interface Kept {
  readonly sessionId: string
  readonly accountId: string
  readonly identityId: string
  readonly workspaceId: string | null
  readonly now: Date
  readonly expiresAt: Date
}

/**
 * Makes the row, unless it is there. The sign-in that it comes by is held for that: who disconnects it at this moment either
 * ends this session with the others, or there is none. The account is held before it, as by who erases the account: neither
 * waits for the other in a ring.
 */
async function keepSession(db: Database, kept: Kept): Promise<void> {
  const { sessionId, accountId, identityId, workspaceId, now, expiresAt } = kept
  await db.systemSql
    .with('person', (query) => query.selectFrom('account').select('id').where('id', '=', accountId).forKeyShare())
    .with('used', (query) =>
      query
        .updateTable('accountIdentity')
        .from('person')
        .set({ lastUsedAt: now })
        .where('accountIdentity.id', '=', identityId)
        .whereRef('accountIdentity.accountId', '=', 'person.id')
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('session').select('session.id').where('session.id', '=', sessionId))),
        )
        .returning(['accountIdentity.id', 'accountIdentity.accountId']),
    )
    .insertInto('session')
    .columns(['id', 'accountId', 'identityId', 'kind', 'workspaceId', 'createdAt', 'lastUsedAt', 'expiresAt'])
    .expression((query) =>
      query
        .selectFrom('used')
        .select([
          sql<string>`${sessionId}::uuid`.as('id'),
          'used.accountId',
          'used.id as identityId',
          sql<string>`'PROGRAM'`.as('kind'),
          sql<string | null>`${workspaceId}::uuid`.as('workspaceId'),
          sql<Date>`${now}::timestamptz`.as('createdAt'),
          sql<Date>`${now}::timestamptz`.as('lastUsedAt'),
          sql<Date>`${expiresAt}::timestamptz`.as('expiresAt'),
        ]),
    )
    .onConflict((known) => known.column('id').doNothing())
    .execute()
}

async function workspaceOf(db: Database, accountId: string, named: string | undefined): Promise<string | null> {
  const memberships = db.systemSql
    .selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select('workspace.id')
    .where('member.accountId', '=', accountId)
    .where('member.removedAt', 'is', null)
    .where('workspace.status', '=', 'ACTIVE')
    .limit(2)
  if (named === undefined) {
    const [only, another] = await memberships.execute()
    return only === undefined || another !== undefined ? null : only.id
  }
  const id = named.replace(/^workspace_/, '').toLowerCase()
  const asked = isUuid(id)
    ? memberships.where('workspace.id', '=', id)
    : memberships.where('workspace.slug', '=', named)
  const workspace = await asked.executeTakeFirst()
  if (workspace === undefined) throw unauthenticated('There is no such workspace, or you are no member of it.')
  return workspace.id
}
