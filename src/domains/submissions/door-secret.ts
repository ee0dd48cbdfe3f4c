import type { Database } from '../../platform/db/database.ts'
import type { DoorSecret } from './page-token.ts'

/*
 * Submissions come in by two doors: the form's page, and GraphQL. Both digest the sender's address with one secret, or
 * the limit per address could be passed twice. The page's door is given it when it is opened; here the other finds it.
 */

// By what all views of one database share.
const secrets = new WeakMap<Database['systemSql'], DoorSecret>()

export function keepDoorSecret(db: Database, secret: DoorSecret): void {
  secrets.set(db.systemSql, secret)
}

/** Undefined in a process that has no public door: then nobody's address is counted. */
export const doorSecretOf = (db: Database): DoorSecret | undefined => secrets.get(db.systemSql)
