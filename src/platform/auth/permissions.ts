import { AppError, forbidden, unauthenticated } from '../lib/errors.ts'
import type { Permission, Viewer } from './viewer.ts'

/** Whether the viewer holds the permission. An employee's mandate is checked by the executor, before the verb is called. */
export function hasPermission(viewer: Viewer, permission: Permission): boolean {
  switch (viewer.kind) {
    case 'anonymous':
    case 'account':
      return false
    case 'member':
    case 'apiKey':
      return viewer.permissions.has(permission)
    case 'employee':
    case 'system':
      return true
  }
}

/** Throws UNAUTHENTICATED for nobody, FORBIDDEN (with what it needs) for somebody without the permission. */
export function requirePermission(viewer: Viewer, permission: Permission): void {
  if (viewer.kind === 'anonymous') throw unauthenticated()
  if (viewer.kind === 'account') throw outsideWorkspace(permission)
  if (!hasPermission(viewer, permission)) throw forbidden(permission)
}

/** For an account whose session is in no workspace. */
export const outsideWorkspace = (needs: Permission): AppError =>
  new AppError('FORBIDDEN', 'You are in no workspace: switch into one, accept an invite, or found your own.', { needs })

/** The viewer as a person who signed in, in a workspace or none. */
export type SignedIn = Extract<Viewer, { readonly sessionId: string }>

/** Throws UNAUTHENTICATED for whoever did not sign in: keys speak for members, and an account is a person's own. */
export function requireSession(viewer: Viewer): SignedIn {
  if (viewer.kind === 'member' || viewer.kind === 'account') return viewer
  throw unauthenticated(
    viewer.kind === 'apiKey' ? 'This is for a person who signed in: a key cannot do it.' : 'Sign in first.',
  )
}
