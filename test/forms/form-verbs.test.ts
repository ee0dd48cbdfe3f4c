import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createFormInput, updateFormInput } from '../../src/domains/forms/model.ts'
import {
  archiveForm,
  createForm,
  pauseForm,
  publishForm,
  resumeForm,
  updateForm,
} from '../../src/domains/forms/service.ts'
import type { Permission, Viewer } from '../../src/platform/auth/viewer.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { employeeIds, FIELDS, House, issues, refusal } from './arrange.ts'
import { openHouse } from './open-house.ts'

const { database, db, house } = openHouse()

const create = (input: object) =>
  house.do((tx) => createForm(tx, parseInput(createFormInput, { name: 'Book a demo', ...input })))
const update = (id: string, input: object) =>
  house.do((tx) => updateForm(tx, parseInput(updateFormInput, { id: encodeId('form', id), ...input })))

const formRow = async () => (await house.rows<Record<string, unknown>>('select * from form where workspace_id = $1'))[0]

describe('a new form', () => {
  it('is a draft that nobody can answer, at an address that its name gives', async () => {
    const { id } = await create({ name: 'Büro: book a demo!' })
    expect(await formRow()).toMatchObject({
      id,
      status: 'DRAFT',
      slug: 'buro-book-a-demo',
      name_folded: 'buro: book a demo!',
      published_version: null,
      limits: {},
    })
    expect(await house.eventTypes()).toEqual(['form.created'])
    expect((await refusal(house.submit({ id }, {}))).code).toBe('NOT_FOUND')
  })

  it('keeps its handlers in their order', async () => {
    const [ana, ben] = [await house.employee('Ana'), await house.employee('Ben')]
    await create({ handlers: { strategy: 'ROUND_ROBIN', employees: employeeIds(ben, ana) } })
    expect(
      await house.rows('select employee_id from handler_group_member where workspace_id = $1 order by position'),
    ).toEqual([{ employee_id: ben }, { employee_id: ana }])
  })

  it.each<[string, object, string[]]>([
    ['a name of one letter', { name: 'x' }, ['name TOO_SHORT']],
    ['a slug with capitals', { slug: 'Demo' }, ['slug INVALID_FORMAT']],
    ['a field that is wrong', { fields: [{ key: 'a', kind: 'SELECT', label: 'A' }] }, ['fields.0.options REQUIRED']],
    ['a limit out of range', { limits: { perEmailPerHour: 0 } }, ['limits.perEmailPerHour TOO_SMALL']],
    [
      'a field that is called like the honeypot',
      { fields: [{ key: 'subject_line', kind: 'TEXT', label: 'Subject' }] },
      ['limits.honeypot DUPLICATE'],
    ],
    ['nobody for a handler', { handlers: { strategy: 'PRINCIPAL', employees: [] } }, ['handlers.employees TOO_SHORT']],
  ])('is refused with %s, and nothing is stored', async (_what, input, expected) => {
    const create = async () => {
      const parsed = parseInput(createFormInput, { name: 'Book a demo', ...input })
      return house.do((tx) => createForm(tx, parsed))
    }
    expect(await issues(create())).toEqual(expected)
    expect(await house.count('form')).toBe(0)
  })

  it('is refused with a slug that is taken, naming the form that has it', async () => {
    const { id } = await create({ slug: 'demo' })
    const err = await refusal(create({ slug: 'demo' }))
    expect([err.code, err.details.reason, err.details.current]).toEqual(['CONFLICT', 'DUPLICATE', { kind: 'form', id }])
    const again = await refusal(create({ id: encodeId('form', id), slug: 'demo' }))
    expect([again.code, again.message]).toEqual(['CONFLICT', 'This form exists already.'])
    const other = await House.open(db, database.url)
    await other.do((tx) => createForm(tx, { name: 'Elsewhere', slug: 'demo' }))
  })

  it("is refused with another workspace's employee or pipeline", async () => {
    const stranger = await (await House.open(db, database.url)).employee('Eve')
    const handlers = { strategy: 'PRINCIPAL', employees: employeeIds(stranger) }
    expect((await refusal(create({ handlers }))).code).toBe('NOT_FOUND')
    expect((await refusal(create({ pipeline: encodeId('pipeline', randomUUID()) }))).code).toBe('NOT_FOUND')
    expect(await house.count('handler_group')).toBe(0)
  })
})

describe('changing a form', () => {
  it('tells what changed, raises its version, and leaves out what was not given', async () => {
    const { id } = await create({ fields: FIELDS, instructions: 'Be kind.' })
    await update(id, { name: 'Book a call', limits: { perAddressPerHour: null }, instructions: 'Be brief.' })
    expect(await formRow()).toMatchObject({
      name: 'Book a call',
      name_folded: 'book a call',
      version: 2,
      limits: { perAddressPerHour: null },
      draft: expect.objectContaining({ instructions: 'Be brief.', fields: expect.any(Array) }),
    })
    const [event] = await house.rows(
      `select changes, subject_version from event_outbox where workspace_id = $1 and type = 'form.updated'`,
    )
    expect(event).toEqual({
      subject_version: 2,
      changes: [
        { field: 'name', from: 'Book a demo', to: 'Book a call' },
        { field: 'limits.perAddressPerHour', from: 'default (10)', to: null },
        { field: 'instructions', from: 'Be kind.', to: 'Be brief.' },
      ],
    })
  })

  it('to what it is already is no change', async () => {
    const { id } = await create({ fields: FIELDS })
    await update(id, { name: 'Book a demo', fields: FIELDS })
    expect((await formRow())?.version).toBe(1)
    expect(await house.eventTypes()).toEqual(['form.created'])
  })

  it('is refused for a version that is no longer the newest, with the form as it is', async () => {
    const { id } = await create({})
    await update(id, { name: 'Book a call' })
    const err = await refusal(update(id, { name: 'Lost', ifVersion: 1 }))
    expect([err.details.reason, err.details.current]).toEqual(['STALE_VERSION', { kind: 'form', id }])
    await update(id, { name: 'Won', ifVersion: 2 })
  })

  it('checks the parts of its draft against each other, also those that were not given', async () => {
    const criteria = { conditions: [{ field: 'budget', op: 'GTE', value: 1000 }] }
    const { id } = await create({ fields: FIELDS, criteria })
    expect(await issues(update(id, { fields: [FIELDS[0]] }))).toEqual(['criteria.conditions.0.field UNKNOWN_REFERENCE'])
    await update(id, { fields: [FIELDS[0]], criteria: null })
  })

  it('does not touch what is published until it is published', async () => {
    const form = await house.form()
    await update(form.id, { fields: [] })
    await house.accept(form, { email: 'ada@example.com' })
  })

  it('refuses a honeypot that is called like a field which is published, though not in the draft', async () => {
    const form = await house.form()
    await update(form.id, { fields: [] })
    expect(await issues(update(form.id, { limits: { honeypot: 'name' } }))).toEqual(['limits.honeypot DUPLICATE'])
  })

  it('replaces its handlers, or takes them away', async () => {
    const [ana, ben] = [await house.employee('Ana'), await house.employee('Ben')]
    const form = await house.form({ handlers: { strategy: 'PRINCIPAL', employees: employeeIds(ana) } })
    await update(form.id, { handlers: { strategy: 'PRINCIPAL', employees: employeeIds(ben) } })
    await house.accept(form, { email: 'ada@example.com' })
    await update(form.id, { handlers: null })
    await house.accept(form, { email: 'kim@example.com' })
    expect(await house.rows('select employee_id from submission where workspace_id = $1 order by received_at')).toEqual(
      [{ employee_id: ben }, { employee_id: null }],
    )
  })

  it('is refused once it is archived', async () => {
    const { id } = await create({})
    await house.do((tx) => archiveForm(tx, { id }))
    expect((await refusal(update(id, { name: 'Again' }))).details.reason).toBe('CLOSED')
  })
})

describe('the life of a form', () => {
  const verbs = { publish: publishForm, pause: pauseForm, resume: resumeForm, archive: archiveForm } as const
  type Act = keyof typeof verbs
  const status = async () => (await formRow())?.status
  const act = (id: string, name: Act): Promise<unknown> => house.do((tx) => verbs[name](tx, { id }))

  it('goes from draft to active to paused and back, and ends archived', async () => {
    const { id } = await create({ fields: FIELDS })
    const seen: unknown[] = []
    for (const name of ['publish', 'pause', 'publish', 'resume', 'archive'] as const) {
      await house.do((tx) => updateForm(tx, { id, instructions: `Draft ${seen.length}` }))
      await act(id, name)
      seen.push(await status())
    }
    expect(seen).toEqual(['ACTIVE', 'PAUSED', 'PAUSED', 'ACTIVE', 'ARCHIVED'])
    expect(await house.rows('select number from form_version where workspace_id = $1 order by number')).toEqual([
      { number: 1 },
      { number: 2 },
    ])
    expect((await house.eventTypes()).filter((type) => !/created|updated/.test(type))).toEqual([
      'form.published',
      'form.paused',
      'form.published',
      'form.resumed',
      'form.archived',
    ])
  })

  it.each<[Act[], Act]>([
    [[], 'pause'],
    [[], 'resume'],
    [['publish'], 'resume'],
    [['publish', 'pause'], 'pause'],
    [['archive'], 'publish'],
    [['archive'], 'resume'],
    [['archive'], 'archive'],
  ])('after %j has no way to %s', async (before, name) => {
    const { id } = await create({ fields: FIELDS })
    for (const each of before) await act(id, each)
    const was = await formRow()
    const err = await refusal(act(id, name))
    expect([err.code, err.details.reason]).toEqual(['CONFLICT', 'ILLEGAL_TRANSITION'])
    expect(await formRow()).toEqual(was)
  })

  it('does not begin without a field', async () => {
    const { id } = await create({})
    expect(await issues(act(id, 'publish'))).toEqual(['fields REQUIRED'])
  })

  it('makes no version of what is published already, not even at once', async () => {
    const { id } = await create({ fields: FIELDS })
    await Promise.all([act(id, 'publish'), act(id, 'publish'), act(id, 'publish')])
    const once = await formRow()
    expect(once).toMatchObject({ published_version: 1, version: 2 })
    expect(await act(id, 'publish')).toEqual({ id, number: 1 })
    expect(await formRow()).toEqual(once)
    expect(await house.eventTypes()).toEqual(['form.created', 'form.published'])
  })

  it('makes a version of a draft that went back to what was published before', async () => {
    const { id } = await create({ fields: FIELDS, instructions: 'One' })
    for (const instructions of ['One', 'Two', 'One']) {
      await house.do((tx) => updateForm(tx, { id, instructions }))
      await act(id, 'publish')
    }
    expect((await formRow())?.published_version).toBe(3)
  })
})

describe('every verb of forms', () => {
  const key = (...permissions: Permission[]): Viewer => ({
    kind: 'apiKey',
    keyId: randomUUID(),
    memberId: randomUUID(),
    name: 'Key',
    permissions: new Set(permissions),
  })

  it('needs FORMS_WRITE, does not find another workspace’s form, and writes nothing then', async () => {
    const { id } = await create({ fields: FIELDS })
    const before = await formRow()
    const stranger = await House.open(db, database.url)
    for (const verb of [updateForm, publishForm, pauseForm, resumeForm, archiveForm]) {
      const input = { id, name: 'Mine now' }
      const asReader = db.inTransaction(house.ctx(key('FORMS_READ')), (tx) => verb(tx, input))
      expect(await refusal(asReader)).toMatchObject({ code: 'FORBIDDEN', details: { needs: 'FORMS_WRITE' } })
      expect((await refusal(db.inTransaction(house.ctx(), (tx) => verb(tx, input)))).code).toBe('UNAUTHENTICATED')
      expect((await refusal(stranger.do((tx) => verb(tx, input)))).code).toBe('NOT_FOUND')
    }
    const made = db.inTransaction(house.ctx(key()), (tx) => createForm(tx, { name: 'Mine' }))
    expect((await refusal(made)).code).toBe('FORBIDDEN')
    expect(await formRow()).toEqual(before)
    expect(await house.eventTypes()).toEqual(['form.created'])
  })
})
