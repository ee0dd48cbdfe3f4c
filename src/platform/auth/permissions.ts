import { forbidden, unauthenticated } from '../lib/errors.ts'
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
  if (!hasPermission(viewer, permission)) throw forbidden(permission)
}
