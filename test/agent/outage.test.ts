import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/agent/model/model.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { CommitUnknown } from '../../src/platform/db/transaction.ts'
import { isAppError, unavailable } from '../../src/platform/lib/errors.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, process, rehearsal } from './arrange.ts'

/*
 * The database goes away under a process that lives on: before a transaction, or in the middle of its COMMIT, whose answer is
 * lost whether it happened or not. The process goes on by itself, asks the model nothing twice and does nothing twice.
 */

const { database, db } = openTestDatabase()

type Fault = 'AWAY' | 'COMMITTED_UNHEARD' | 'NOT_COMMITTED_UNHEARD'

function failingDatabase(at: number, fault: Fault): Database {
  let transactions = 0
  return {
    ...db,
    inTransaction: async (ctx, work, options) => {
      transactions += 1
      if (transactions !== at) return db.inTransaction(ctx, work, options)
      switch (fault) {
        case 'AWAY':
          throw unavailable('The database cannot be reached at the moment.')
        case 'COMMITTED_UNHEARD':
          await db.inTransaction(ctx, work, options)
          throw new CommitUnknown(new Error('connection lost'))
        case 'NOT_COMMITTED_UNHEARD':
          return db.inTransaction(
            ctx,
            async (tx) => {
              await work(tx)
              throw new CommitUnknown(new Error('connection lost'))
            },
            options,
          )
      }
    },
  }
}

function countedModel(): { model: Model; asked: () => number } {
  const inner = rehearsal()
  let asked = 0
  return {
    asked: () => asked,
    model: {
      ...inner,
      attempt: (request) => {
        asked += 1
        return inner.attempt(request)
      },
    },
  }
}

const CASES = (['AWAY', 'COMMITTED_UNHEARD', 'NOT_COMMITTED_UNHEARD'] as const).flatMap((fault) =>
  [1, 2, 3, 4, 5, 6, 7].map((at) => ({ fault, at })),
)

describe('an outage of the database', () => {
  it.each(CASES)('$fault at transaction $at costs no turn and does nothing twice', async ({ fault, at }) => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead({ wants_call: true })
    const { model, asked } = countedModel()
    const work = office.worker({ db: failingDatabase(at, fault), model })
    const executor = process()
    // What the queue does with a segment that could not be claimed: it is tried again.
    while ((await office.run(runId)).status !== 'SUCCEEDED') {
      await office.work(runId, work, executor).catch((err: unknown) => {
        if (!(err instanceof CommitUnknown) && !(isAppError(err) && err.code === 'UNAVAILABLE')) throw err
      })
    }
    const undisturbed = countedModel()
    const other = await office.lead({ wants_call: true })
    await office.work(other.runId, office.worker({ model: undisturbed.model }))
    expect(asked()).toBe(undisturbed.asked())

    const run = await office.run(runId)
    expect(run).toMatchObject({ reason: 'DONE', takeovers: 0 })
    const steps = await office.steps(runId)
    expect(steps.map((step) => step.seq)).toEqual(steps.map((_, index) => index))
    expect(run.next_seq).toBe(steps.length)
    expect(steps).toHaveLength((await office.steps(other.runId)).length)
    expect(await office.count('deal')).toBe(2)
    expect(await office.count('inbox_message')).toBe(2)
    expect(await readdir(office.mailFolder)).toHaveLength(2)
    expect((await office.effects(runId)).map(({ status }) => status)).not.toContain('UNKNOWN')
    expect((await office.eventTypes(runId)).filter((type) => type === 'run.finished')).toHaveLength(1)
    await office.close()
  })
})
