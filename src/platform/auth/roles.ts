// What each role of a member may do, in one place.
//
// A key speaks for a member: what it may do is what stands on the key and what the member's role holds at that moment,
// both. So lowering a role lowers every key of that member, and raising it gives a key no more than was written on it.
//
// What reaches beyond a list of permissions is made of them, too. KEYS_WRITE is about one's own keys; those of others
// need MEMBERS_WRITE besides. Whatever touches an owner (making one, changing or removing one, rotating one's key) needs
// OWNERS_WRITE, which only owners hold: so nobody gives a role above their own.

import { PERMISSIONS, type Permission } from './viewer.ts'

/** From most to least: each may what the next may. */
export const MEMBER_ROLES = ['OWNER', 'ADMIN', 'MEMBER', 'VIEWER'] as const
export type MemberRole = (typeof MEMBER_ROLES)[number]

/** Sees everything, keys without their secrets included, and changes nothing. */
const VIEWER = [
  'EMPLOYEES_READ',
  'GOALS_READ',
  'FORMS_READ',
  'SUBMISSIONS_READ',
  'CONTACTS_READ',
  'DEALS_READ',
  'RUNS_READ',
  'APPROVALS_READ',
  'INBOX_READ',
  'EVENTS_READ',
  'WORKSPACE_READ',
  'KEYS_READ',
] as const satisfies readonly Permission[]

/** Works with everything, decides what employees ask, and looks after their own keys. */
const MEMBER = [
  ...VIEWER,
  'EMPLOYEES_WRITE',
  'GOALS_WRITE',
  'FORMS_WRITE',
  'SUBMISSIONS_WRITE',
  'CONTACTS_WRITE',
  'DEALS_WRITE',
  'RUNS_WRITE',
  'APPROVALS_DECIDE',
  'INBOX_WRITE',
  'KEYS_WRITE',
] as const satisfies readonly Permission[]

/** Also looks after the workspace, its members and everybody's keys. */
const ADMIN = [...MEMBER, 'WORKSPACE_WRITE', 'MEMBERS_WRITE'] as const satisfies readonly Permission[]

/** Everything. */
const OWNER = [...ADMIN, 'OWNERS_WRITE'] as const satisfies readonly Permission[]

export const ROLE_PERMISSIONS: Readonly<Record<MemberRole, ReadonlySet<Permission>>> = {
  OWNER: new Set(OWNER),
  ADMIN: new Set(ADMIN),
  MEMBER: new Set(MEMBER),
  VIEWER: new Set(VIEWER),
}

const isMemberRole = (role: string): role is MemberRole => MEMBER_ROLES.some((known) => known === role)

/** What a role holds. A word that is not known is no role, and holds nothing. */
export const permissionsOfRole = (role: string): ReadonlySet<Permission> =>
  isMemberRole(role) ? ROLE_PERMISSIONS[role] : new Set()

/** What a key may do: of what stands on it, what its member's role holds. A word that is not known is no permission. */
export function permissionsOfKey(written: readonly string[], role: string): ReadonlySet<Permission> {
  if (!isMemberRole(role)) return new Set()
  return new Set(
    PERMISSIONS.filter((permission) => written.includes(permission) && ROLE_PERMISSIONS[role].has(permission)),
  )
}
