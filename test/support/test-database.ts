import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { closeOwner } from './owner.ts'
import { runSql } from './sql.ts'

export interface TestDatabase {
  /** Its owner's URL; the pools take `cadre_app` and `cadre_system` from it by themselves. */
  readonly url: string
  readonly name: string
  drop(): Promise<void>
}

/** A migrated database of one's own, cloned from the run's template in a moment. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { url: serverUrl, template } = inject('postgres')
  const name = `${template}_${randomUUID().slice(0, 8)}`
  await runSql(serverUrl, `create database ${name} template ${template}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    name,
    drop: async () => {
      await closeOwner(url.href)
      for (let tries = 1; ; tries++) {
        // Forcing also ends autovacuum's workers, which a plain owner may not: only for who has not gone by himself, and once
        // more where one was just at work.
        const forced = tries % 2 === 0 ? ' with (force)' : ''
        try {
          await runSql(serverUrl, `drop database if exists ${name}${forced}`)
          return
        } catch (err) {
          if (tries === 6) throw err
        }
      }
    },
  }
}
