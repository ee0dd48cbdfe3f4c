import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { decideApproval } from '../../src/domains/approvals/service.ts'
import type { Autonomy } from '../../src/domains/employees/model.ts'
import { createMailer, type Mailer } from '../../src/domains/mail/mailer.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, process } from './arrange.ts'
import { Crash, type CrashPoint, dyingDatabase } from './dying-database.ts'

/*
 * A process is killed at each boundary there is, once per test: before the commit of every transaction of a run, after it,
 * before a mail leaves and after it has left. Another process goes on. Whatever the point: one deal, one message, every step
 * once, and never a second mail.
 */

const { database, db } = openTestDatabase()

interface Story {
  readonly name: string
  readonly autonomy: Autonomy
  readonly answers: Record<string, unknown>
  /** How many transactions the whole run takes when nobody dies; the test counts them itself. */
  readonly transactions: number
  readonly mails: number
}

const MAILED = { answers: { wants_call: true }, mails: 1 }
const STORIES: readonly Story[] = [
  { name: 'a qualified lead', autonomy: 'AUTONOMOUS', answers: {}, transactions: 4, mails: 0 },
  { ...MAILED, name: 'a lead that is written to', autonomy: 'AUTONOMOUS', transactions: 7 },
  { ...MAILED, name: 'a lead whose mail is approved by a person', autonomy: 'SUPERVISED', transactions: 8 },
  { ...MAILED, name: 'a lead of an employee who asks before everything', autonomy: 'DRAFT', transactions: 13 },
]

/** An office with a lead as the story has it. */
async function begin({ autonomy, answers }: Story) {
  const office = await Office.open(db, database.url, { autonomy })
  const { runId } = await office.lead(answers)
  return { office, runId }
}

/** Works the run to its end: processes that may die, and a person who approves. Counts all transactions of the workers. */
async function live(office: Office, runId: string, point?: CrashPoint, mailer?: Mailer): Promise<number> {
  const first = dyingDatabase(db, point)
  const registry = mailer === undefined ? office.registry : office.registryWith(mailer)
  let work = office.worker({ db: first.db, registry })
  let executor = process(randomUUID())
  let died = false
  for (;;) {
    const run = await office.run(runId)
    if (run.status === 'WAITING') {
      for (const approval of await office.approvals(runId)) {
        if (approval.status !== 'PENDING') continue
        // Asked whether to send again what may have been sent, a careful person says no.
        const decision = approval.reason.startsWith('Nobody knows whether') ? 'REJECT' : 'APPROVE'
        await office.do((tx) => decideApproval(tx, { id: approval.id, decision }), office.ada)
      }
    } else if (run.status === 'QUEUED' || run.status === 'RUNNING') {
      try {
        await office.work(runId, work, executor)
      } catch (err) {
        if (!(err instanceof Crash) || died) throw err
        died = true
        work = office.worker()
        executor = process(randomUUID())
      }
    } else return first.count()
  }
}

async function expectWholeAndOnce(office: Office, runId: string, story: Story): Promise<void> {
  const run = await office.run(runId)
  expect(run).toMatchObject({ status: 'SUCCEEDED', reason: 'DONE' })
  expect(await office.count('deal')).toBe(1)
  expect(await office.count('inbox_message')).toBe(1)
  const steps = await office.steps(runId)
  expect(steps.map((step) => step.seq)).toEqual(steps.map((_, index) => index))
  expect(run.next_seq).toBe(steps.length)
  const done = steps.filter((step) => step.kind === 'TOOL_CALL' && step.status === 'DONE').map((step) => step.data.tool)
  expect(done).toEqual([...new Set(done)])
  expect(steps.filter((step) => step.status === 'RUNNING' || step.status === 'WAITING')).toEqual([])
  expect((await office.eventTypes(runId)).filter((type) => type === 'run.finished')).toHaveLength(1)
  expect((await office.eventTypes(runId)).filter((type) => type === 'deal.created')).toHaveLength(1)
  const mails = await readdir(office.mailFolder)
  expect(mails).toHaveLength(story.mails)
  expect(await office.rows('select status from submission where workspace_id = $1')).toEqual([{ status: 'PROCESSED' }])
}

describe.each(STORIES)('a process killed while it works $name', (story) => {
  it(`takes ${story.transactions} transactions when nobody dies`, async () => {
    const { office, runId } = await begin(story)
    expect(await live(office, runId)).toBe(story.transactions)
    await expectWholeAndOnce(office, runId, story)
    await office.close()
  })

  const points = Array.from({ length: story.transactions }, (_, index) =>
    (['BEFORE_COMMIT', 'AFTER_COMMIT'] as const).map((when): CrashPoint => ({ transaction: index + 1, when })),
  ).flat()
  it.each(points)('$when of transaction $transaction leaves one deal, one message and no step twice', async (point) => {
    const { office, runId } = await begin(story)
    await live(office, runId, point)
    // A process that dies between SENT and CONFIRMED leaves it open whether the mail went out; nobody sends it again.
    const effects = await office.effects(runId)
    const unknown = effects.filter((effect) => effect.status === 'UNKNOWN').length
    const sent = (await readdir(office.mailFolder)).length
    expect(sent + (sent === 0 ? unknown : 0)).toBe(story.mails)
    await expectWholeAndOnce(office, runId, { ...story, mails: sent })
    await office.close()
  })
})

describe('a process killed at a mail', () => {
  const story = STORIES[1] as Story

  it.each(['before it leaves', 'after it has left'])(
    '%s leaves the act UNKNOWN, and it is not sent again',
    async (moment) => {
      const { office, runId } = await begin(story)
      const real = createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' })
      const dead = dyingDatabase(db)
      let sends = 0
      const mailer: Mailer = {
        ...real,
        send: async (mail, key) => {
          sends += 1
          if (moment === 'after it has left') await real.send(mail, key)
          // Never answers: the process is gone.
          return new Promise<never>(() => {})
        },
      }
      const killed = office.work(runId, office.worker({ db: dead.db, registry: office.registryWith(mailer) }))
      void killed.catch(() => {})
      while (sends === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await live(office, runId)

      expect(sends).toBe(1)
      const [effect] = (await office.effects(runId)).filter(({ tool }) => tool === 'send_email')
      expect(effect?.status).toBe('UNKNOWN')
      const [step] = (await office.steps(runId)).filter(({ data }) => data.tool === 'send_email')
      expect(step).toMatchObject({ status: 'FAILED', data: { output: { error: { code: 'UNKNOWN_OUTCOME' } } } })
      expect(await office.eventTypes(runId)).toContain('effect.unknown')
      expect(await readdir(office.mailFolder)).toHaveLength(moment === 'after it has left' ? 1 : 0)
      expect((await office.run(runId)).status).toBe('SUCCEEDED')
      await office.close()
    },
  )
})

/** The database as a process sees it that stands still before one of its transactions. */
function stoppedBefore(transaction: number) {
  let transactions = 0
  let release = () => {}
  let arrive = () => {}
  const stopped = new Promise<void>((resolve) => {
    release = resolve
  })
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const slow: Database = {
    ...db,
    inTransaction: async (ctx, work, options) => {
      transactions += 1
      if (transactions === transaction) {
        arrive()
        await stopped
      }
      return db.inTransaction(ctx, work, options)
    },
  }
  return { slow, reached, release: () => release() }
}

describe('a process that may not act outside', () => {
  it('sends nothing and takes its mark back, so that the mail goes out once, later', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead({ wants_call: true })
    const work = office.worker()
    const executor = process()
    await expect(office.work(runId, work, { ...executor, maySend: async () => false })).rejects.toThrow('may not act')
    expect(await readdir(office.mailFolder)).toEqual([])
    expect((await office.effects(runId)).filter(({ tool }) => tool === 'send_email')).toMatchObject([
      { status: 'INTENDED' },
    ])
    await office.work(runId, work, executor)
    expect(await readdir(office.mailFolder)).toHaveLength(1)
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', takeovers: 0 })
    await office.close()
  })
})

describe('two processes at one run', () => {
  /** A run whose first process stands still before its second transaction; `first` is how that ends for it. */
  async function stoppedAtWork() {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const { slow, reached, release } = stoppedBefore(2)
    const first = office.work(runId, office.worker({ db: slow })).then(
      () => 'done',
      (err: Error) => err.message,
    )
    await reached
    return { office, runId, first, release }
  }

  /** Another process claims the run, and dies before it does anything. */
  async function claimAndDie(office: Office, runId: string): Promise<void> {
    const { db: dying } = dyingDatabase(db, { transaction: 1, when: 'AFTER_COMMIT' })
    await expect(office.work(runId, office.worker({ db: dying }))).rejects.toThrow(Crash)
  }

  it('that was taken over stops the one that comes back at its next write', async () => {
    const { office, runId, first, release } = await stoppedAtWork()
    await live(office, runId)
    release()
    expect(await first).toContain('no longer worked by attempt 1')
    await expectWholeAndOnce(office, runId, STORIES[0] as Story)
    await office.close()
  })

  it('a process that was overtaken by a mere claim writes nothing more', async () => {
    const { office, runId, first, release } = await stoppedAtWork()
    await claimAndDie(office, runId)
    release()
    expect(await first).toContain('no longer worked by attempt 1')
    expect(await office.steps(runId)).toEqual([])
    await live(office, runId)
    await expectWholeAndOnce(office, runId, STORIES[0] as Story)
    await office.close()
  })

  it('a process that has lost its run does not take it back, and is done when the run is beyond it', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    const { slow, reached, release } = stoppedBefore(2)
    const work = office.worker({ db: slow })
    let ours = true
    const lost = { ...process(), isOurs: async () => ours }
    const first = office.work(runId, work, lost).catch((err: Error) => err.message)
    await reached
    await claimAndDie(office, runId)
    ours = false
    release()
    expect(await first).toContain('no longer worked')
    await expect(office.work(runId, work, lost)).rejects.toThrow('worked elsewhere')
    expect((await office.run(runId)).attempt).toBe(2)
    await live(office, runId)
    await office.work(runId, work, lost)
    expect((await office.run(runId)).attempt).toBe(3)
    await office.close()
  })

  it('a run that changes hands three times without a new entry ends as POISON and its submission as FAILED', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    for (let death = 0; death < 3; death++) {
      await claimAndDie(office, runId)
      expect((await office.run(runId)).status).toBe('RUNNING')
    }
    await office.work(runId)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'POISON' })
    expect(await office.rows('select status from submission where workspace_id = $1')).toEqual([{ status: 'FAILED' }])
    await office.close()
  })

  it('a run that always fails in one process ends as POISON too', async () => {
    const office = await Office.open(db, database.url)
    const { runId } = await office.lead()
    let transactions = 0
    const faulty: Database = {
      ...db,
      inTransaction: async (ctx, work, options) => {
        transactions += 1
        if (transactions % 2 === 0) throw new TypeError('a bug of ours')
        return db.inTransaction(ctx, work, options)
      },
    }
    const work = office.worker({ db: faulty })
    const executor = process()
    for (let failure = 0; failure < 3; failure++) {
      await expect(office.work(runId, work, executor)).rejects.toThrow('a bug of ours')
    }
    await office.work(runId, work, executor)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'POISON' })
    await office.close()
  })
})
