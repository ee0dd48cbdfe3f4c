import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createJournal } from '../../src/agent/journal.ts'
import type { Model } from '../../src/agent/model/model.ts'
import { createModel } from '../../src/agent/model/model.ts'
import { registryOf } from '../../src/agent/tools/registry.ts'
import { decideApproval, sweepApprovals } from '../../src/domains/approvals/service.ts'
import { pauseEmployee, resumeEmployee } from '../../src/domains/employees/service.ts'
import { claimSegment, lockRun, sweepRuns } from '../../src/domains/runs/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { CommitUnknown } from '../../src/platform/db/transaction.ts'
import { SegmentLetGo } from '../../src/platform/durable/segments.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { systemContext, testLog } from '../support/context.ts'
import { startMessagesServer } from '../support/messages-server.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, process, rehearsal } from './arrange.ts'

/* What may not happen to a run although nothing is wrong with it: stopped, restarted, paused, unheard, beside a bad one. */

const { database, db } = openTestDatabase()

const silentLog = testLog.child({}, { level: 'silent' })

/** The database whose transaction with this number commits, while the answer to its COMMIT is lost. */
function unheardAt(at: number): Database {
  let transactions = 0
  return {
    ...db,
    inTransaction: async (ctx, work, options) => {
      transactions += 1
      const result = await db.inTransaction(ctx, work, options)
      if (transactions === at) throw new CommitUnknown(new Error('connection lost'))
      return result
    },
  }
}

async function approveAll(office: Office, runId: string): Promise<void> {
  for (const { id, status } of await office.approvals(runId)) {
    if (status === 'PENDING') await office.do((tx) => decideApproval(tx, { id, decision: 'APPROVE' }), office.ada)
  }
}

/** Works the run to its end; whoever is asked says yes. */
async function finish(office: Office, runId: string, work = office.worker(), executor = process()): Promise<void> {
  for (;;) {
    const { status } = await office.run(runId)
    if (status === 'WAITING') await approveAll(office, runId)
    else if (status !== 'QUEUED' && status !== 'RUNNING') return
    else {
      await office.work(runId, work, executor).catch((err: unknown) => {
        if (!(err instanceof CommitUnknown)) throw err
      })
    }
  }
}

describe('a commit that was not heard of', () => {
  it.each(Array.from({ length: 13 }, (_, index) => index + 1))(
    'at transaction %i of a run that asks before everything leaves each approved act done once and told as done',
    async (at) => {
      const office = await Office.open(db, database.url, { autonomy: 'DRAFT' })
      const { runId } = await office.lead({ wants_call: true })
      await finish(office, runId, office.worker({ db: unheardAt(at) }))
      expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', takeovers: 0 })
      const statuses = (await office.approvals(runId)).map(({ status }) => status)
      expect(statuses).toEqual(statuses.map(() => 'EXECUTED'))
      const calls = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
      expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 'DONE'))
      expect(await office.count('deal')).toBe(1)
      expect(await readdir(office.mailFolder)).toHaveLength(1)
      const finished = (await office.eventTypes(runId)).filter((type) => type === 'step.finished')
      expect(finished).toHaveLength(new Set((await office.steps(runId)).map(({ seq }) => seq)).size + calls.length)
      await office.close()
    },
  )

  it('is not repeated, whatever it wrote: every write leaves its trace in the fence', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const claim = await office.do((tx) => claimSegment(tx, { runId, segment: 1, executorId: newId() }))
    if (claim.kind !== 'CLAIMED') throw new Error(claim.kind)
    const ctx = { ...office.ctx(), db: unheardAt(1) }
    const journal = createJournal(ctx, claim.run.fence, new AbortController().signal)
    let worked = 0
    for (let write = 0; write < 3; write++) await journal.write({ steps: 0 }, async () => (worked += 1))
    expect(worked).toBe(3)
    expect(await office.rows('select writes, next_seq from run where workspace_id = $1')).toEqual([
      { writes: 3, next_seq: 0 },
    ])
    await office.close()
  })
})

describe('a turn that sends the same thing twice', () => {
  it('sends it once and asks about the second, and its run goes on', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const [contact] = await office.rows<{ id: string }>('select id from contact where workspace_id = $1')
    const input = { contact: `contact_${contact?.id}`, subject: 'Hello', body: 'Hello' }
    const send = (id: string) => ({ type: 'tool_use', id, name: 'send_email', input }) as const
    const server = await startMessagesServer({
      script: [
        { kind: 'message', content: [send('a'), send('b')] },
        { kind: 'message', content: [{ type: 'text', text: 'Done.' }] },
      ],
    })
    const work = office.worker({
      model: createModel({ mode: 'live', apiKey: 'key', baseUrl: server.url, timeoutMs: 20_000 }),
    })
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'APPROVAL' })
    expect((await office.effects(runId)).map(({ status }) => status)).toEqual(['CONFIRMED'])
    const [approval, ...more] = await office.approvals(runId)
    expect(more).toEqual([])
    expect(approval?.reason).toContain('The same was sent to the same address in this run before.')
    await approveAll(office, runId)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect((await office.effects(runId)).map(({ status }) => status)).toEqual(['CONFIRMED', 'CONFIRMED'])
    await server.stop()
    await office.close()
  })
})

describe('an approved act whose tool is gone', () => {
  it('fails, its approval with it, and the run goes on', async () => {
    const office = await Office.open(db, database.url, { autonomy: 'DRAFT' })
    const { runId } = await office.lead()
    await office.work(runId)
    const [approval] = await office.approvals(runId)
    await approveAll(office, runId)
    const registry = registryOf(office.registry.all.filter(({ name }) => name !== approval?.tool))
    await office.work(runId, office.worker({ registry }))
    expect((await office.approvals(runId))[0]?.status).toBe('FAILED')
    const step = (await office.steps(runId)).find(({ data }) => data.tool === approval?.tool)
    expect(step).toMatchObject({ status: 'FAILED', data: { output: { error: { code: 'UNKNOWN_TOOL' } } } })
    await office.close()
  })
})

/** A resumption that is written but not committed yet; `commit` ends it. */
async function resumeSlowly(office: Office): Promise<{ commit(): Promise<unknown> }> {
  let commit = () => {}
  const gate = new Promise<void>((resolve) => {
    commit = resolve
  })
  let resumed: Promise<unknown> = Promise.resolve()
  await new Promise<void>((resolve) => {
    resumed = office.do(async (tx) => {
      await resumeEmployee(tx, { id: office.employeeId })
      resolve()
      await gate
    })
  })
  return {
    commit: () => {
      commit()
      return resumed
    },
  }
}

async function untilBlocked(office: Office): Promise<void> {
  const waiting = `select 1 from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database() and $1::uuid is not null`
  while ((await office.rows(waiting)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('an employee that is resumed while its run is about to stand still', () => {
  it('works the run on that was just being claimed', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    await office.do((tx) => pauseEmployee(tx, { id: office.employeeId }))
    const resumption = await resumeSlowly(office)
    const working = office.work(runId)
    await Promise.race([working, untilBlocked(office)])
    await resumption.commit()
    await working
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('works the run on that was just recording a turn', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const inner = rehearsal()
    let resumption: Awaited<ReturnType<typeof resumeSlowly>> | undefined
    const model: Model = {
      ...inner,
      attempt: async (request) => {
        if (resumption === undefined) {
          await office.do((tx) => pauseEmployee(tx, { id: office.employeeId }))
          resumption = await resumeSlowly(office)
        }
        return inner.attempt(request)
      },
    }
    const working = office.work(runId, office.worker({ model }))
    await Promise.race([working, untilBlocked(office)])
    await resumption?.commit()
    await working
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })
})

describe('a process that stops', () => {
  /** What a call comes to in whose middle the process is told to end. */
  const cutShort = (asked: () => void): Model => ({
    ...rehearsal(),
    attempt: async () => {
      asked()
      return { ok: false, error: { kind: 'ABORTED', message: 'aborted', sent: true } }
    },
  })

  it.each(['stopping', 'taken over'] as const)('%s in the middle of a call: only a take-over counts', async (why) => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    for (let restart = 0; restart < 3; restart++) {
      const letGo = new AbortController()
      const work = office.worker({ model: cutShort(() => letGo.abort(new SegmentLetGo(why))) })
      await expect(office.work(runId, work, { ...process(), signal: letGo.signal })).rejects.toThrow()
    }
    await office.work(runId)
    expect(await office.run(runId)).toMatchObject(
      why === 'stopping' ? { status: 'SUCCEEDED' } : { status: 'FAILED', reason: 'POISON' },
    )
    await office.close()
  })

  it('gives back the money that it held for a call it did not make', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000_000n })
    const { runId } = await office.lead()
    const letGo = new AbortController()
    const stopping: Database = {
      ...db,
      inTransaction: async (ctx, work, options) => {
        const result = await db.inTransaction(ctx, work, options)
        letGo.abort(new SegmentLetGo('stopping'))
        return result
      },
    }
    const model: Model = { ...rehearsal(), mode: 'live' }
    const work = office.worker({ db: stopping, model })
    await expect(office.work(runId, work, { ...process(), signal: letGo.signal })).rejects.toThrow('stopping')
    const held = 'select status from budget_reservation where workspace_id = $1 order by attempt'
    expect(await office.rows(held)).toEqual([{ status: 'RELEASED' }])
    await office.work(runId, office.worker({ model }))
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await office.count('budget_reservation', `status = 'LOST'`)).toBe(0)
    await office.close()
  })
})

describe('a claim', () => {
  it('is not made for a segment that was given to another process in the meantime', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const late = { ...process(), isOurs: async () => false }
    await expect(office.work(runId, office.worker(), late)).rejects.toThrow('worked elsewhere')
    expect(await office.run(runId)).toMatchObject({ status: 'QUEUED', attempt: 0 })
    await office.work(runId)
    // The run has left the segment behind, so there is nothing to wait for.
    await office.work(runId, office.worker(), late)
    expect((await office.run(runId)).attempt).toBe(1)
    await office.close()
  })

  it('of a run that cannot be seen fails and does not count as done', async () => {
    const office = await Office.open(db, database.url)
    const segment = { workspaceId: office.id, runId: newId(), segment: 1 }
    const work = office.worker({ log: silentLog })
    await expect(work(segment, process())).rejects.toThrow('cannot be seen')
    await expect(work(segment, { ...process(), isOurs: async () => false })).rejects.toThrow('cannot be seen')
    await office.close()
  })
})

describe('a sweep', () => {
  /** Two offices, the first of which cannot be dealt with. */
  const pair = async (autonomy: 'AUTONOMOUS' | 'SUPERVISED') => {
    const bad = await Office.open(db, database.url, { autonomy })
    const good = await Office.open(db, database.url, { autonomy })
    const contextOf = (workspaceId: string) => {
      if (workspaceId === bad.id) throw new Error('a bad row')
      return systemContext(db, workspaceId)
    }
    return { bad, good, contextOf }
  }

  it('of runs that fails at some deals with those behind them, also beyond a whole batch', async () => {
    const { bad, good, contextOf } = await pair('AUTONOMOUS')
    for (let lead = 0; lead < 51; lead++) await bad.lead()
    const { runId } = await good.lead()
    await bad.rows(`update run set deadline = now() - interval '2 hours' where workspace_id = $1`)
    await good.rows(`update run set deadline = now() - interval '1 hour' where workspace_id = $1`)
    expect(await sweepRuns(db, contextOf, silentLog)).toBe(1)
    expect((await good.run(runId)).status).toBe('EXPIRED')
    expect(await bad.count('run', `status = 'QUEUED'`)).toBe(51)
    expect(await sweepRuns(db, (id) => systemContext(db, id), testLog)).toBe(50)
    expect(await sweepRuns(db, (id) => systemContext(db, id), testLog)).toBe(1)
    await bad.close()
    await good.close()
  })

  it('of approvals that fails at one closes the others', async () => {
    const { bad, good, contextOf } = await pair('SUPERVISED')
    for (const office of [bad, good]) {
      const { runId } = await office.lead({ wants_call: true })
      await office.work(runId)
      const hours = office === bad ? 2 : 1
      await office.rows(`update approval set expires_at = now() - interval '${hours} hours' where workspace_id = $1`)
    }
    expect(await sweepApprovals(db, contextOf, silentLog)).toBe(1)
    expect(await good.count('approval', `status = 'EXPIRED'`)).toBe(1)
    expect(await bad.count('approval', `status = 'PENDING'`)).toBe(1)
    await bad.close()
    await good.close()
  })

  it('leaves what somebody has locked for its next pass and does not wait for it', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    await office.rows(`update run set deadline = now() - interval '1 hour' where workspace_id = $1`)
    const swept = await office.do(async (tx) => {
      await lockRun(tx, runId)
      return sweepRuns(db, (id) => systemContext(db, id), testLog)
    })
    expect(swept).toBe(0)
    expect(await sweepRuns(db, (id) => systemContext(db, id), testLog)).toBe(1)
    expect((await office.run(runId)).status).toBe('EXPIRED')
    await office.close()
  })
})
