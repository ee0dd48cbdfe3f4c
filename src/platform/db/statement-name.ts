import { LRUCache } from 'lru-cache'

const MAX_STATEMENTS = 1_000
const MAX_STATEMENT_LENGTH = 8 * 1_024
const names = new LRUCache<string, string>({ max: MAX_STATEMENTS })
let namesGiven = 0

/**
 * The name under which a statement is prepared, by its text: one list per process, because a connection serves Kysely
 * and Prisma in turn and a name must mean one text on it, so that no name is given twice. The texts used last have
 * names; a text that comes back after it was dropped gets a new one, and the old one ends with its connection. Long
 * texts are odd ones, and are sent unprepared (undefined).
 */
export function statementName(text: string): string | undefined {
  if (text.length > MAX_STATEMENT_LENGTH) return undefined
  const known = names.get(text)
  if (known !== undefined) return known
  const name = `s${namesGiven}`
  namesGiven += 1
  names.set(text, name)
  return name
}
