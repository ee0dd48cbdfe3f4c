/**
 * What a credential may do. Members hold them by their role (`roles.ts`), keys as listed on the key and no more than their
 * member, employees by their tools.
 */
export const PERMISSIONS = [
  'EMPLOYEES_READ',
  'EMPLOYEES_WRITE',
  'GOALS_READ',
  'GOALS_WRITE',
  'FORMS_READ',
  'FORMS_WRITE',
  'SUBMISSIONS_READ',
  'SUBMISSIONS_WRITE',
  'CONTACTS_READ',
  'CONTACTS_WRITE',
  'DEALS_READ',
  'DEALS_WRITE',
  'RUNS_READ',
  'RUNS_WRITE',
  'APPROVALS_READ',
  'APPROVALS_DECIDE',
  'INBOX_READ',
  'INBOX_WRITE',
  'EVENTS_READ',
  'WORKSPACE_READ',
  'WORKSPACE_WRITE',
  'PERSONAL_DATA_ERASE',
  'MEMBERS_WRITE',
  'OWNERS_WRITE',
  'KEYS_READ',
  'KEYS_WRITE',
] as const

export type Permission = (typeof PERMISSIONS)[number]

/**
 * Who is asking. Members, keys and employees use the same verbs; `system` is the server's own work (sweeps, sequencing),
 * `anonymous` may only use what is public.
 */
export type Viewer =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'apiKey'
      readonly keyId: string
      readonly memberId: string
      readonly name: string
      readonly permissions: ReadonlySet<Permission>
      /** The first characters of the secret that was sent: a key that was rotated has two for a while. */
      readonly prefix?: string
    }
  | {
      /** A person who signed in, in the workspace that the session is in. */
      readonly kind: 'member'
      readonly memberId: string
      readonly accountId: string
      readonly sessionId: string
      readonly name: string
      readonly permissions: ReadonlySet<Permission>
    }
  | {
      /** A person who signed in, in no workspace: they may do what is about their own account. */
      readonly kind: 'account'
      readonly accountId: string
      readonly sessionId: string
      readonly name: string
    }
  | { readonly kind: 'employee'; readonly employeeId: string; readonly name: string; readonly runId: string }
  | { readonly kind: 'system' }

/** The plain form of a viewer that is stored on events and decisions; `name` is looked up anew when it is shown. */
export interface StoredActor {
  readonly kind: 'MEMBER' | 'EMPLOYEE' | 'API_KEY' | 'VISITOR' | 'SYSTEM'
  /** Row id of the member, employee or key; absent for visitors and the system. */
  readonly id?: string
}

/** The kind of record that stands behind an actor; visitors and the system have none. */
export const NODE_OF_ACTOR: Partial<Record<StoredActor['kind'], string>> = {
  MEMBER: 'member',
  EMPLOYEE: 'employee',
  API_KEY: 'api_key',
}

export function storedActor(viewer: Viewer): StoredActor {
  switch (viewer.kind) {
    case 'anonymous':
      return { kind: 'VISITOR' }
    case 'apiKey':
      return { kind: 'API_KEY', id: viewer.keyId }
    case 'member':
      return { kind: 'MEMBER', id: viewer.memberId }
    case 'account':
      // Of no workspace, and so in no workspace's log by name.
      return { kind: 'VISITOR' }
    case 'employee':
      return { kind: 'EMPLOYEE', id: viewer.employeeId }
    case 'system':
      return { kind: 'SYSTEM' }
  }
}
