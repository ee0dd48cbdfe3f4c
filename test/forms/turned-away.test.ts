import { describe, expect, it } from 'vitest'
import { rejectionError } from '../../src/domains/submissions/model.ts'
import { submitForm } from '../../src/domains/submissions/service.ts'
import { refusal } from './arrange.ts'
import { openHouse } from './open-house.ts'

const { db, house } = openHouse()

const ada = { email: 'Ada@Example.com', name: 'Ada Lovelace', company: 'Engines' }

describe('what is turned away', () => {
  const spam = () => house.rows<{ reason: string }>('select reason from submission_rejection where workspace_id = $1')
  const rejections = async () => (await house.eventTypes()).filter((type) => type === 'submission.rejected').length

  it('by the honeypot looks accepted, and is written to the spam log only', async () => {
    const form = await house.form({ limits: { honeypot: 'fax' } })
    expect(await house.submit(form, { ...ada, fax: 'buy now' })).toMatchObject({ outcome: 'TRAPPED' })
    expect(await house.submit(form, { ...ada, fax: '' })).toMatchObject({ outcome: 'ACCEPTED' })
    expect(await house.count('submission')).toBe(1)
    expect(await spam()).toEqual([{ reason: 'HONEYPOT' }])
    expect(await rejections()).toBe(1)
  })

  it('is only a field too many for those who do not come through the public door', async () => {
    const form = await house.form({ limits: { honeypot: 'fax' } })
    expect((await refusal(house.submit(form, { ...ada, fax: 'x' }, { honeypot: false }))).code).toBe('INVALID_INPUT')
  })

  it('as too fast is what came sooner after its page was opened than the form allows', async () => {
    const form = await house.form({ limits: { minimumTimeMs: 2_000 } })
    const now = new Date()
    const opened = (ago: number) => ({ pageOpenedAt: new Date(now.getTime() - ago) })
    const outcome = await house.submit(form, ada, opened(500), now)
    expect(outcome).toMatchObject({ outcome: 'REJECTED', reason: 'TOO_FAST', retryAfterMs: 1_500 })
    expect(await house.submit(form, ada, opened(2_000), now)).toMatchObject({ outcome: 'ACCEPTED' })
    expect(await house.submit(form, ada, {}, now)).toMatchObject({ outcome: 'ACCEPTED' })
    expect(await spam()).toEqual([{ reason: 'TOO_FAST' }])
  })

  it('by the limit per address says when there is room again, and counts by form and address', async () => {
    const form = await house.form({ limits: { perAddressPerHour: 2 } })
    const start = Date.now()
    const at = (minutes: number) => new Date(start + minutes * 60_000)
    const from = (addressHash: string) => ({ addressHash })
    await house.accept(form, { email: 'a@example.com' }, from('x'), at(0))
    await house.accept(form, { email: 'b@example.com' }, from('x'), at(10))
    expect(await house.submit(form, { email: 'c@example.com' }, from('x'), at(20))).toEqual({
      outcome: 'REJECTED',
      formId: form.id,
      reason: 'ADDRESS_LIMIT',
      retryAfterMs: 40 * 60_000,
    })
    await house.accept(form, { email: 'c@example.com' }, from('y'), at(20))
    await house.accept(
      await house.form({ limits: { perAddressPerHour: 2 } }),
      { email: 'c@example.com' },
      from('x'),
      at(20),
    )
    await house.accept(form, { email: 'c@example.com' }, from('x'), at(61))
    expect(await spam()).toEqual([{ reason: 'ADDRESS_LIMIT' }])
  })

  it('by the limit per e-mail does not depend on how the address is written', async () => {
    const form = await house.form({ limits: { perEmailPerHour: 1 } })
    await house.accept(form, { email: 'ada@example.com' })
    expect(await house.submit(form, { email: 'ADA@EXAMPLE.COM', name: 'Ada' })).toMatchObject({ reason: 'EMAIL_LIMIT' })
    await house.accept(form, { email: 'kim@example.com' })
  })

  it('as a duplicate is the same from the same sender within the window; a correction is none', async () => {
    const form = await house.form({ limits: { duplicateWindowMinutes: 5 } })
    const start = Date.now()
    const at = (minutes: number) => new Date(start + minutes * 60_000)
    await house.accept(form, ada, {}, at(0))
    expect(await house.submit(form, ada, {}, at(4))).toMatchObject({ outcome: 'REJECTED', reason: 'DUPLICATE' })
    await house.accept(form, { ...ada, company: 'Engines Ltd' }, {}, at(4))
    await house.accept(form, ada, {}, at(6))
  })

  it('of the limits is exact, however many come at once', async () => {
    const form = await house.form({ limits: { perAddressPerHour: 3, perEmailPerHour: 10 } })
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        house.submit(form, { email: `p${n % 4}@example.com`, message: `${n}` }, { addressHash: 'one' }),
      ),
    )
    expect(outcomes.filter((outcome) => outcome.outcome === 'ACCEPTED')).toHaveLength(3)
    expect(await house.count('submission')).toBe(3)
    expect(await house.count('submission_rejection')).toBe(17)
    expect(await rejections()).toBe(17)
  })

  it('waits for nothing in its transaction: who is busy is told to come again, and holds no connection', async () => {
    const form = await house.form({ limits: { perAddressPerHour: 3 } })
    const input = { form, answers: ada, addressHash: 'one', honeypot: false, origin: {} }
    const ctx = house.ctx()
    await db.inTransaction(ctx, async (first) => {
      await submitForm(first, input)
      const err = await refusal(db.inTransaction(ctx, (second) => submitForm(second, input)))
      expect([err.code, err.details.retryAfterMs]).toEqual(['UNAVAILABLE', 1_000])
      await db.inTransaction(ctx, (other) =>
        submitForm(other, { ...input, answers: { email: 'kim@example.com' }, addressHash: 'two' }),
      )
    })
    expect(await house.count('submission')).toBe(2)
  })

  it('is told in words, with the time to wait', () => {
    expect(rejectionError({ reason: 'ADDRESS_LIMIT', retryAfterMs: 5 })).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'RATE', retryAfterMs: 5 },
    })
    expect(rejectionError({ reason: 'DUPLICATE', retryAfterMs: 0 })).toMatchObject({
      code: 'CONFLICT',
      details: { reason: 'DUPLICATE' },
    })
  })
})
