import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { SEQUENCER_LOCK } from '../../src/platform/events/epoch.ts'

/** Nothing is moved into the log until `letGo` or the end of the test; `awaited` resolves when somebody would. */
export async function holdSequencing({ system }: Pick<Database, 'system'>) {
  const holder = await system.connect()
  await holder.query('begin')
  await holder.query(`select pg_advisory_xact_lock(${SEQUENCER_LOCK})`)
  let isHeld = true
  const letGo = async () => {
    if (!isHeld) return
    isHeld = false
    await holder.query('commit')
    holder.release()
  }
  onTestFinished(letGo)
  return {
    letGo,
    awaited: async () => {
      const waiting = `select from pg_locks where locktype = 'advisory' and not granted
                          and database = (select oid from pg_database where datname = current_database())`
      while ((await holder.query(waiting)).rowCount === 0) await setTimeout(10)
    },
  }
}

/** The answer to what was asked while nothing was moved into the log, which begins again some time after there was cause. */
export async function whileHeld<Answer>(db: Pick<Database, 'system'>, asked: () => Promise<Answer>): Promise<Answer> {
  const { awaited, letGo } = await holdSequencing(db)
  const answer = asked()
  await awaited()
  await Promise.race([answer, setTimeout(500)])
  await letGo()
  return answer
}
