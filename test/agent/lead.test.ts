import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office } from './arrange.ts'
import { dyingDatabase } from './dying-database.ts'

const { database, db } = openTestDatabase()

describe('a lead', () => {
  it('that qualifies is judged, gets one deal and one message, and ends with its submission', async () => {
    const office = await Office.open(db, database.url)
    const { runId, submissionId } = await office.lead()
    const counted = dyingDatabase(db)
    await office.work(runId, office.worker({ db: counted.db }))

    const run = await office.run(runId)
    expect(run).toMatchObject({ status: 'SUCCEEDED', reason: 'DONE', rehearsal: true, attempt: 1, cost_micros: '0' })
    expect(await office.count('deal', 'submission_id = $2', [submissionId])).toBe(1)
    expect(await office.count('inbox_message', 'run_id = $2', [runId])).toBe(1)
    expect(await office.rows('select status, qualified from submission where workspace_id = $1')).toEqual([
      { status: 'PROCESSED', qualified: true },
    ])
    const steps = await office.steps(runId)
    expect(steps.map((step) => step.seq)).toEqual(steps.map((_, index) => index))
    expect(run.next_seq).toBe(steps.length)
    expect(steps.filter((step) => step.status !== 'DONE')).toEqual([])
    const effects = await office.effects(runId)
    expect(effects.map((effect) => effect.status)).toEqual(effects.map(() => 'CONFIRMED'))
    // The intake is one more: five of ours in all.
    expect(counted.count()).toBe(4)
    await office.close()
  })

  it('that asks for a call is written to, once, and the mail says which way it went', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead({ wants_call: true })
    const counted = dyingDatabase(db)
    await office.work(runId, office.worker({ db: counted.db }))
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await readdir(office.mailFolder)).toHaveLength(1)
    const [email] = (await office.steps(runId)).filter((step) => step.data.tool === 'send_email')
    expect(email?.data.output).toMatchObject({ via: 'FILE', status: 'SENT' })
    expect(await office.count('submission', 'first_response_at is not null')).toBe(1)
    expect(counted.count()).toBe(7)
    await office.close()
  })
})
