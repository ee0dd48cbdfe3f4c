// The workspaces of an account. Read across workspaces, as the system, and of one's own account only.

import { randomBytes } from 'node:crypto'
import type { MemberRole } from '../../platform/auth/roles.ts'
import type { Ctx } from '../../platform/context.ts'
import { conflict, invalidInput } from '../../platform/lib/errors.ts'
import { slugOf } from '../workspaces/model.ts'
import { findWorkspaceBySlug } from '../workspaces/service.ts'

/** That an account belongs to a workspace, and as what. */
export interface Membership {
  readonly workspaceId: string
  readonly memberId: string
  readonly slug: string
  readonly name: string
  readonly role: MemberRole
}

const MAX_LISTED = 200

/** The workspaces of an account, in the order in which it joined; 200 at most. */
export async function listMemberships({ db }: Pick<Ctx, 'db'>, accountId: string): Promise<Membership[]> {
  const rows = await db.systemSql
    .selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select(['member.workspaceId', 'member.id as memberId', 'member.role', 'workspace.slug', 'workspace.name'])
    .where('member.accountId', '=', accountId)
    .where('member.removedAt', 'is', null)
    .where('workspace.status', '=', 'ACTIVE')
    .orderBy('member.id')
    .limit(MAX_LISTED)
    .execute()
  return rows.map((row) => ({ ...row, role: row.role as MemberRole }))
}

/**
 * The workspace that a new session begins in: the one that is asked for by its slug; else the one where the account was
 * last; else its first; null for an account without any. INVALID_INPUT for one that it does not belong to, as for one that
 * there is not.
 */
export async function firstWorkspace(ctx: Pick<Ctx, 'db'>, accountId: string, slug?: string): Promise<string | null> {
  const memberships = await listMemberships(ctx, accountId)
  if (slug !== undefined) {
    const asked = memberships.find((each) => each.slug === slug)
    if (asked !== undefined) return asked.workspaceId
    const message = 'You belong to no workspace of this name.'
    throw invalidInput([{ path: ['workspace'], code: 'UNKNOWN_REFERENCE', message }])
  }
  const last = await ctx.db.systemSql
    .selectFrom('session')
    .select('workspaceId')
    .where('accountId', '=', accountId)
    .where('workspaceId', 'is not', null)
    .orderBy('lastUsedAt', 'desc')
    .limit(1)
    .executeTakeFirst()
  const known = memberships.find(({ workspaceId }) => workspaceId === last?.workspaceId)
  return (known ?? memberships[0])?.workspaceId ?? null
}

/** `npm start` knows its own workspace by this slug. */
const RESERVED = new Set(['demo'])

/**
 * The slug as asked for, or one made of the name that is free at this moment. CONFLICT for one that nobody may have; whether
 * somebody has the one that is asked for, founding tells: a repetition finds its own.
 */
export async function chooseSlug({ db }: Pick<Ctx, 'db'>, name: string, asked: string | undefined): Promise<string> {
  if (asked !== undefined) {
    if (RESERVED.has(asked)) throw conflict('DUPLICATE', 'There is a workspace with this slug already.')
    return asked
  }
  const made = slugOf(name)
  const isFree = !RESERVED.has(made) && (await findWorkspaceBySlug(db.systemSql, made)) === null
  return isFree ? made : `${made}-${randomBytes(3).toString('hex')}`
}

/** Throws CONFLICT where only who owns a workspace, or sets the server up, may found one. */
export async function assertMayFound(ctx: Pick<Ctx, 'db' | 'accounts'>, accountId: string): Promise<void> {
  if (ctx.accounts?.signUp === 'open') return
  const owners = ctx.db.systemSql
    .selectFrom('member')
    .select('id')
    .where('role', '=', 'OWNER')
    .where('removedAt', 'is', null)
    .limit(1)
  if ((await owners.where('accountId', '=', accountId).executeTakeFirst()) !== undefined) return
  // Before the first one there is nobody to be asked.
  if ((await owners.where('accountId', 'is not', null).executeTakeFirst()) === undefined) return
  throw conflict('CLOSED', 'This server is by invitation: who owns a workspace may found another one.')
}
