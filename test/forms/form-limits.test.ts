import { describe, expect, it } from 'vitest'
import { createFormInput, updateFormInput } from '../../src/domains/forms/model.ts'
import { createForm, findPublicForm, publishForm, updateForm } from '../../src/domains/forms/service.ts'
import { updateSettingsInput } from '../../src/domains/settings/model.ts'
import { updateWorkspaceSettings } from '../../src/domains/workspaces/settings.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { FIELDS, issues } from './arrange.ts'
import { openHouse } from './open-house.ts'

// The limits of a form: its own, its workspace's, and ours.

const { db, house } = openHouse()

type Json = Record<string, unknown>

const setDefaults = (formLimits: Json | null) =>
  house.do((tx) => updateWorkspaceSettings(tx, parseInput(updateSettingsInput, { formLimits })))
const create = async (input: Json = {}) => {
  const parsed = parseInput(createFormInput, { name: 'Book a demo', fields: FIELDS, ...input })
  return await house.do(async (tx) => {
    const { id } = await createForm(tx, parsed)
    await publishForm(tx, { id })
    return { id }
  })
}
const update = ({ id }: { readonly id: string }, input: Json) =>
  house.do((tx) => updateForm(tx, parseInput(updateFormInput, { id: encodeId('form', id), ...input })))
const own = async ({ id }: { readonly id: string }) => {
  const [row] = await house.rows<{ limits: Json }>('select limits from form where workspace_id = $1 and id = $2', [id])
  return row?.limits
}
let people = 0
/** What becomes of so many submissions from one address, each of another person. */
const outcomes = async (form: { readonly id: string }, count: number) => {
  const addressHash = `of ${form.id}`
  const sent: string[] = []
  for (let each = 0; each < count; each++) {
    const outcome = await house.submit(form, { email: `p${++people}@example.com` }, { addressHash })
    sent.push(outcome.outcome)
  }
  return sent
}

describe('a limit of the workspace', () => {
  it('is in force from the next submission on, for each form that has none of its own', async () => {
    const [plain, strict] = [
      await create({ slug: 'plain' }),
      await create({ slug: 'strict', limits: { perAddressPerHour: 1 } }),
    ]
    expect(await outcomes(plain, 2)).toEqual(['ACCEPTED', 'ACCEPTED'])
    await setDefaults({ perAddressPerHour: 3 })
    expect(await outcomes(plain, 2)).toEqual(['ACCEPTED', 'REJECTED'])
    expect(await outcomes(strict, 2)).toEqual(['ACCEPTED', 'REJECTED'])
    await setDefaults({ perAddressPerHour: null })
    expect(await outcomes(plain, 9)).toEqual(Array(9).fill('ACCEPTED'))
    expect(await outcomes(strict, 1)).toEqual(['REJECTED'])
    await setDefaults(null)
    expect(await outcomes(plain, 1)).toEqual(['REJECTED'])
  })

  it('is that of the page, too', async () => {
    await create({ slug: 'page' })
    await setDefaults({ minimumTimeMs: 7_000, honeypot: 'fax' })
    const form = await db.read(house.id, (sql) => findPublicForm({ db, workspaceId: house.id, sql }, 'page'))
    expect(form?.limits).toMatchObject({ minimumTimeMs: 7_000, honeypot: 'fax', perEmailPerHour: 5 })
    const trapped = await house.submit({ id: form?.id ?? '' }, { email: 'a@example.com', fax: 'x' })
    expect(trapped.outcome).toBe('TRAPPED')
  })

  it('holds again for a form that gives up its own', async () => {
    const form = await create({ limits: { perAddressPerHour: 1, perEmailPerHour: 50 } })
    await setDefaults({ perAddressPerHour: 3 })
    expect(await outcomes(form, 2)).toEqual(['ACCEPTED', 'REJECTED'])
    await update(form, { limits: { reset: ['PER_ADDRESS_PER_HOUR', 'HONEYPOT'] } })
    expect(await own(form)).toEqual({ perEmailPerHour: 50 })
    expect(await outcomes(form, 3)).toEqual(['ACCEPTED', 'ACCEPTED', 'REJECTED'])
    const [event] = await house.rows(
      `select changes from event_outbox where workspace_id = $1 and type = 'form.updated'`,
    )
    expect(event).toEqual({ changes: [{ field: 'limits.perAddressPerHour', from: '1', to: 'default (3)' }] })
    await update(form, { limits: { reset: ['PER_ADDRESS_PER_HOUR'] } })
    expect(await house.count('event_outbox')).toBe((await house.eventTypes()).length)
    expect((await house.eventTypes()).filter((type) => type === 'form.updated')).toHaveLength(1)
  })
})

describe('a limit of a form', () => {
  it('stays when another is changed, and is its own also where it says what is the default', async () => {
    const form = await create({ limits: { perEmailPerHour: 20, minimumTimeMs: 1_500 } })
    await update(form, { limits: { perAddressPerHour: null } })
    expect(await own(form)).toEqual({ perEmailPerHour: 20, minimumTimeMs: 1_500, perAddressPerHour: null })
  })

  it('is set or reset, not both', async () => {
    const form = await create()
    const both = update(form, { limits: { honeypot: 'fax', reset: ['HONEYPOT'] } }).then(() => undefined)
    expect(await issues(both)).toEqual(['limits.reset.0 NOT_ALLOWED'])
  })
})

describe('a honeypot of the workspace', () => {
  const refused = ['formLimits.honeypot DUPLICATE']

  it('has the name of no form’s field: not of its draft, nor of what is published', async () => {
    const form = await create()
    expect(await issues(setDefaults({ honeypot: 'company' }))).toEqual(refused)
    await update(form, { fields: [{ key: 'email', kind: 'EMAIL', label: 'E-mail' }] })
    expect(await issues(setDefaults({ honeypot: 'company' }))).toEqual(refused)
    await house.do((tx) => publishForm(tx, { id: form.id }))
    await setDefaults({ honeypot: 'company' })
    expect(await issues(update(form, { fields: FIELDS }))).toEqual(['limits.honeypot DUPLICATE'])
    expect(await issues(create({ slug: 'another' }))).toEqual(['limits.honeypot DUPLICATE'])
    const third = await create({ slug: 'third', limits: { honeypot: 'fax' } })
    expect(await issues(update(third, { limits: { reset: ['HONEYPOT'] } }))).toEqual(['limits.honeypot DUPLICATE'])
    await setDefaults({ honeypot: 'fax2' })
    await update(third, { limits: { reset: ['HONEYPOT'] } })
  })

  it('and a form with a field of its name are not made at once', async () => {
    for (let round = 0; round < 5; round++) {
      const key = `fax_${round}`
      const fields = [...FIELDS, { key, kind: 'TEXT', label: 'Fax' }]
      const made = await Promise.all([
        issues(setDefaults({ honeypot: key })).catch(() => []),
        issues(create({ slug: key, fields })).catch(() => []),
      ])
      expect(made.filter((each) => each.length > 0)).toHaveLength(1)
    }
  })
})
