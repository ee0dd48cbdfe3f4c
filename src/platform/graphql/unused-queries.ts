import type { Logger } from '../observability/logger.ts'
import { reportUnusedQueries } from './builder.ts'

/** A query that was planned for nothing costs time, but fails nobody: elsewhere than in production it is an error. */
export function warnOfUnusedQueries(log: Logger): void {
  const told = new Set<string>()
  reportUnusedQueries((path) => {
    if (told.has(path)) return
    told.add(path)
    log.warn({ path }, 'a query was planned and not used')
  })
}
