import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { archiveForm, pauseForm, publishForm, updateForm } from '../../src/domains/forms/service.ts'
import { employeeIds, House, refusal } from './arrange.ts'
import { openHouse } from './open-house.ts'

const { database, db, house } = openHouse()

const ada = { email: 'Ada@Example.com', name: 'Ada Lovelace', company: 'Engines' }

describe('a submission', () => {
  it('is stored with its contact, its handler and its queued run, and each step is an event', async () => {
    const iris = await house.employee('Iris')
    const form = await house.form({ handlers: { strategy: 'PRINCIPAL', employees: employeeIds(iris) } })
    await house.rows('delete from event_outbox where workspace_id = $1')
    const id = await house.accept(form, { ...ada, budget: '5000' }, { origin: { utm: { source: 'fair' } } })

    const [stored] = await house.rows<Record<string, unknown>>('select * from submission where workspace_id = $1')
    expect(stored).toMatchObject({
      id,
      form_id: form.id,
      form_version: 1,
      status: 'PROCESSING',
      employee_id: iris,
      email_normalised: 'ada@example.com',
      address_hash: null,
      answers: { ...ada, budget: { amount: '5000.00', currency: 'EUR' } },
      origin: { utm: { source: 'fair' } },
    })
    expect(await house.rows('select name, email, company_name from contact where workspace_id = $1')).toEqual([
      { name: 'Ada Lovelace', email: 'Ada@Example.com', company_name: 'Engines' },
    ])
    expect(
      await house.rows('select employee_id, submission_id, status, trigger, title from run where workspace_id = $1'),
    ).toEqual([
      {
        employee_id: iris,
        submission_id: id,
        status: 'QUEUED',
        trigger: 'SUBMISSION',
        title: 'Work on Engines from Book a demo',
      },
    ])
    expect(await house.eventTypes()).toEqual([
      'submission.received',
      'contact.created',
      'submission.matched',
      'submission.routed',
      'run.queued',
    ])
  })

  it('of a known person is tied to the contact that is there', async () => {
    const form = await house.form()
    await house.accept(form, ada)
    await house.accept(form, { email: 'ada@example.com', message: 'Me again' })
    expect(await house.count('contact')).toBe(1)
    expect(await house.count('submission')).toBe(2)
  })

  it('without a handler waits unassigned, without a run', async () => {
    const form = await house.form()
    await house.accept(form, ada)
    expect(await house.rows('select status, employee_id from submission where workspace_id = $1')).toEqual([
      { status: 'RECEIVED', employee_id: null },
    ])
    expect(await house.count('run')).toBe(0)
  })

  it('may be empty where the form asks for nothing, and then has no contact', async () => {
    const form = await house.form({ fields: [{ key: 'wish', kind: 'TEXT', label: 'A wish' }] })
    await house.accept(form, {})
    expect(await house.rows('select contact_id, answers from submission where workspace_id = $1')).toEqual([
      { contact_id: null, answers: {} },
    ])
    expect(await house.count('contact')).toBe(0)
  })

  it('with wrong answers is refused field by field, and nothing is stored', async () => {
    const form = await house.form()
    const before = await house.eventTypes()
    const err = await refusal(house.submit(form, { budget: 'much', fax: '1' }))
    expect(err.code).toBe('INVALID_INPUT')
    expect(err.details.issues?.map((issue) => `${issue.path.join('.')} ${issue.code}`)).toEqual([
      'email REQUIRED',
      'budget INVALID_FORMAT',
      'fax NOT_ALLOWED',
    ])
    expect(await house.count('submission')).toBe(0)
    expect(await house.count('submission_rejection')).toBe(0)
    expect(await house.eventTypes()).toEqual(before)
  })

  it('answers the newest version from the moment it is published', async () => {
    const form = await house.form()
    await house.accept(form, ada)
    await house.do(async (tx) => {
      await updateForm(tx, { id: form.id, fields: [{ key: 'mail', kind: 'EMAIL', label: 'E-mail', required: true }] })
    })
    await house.accept(form, ada)
    await house.do((tx) => publishForm(tx, { id: form.id }))
    expect((await refusal(house.submit(form, ada))).details.issues?.map((issue) => issue.path.join())).toContain('mail')
    await house.accept(form, { mail: 'kim@example.com' })
    expect(
      await house.rows('select form_version from submission where workspace_id = $1 order by received_at'),
    ).toEqual([{ form_version: 1 }, { form_version: 1 }, { form_version: 2 }])
  })

  it('is not read by a version that was published in a transaction that failed', async () => {
    const form = await house.form()
    const failed = house.do(async (tx) => {
      await updateForm(tx, { id: form.id, fields: [{ key: 'ghost', kind: 'TEXT', label: 'Ghost', required: true }] })
      await publishForm(tx, { id: form.id })
      await updateForm(tx, { id: form.id, limits: { perEmailPerHour: 3 } })
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await house.do((tx) => publishForm(tx, { id: form.id }))
    await house.accept(form, ada)
  })

  it.each([
    ['paused', pauseForm],
    ['archived', archiveForm],
  ] as const)('to a form that is %s is refused, and nothing is stored', async (_status, decide) => {
    const form = await house.form()
    await house.do((tx) => decide(tx, { id: form.id }))
    const err = await refusal(house.submit(form, ada))
    expect([err.code, err.details.reason]).toEqual(['CONFLICT', 'CLOSED'])
    expect(await house.count('submission')).toBe(0)
  })

  it("to another workspace's form is refused as to one that is not there", async () => {
    const other = await House.open(db, database.url)
    const form = await other.form()
    expect((await refusal(house.submit(form, ada))).code).toBe('NOT_FOUND')
    expect((await refusal(house.submit({ id: randomUUID() }, ada))).code).toBe('NOT_FOUND')
    expect(await other.count('submission')).toBe(0)
  })
})

describe('the cost of a submission', () => {
  /** The statements of what `work` does, between BEGIN and COMMIT. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const texts: string[] = []
    const spy = vi.spyOn(pg.Client.prototype, 'query')
    try {
      await work()
      for (const [query] of spy.mock.calls) {
        const text = typeof query === 'string' ? query : (query as unknown as { text: string }).text
        if (!/^(begin|commit|select set_config)/i.test(text)) texts.push(text)
      }
    } finally {
      spy.mockRestore()
    }
    return texts
  }

  it.each([
    ['seven statements with the limits off', {}, 7],
    ['nine with all of them on', { perAddressPerHour: 100, perEmailPerHour: 100, duplicateWindowMinutes: 5 }, 9],
  ] as const)('is %s', async (_cost, limits, expected) => {
    const iris = await house.employee('Iris')
    const form = await house.form({ limits, handlers: { strategy: 'ROUND_ROBIN', employees: employeeIds(iris) } })
    await house.accept(form, { email: 'first@example.com' })
    const again = { id: randomUUID(), addressHash: 'somewhere' }
    const statements = await statementsOf(() => house.accept(form, ada, again))
    expect(statements).toHaveLength(expected)
    expect(await statementsOf(() => house.accept(form, ada, again))).toHaveLength(1)
  })
})

describe('a submission with an id of its own', () => {
  it('that is sent again gives the first outcome, whatever has become of the form since', async () => {
    const form = await house.form()
    const id = randomUUID()
    await house.accept(form, ada, { id })
    const before = await house.eventTypes()
    expect(await house.submit(form, { ...ada, email: ' Ada@Example.com' }, { id })).toMatchObject({
      outcome: 'ACCEPTED',
      submissionId: id,
      replayed: true,
    })
    await house.do(async (tx) => {
      await updateForm(tx, { id: form.id, fields: [{ key: 'other', kind: 'TEXT', label: 'Other', required: true }] })
      await publishForm(tx, { id: form.id })
      await archiveForm(tx, { id: form.id })
    })
    expect(await house.submit(form, ada, { id })).toMatchObject({ submissionId: id, replayed: true })
    expect(await house.count('submission')).toBe(1)
    expect((await house.eventTypes()).filter((type) => type.startsWith('submission'))).toEqual(
      before.filter((type) => type.startsWith('submission')),
    )
  })

  it('is refused when the id came with other answers before, or to another form', async () => {
    const form = await house.form()
    const elsewhere = await house.form()
    const id = randomUUID()
    await house.accept(form, ada, { id })
    for (const again of [
      () => house.submit(form, { ...ada, name: 'Ada Byron' }, { id }),
      () => house.submit(form, { nonsense: 1 }, { id }),
      () => house.submit(elsewhere, ada, { id }),
    ]) {
      const err = await refusal(again())
      expect([err.code, err.details.reason]).toEqual(['CONFLICT', 'IDEMPOTENCY_MISMATCH'])
    }
    expect(await house.count('submission')).toBe(1)
  })

  it.each([
    ['with all limits off', {}],
    ['with all limits on', { perAddressPerHour: 1, perEmailPerHour: 1, duplicateWindowMinutes: 5 }],
  ])('that is sent 20 times at once is one submission, %s', async (_limits, limits) => {
    const [iris, marco] = [await house.employee('Iris'), await house.employee('Marco')]
    const handlers = { strategy: 'ROUND_ROBIN', employees: employeeIds(iris, marco) }
    const form = await house.form({ handlers, limits })
    const id = randomUUID()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => house.submit(form, ada, { id, addressHash: 'somewhere' })),
    )
    expect(outcomes.map((outcome) => outcome.outcome)).toEqual(Array(20).fill('ACCEPTED'))
    expect(outcomes.filter((outcome) => outcome.outcome === 'ACCEPTED' && !outcome.replayed)).toHaveLength(1)
    expect(await house.count('submission')).toBe(1)
    expect(await house.count('contact')).toBe(1)
    expect(await house.count('run')).toBe(1)
    expect(await house.rows('select turn from handler_group where workspace_id = $1')).toEqual([{ turn: 1 }])
    expect((await house.eventTypes()).filter((type) => type === 'submission.received')).toHaveLength(1)
  })
})

describe('handlers', () => {
  const takers = async (): Promise<Record<string, number>> => {
    const rows = await house.rows<{ employee_id: string }>('select employee_id from submission where workspace_id = $1')
    const counts: Record<string, number> = {}
    for (const { employee_id } of rows) counts[String(employee_id)] = (counts[String(employee_id)] ?? 0) + 1
    return counts
  }
  const lead = (n: number) => ({ email: `lead${n}@example.com` })

  it('take turns evenly, however many submissions come at once', async () => {
    const ids = [await house.employee('Ana'), await house.employee('Ben'), await house.employee('Cid')]
    const form = await house.form({ handlers: { strategy: 'ROUND_ROBIN', employees: employeeIds(...ids) } })
    await Promise.all(Array.from({ length: 30 }, (_, n) => house.accept(form, lead(n))))
    expect(await takers()).toEqual(Object.fromEntries(ids.map((id) => [id, 10])))
  })

  it('who are paused or offboarded are skipped; with nobody left submissions wait unassigned', async () => {
    const [a, b] = [await house.employee('Ana'), await house.employee('Ben')]
    const form = await house.form({ handlers: { strategy: 'PRINCIPAL', employees: employeeIds(a, b) } })
    await house.accept(form, lead(1))
    await house.setEmployeeStatus(a, 'PAUSED')
    await house.accept(form, lead(2))
    await house.setEmployeeStatus(b, 'OFFBOARDED')
    await house.accept(form, lead(3))
    expect(await takers()).toEqual({ [a]: 1, [b]: 1, null: 1 })
    expect(await house.count('run')).toBe(2)
  })
})
