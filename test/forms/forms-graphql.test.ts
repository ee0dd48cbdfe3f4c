import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { createPipeline, openDealForSubmission, updateDeal } from '../../src/domains/deals/service.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { employeeIds, House } from './arrange.ts'

// An answer's shape is what each test asks about.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Data = any

let database: TestDatabase
let folder: string
let app: App
let house: House
let key: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = openTemporaryFolder('cadre-forms-')
  const { url } = database
  app = await createApp({
    config: loadConfig({ DATABASE_URL: url, PORT: '0', CADRE_DIR: folder }, false),
    log: testLog,
    urls: { appUrl: url, systemUrl: url, systemDirectUrl: url },
    serve: true,
    work: false,
    development: true,
  })
})
afterAll(async () => {
  await app?.close()
  await database?.drop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  house = await House.open(app.db, database.url)
  key = await makeKey(PERMISSIONS)
})

async function makeKey(permissions: readonly Permission[]): Promise<string> {
  const [member] = await house.rows<{ id: string }>('select id from member where workspace_id = $1')
  const memberId = member?.id ?? ''
  const input = { memberId, name: 'Test', environment: 'TEST' as const, permissions: [...permissions], expiresAt: null }
  return (await house.do((tx) => issueApiKey(tx, input))).key
}

async function ask(
  query: string,
  variables: object = {},
  as: string | null = key,
): Promise<{ data: Data; errors: Data[] }> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(as === null ? {} : { authorization: `Bearer ${as}` }) },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: Data; errors?: Data[] }
  return { data, errors: errors ?? [] }
}

/** Data of what must go well. */
async function read(query: string, variables: object = {}, as: string | null = key): Promise<Data> {
  const { data, errors } = await ask(query, variables, as)
  expect(errors).toEqual([])
  return data
}

const ERRORS = `
  ... on InvalidInputError { issues { field code message } }
  ... on NotFoundError { id }
  ... on ConflictError { reason current { id } }
  ... on UserError { code message }`

const mutate = async (name: string, input: object, selection: string, errors = ERRORS): Promise<Data> => {
  const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const document = `mutation ($input: ${base}Input!) { result: ${name}(input: $input) {
    __typename ... on ${base}Payload { ${selection} } ${errors} } }`
  return (await read(document, { input })).result
}

const SUBMIT_ERRORS = `
  ... on InvalidInputError { issues { field code } }
  ... on ConflictError { reason }
  ... on LimitExceededError { limit retryAfterMs }
  ... on UserError { code message }`
const SUBMIT = `mutation ($input: SubmitFormInput!) { submitForm(input: $input) {
  __typename ... on SubmitFormPayload { id replayed cursor } ${SUBMIT_ERRORS} } }`

const definition = {
  instructions: 'Answer within the hour.',
  fields: [
    { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true, contactField: 'EMAIL' },
    { key: 'name', kind: 'TEXT', label: 'Name' },
    { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' },
    { key: 'team', kind: 'NUMBER', label: 'Team', min: 1 },
    { key: 'tools', kind: 'MULTI_SELECT', label: 'Tools', options: [{ value: 'crm', label: 'A CRM' }] },
    { key: 'start', kind: 'DATE', label: 'Start' },
    { key: 'terms', kind: 'CONSENT', label: 'Terms' },
  ],
  criteria: { conditions: [{ field: 'budget', op: 'GTE', value: 1000, label: 'Budget' }], threshold: 0.5 },
  response: { message: 'We call you.' },
}

describe('forms over GraphQL', () => {
  it('are made, published and read whole', async () => {
    const iris = await house.employee('Iris')
    const pipeline = await house.do((tx) =>
      createPipeline(tx, { name: 'Sales', stages: [{ name: 'New', kind: 'OPEN', probability: 0.1 }] }),
    )
    const made = await mutate(
      'createForm',
      {
        name: 'Book a demo',
        kind: 'SALES',
        handlers: { strategy: 'ROUND_ROBIN', employees: employeeIds(iris) },
        pipeline: encodeId('pipeline', pipeline.id),
        limits: { perAddressPerHour: null },
        autonomy: 'SUPERVISED',
        ...definition,
      },
      'form { id status published { number } }',
    )
    expect(made).toMatchObject({ __typename: 'CreateFormPayload', form: { status: 'DRAFT', published: null } })
    const { id } = made.form
    expect(await mutate('publishForm', { id }, 'form { status published { number } }')).toMatchObject({
      form: { status: 'ACTIVE', published: { number: 1 } },
    })
    const names = [{ id }, { slug: 'book-a-demo' }, { path: `${house.slug}/book-a-demo` }]
    for (const by of names) {
      const { form } = await read(
        `query ($by: FormBy!) { form(by: $by) {
          name path url kind autonomy version
          handlers { strategy employees { name } } pipeline { name }
          limits { perAddressPerHour perEmailPerHour honeypot }
          published { definition { instructions
            fields { key kind required currency options { value label } }
            criteria { threshold conditions { field op value weight } } response { message redirectUrl } } }
          timeline { nodes { summary } } } }`,
        { by },
      )
      expect(form).toMatchObject({
        name: 'Book a demo',
        path: `/f/${house.slug}/book-a-demo`,
        url: `${app.url}/f/${house.slug}/book-a-demo`,
        kind: 'SALES',
        autonomy: 'SUPERVISED',
        version: 2,
        handlers: { strategy: 'ROUND_ROBIN', employees: [{ name: 'Iris' }] },
        pipeline: { name: 'Sales' },
        limits: { perAddressPerHour: null, perEmailPerHour: 5, honeypot: 'subject_line' },
        published: {
          definition: {
            instructions: 'Answer within the hour.',
            criteria: { threshold: 0.5, conditions: [{ field: 'budget', op: 'GTE', value: 1000, weight: 1 }] },
            response: { message: 'We call you.', redirectUrl: null },
          },
        },
        timeline: {
          nodes: [
            { summary: 'Cadre created the form Book a demo' },
            { summary: 'Cadre published the form Book a demo, version 1' },
          ].map(({ summary }) => ({ summary: summary.replace('Cadre', 'Test') })),
        },
      })
      expect(form.published.definition.fields).toHaveLength(7)
    }
    expect((await read('{ form(by: { path: "elsewhere/book-a-demo" }) { id } }')).form).toBeNull()
  })

  it('that do not say how far employees go let them go no further than SUPERVISED', async () => {
    const made = await mutate('createForm', { name: 'Book a demo' }, 'form { autonomy }')
    expect(made.form).toEqual({ autonomy: 'SUPERVISED' })
  })

  it('name the field that is wrong, the version that is stale, and the slug that is taken', async () => {
    const fields = [{ key: 'a', kind: 'SELECT', label: 'A' }]
    expect(await mutate('createForm', { name: 'Book a demo', fields }, 'form { id }')).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ field: 'fields.0.options', code: 'REQUIRED' }],
    })
    const { form } = await mutate('createForm', { name: 'Book a demo' }, 'form { id }')
    const stale = { id: form.id, ifVersion: 7, name: 'Other' }
    expect(await mutate('updateForm', stale, 'form { id }')).toMatchObject({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id: form.id },
    })
    expect(await mutate('createForm', { name: 'Book a demo' }, 'form { id }')).toMatchObject({ reason: 'DUPLICATE' })
  })

  it('are listed by name and in their order', async () => {
    for (const name of ['Zürich office', 'Book a demo', 'Book a call']) await house.form({ name })
    const { forms } = await read(
      `{ forms(filter: { name: { contains: "BOOK" } }, orderBy: [{ field: NAME }]) { totalCount nodes { name } } }`,
    )
    expect(forms).toEqual({ totalCount: 2, nodes: [{ name: 'Book a call' }, { name: 'Book a demo' }] })
  })

  it.each(['pauseForm', 'resumeForm', 'archiveForm'])(
    'go through %s as the table of transitions says',
    async (name) => {
      const form = await house.form()
      const result = await mutate(name, { id: encodeId('form', form.id) }, 'form { status }')
      expect(result).toMatchObject(
        name === 'resumeForm'
          ? { __typename: 'ConflictError', reason: 'ILLEGAL_TRANSITION' }
          : { form: { status: name === 'pauseForm' ? 'PAUSED' : 'ARCHIVED' } },
      )
    },
  )
})

describe('submissions over GraphQL', () => {
  it('are sent with a key, and read with typed answers, contact, handler, run and timeline', async () => {
    const iris = await house.employee('Iris')
    const handlers = { strategy: 'PRINCIPAL', employees: employeeIds(iris) }
    const form = await house.form({ ...definition, handlers })
    const answers = {
      email: 'ada@example.com',
      name: 'Ada Lovelace',
      budget: 5000,
      team: 40,
      tools: ['crm'],
      start: '2027-01-31',
      terms: true,
    }
    const sent = await mutate(
      'submitForm',
      { form: { slug: form.slug }, answers },
      `id replayed submission { id status form { name } formVersion qualified
        contact { name } handler { kind name } run { status } runs { status }
        answers { key label text value { __typename
          ... on TextValue { text } ... on NumberValue { number } ... on MoneyValue { money { text } }
          ... on ChoiceValue { choices } ... on DateValue { date } ... on BooleanValue { boolean } } }
        answer(key: "budget") { text } none: answer(key: "nope") { text } }`,
      SUBMIT_ERRORS,
    )
    expect(sent).toMatchObject({
      __typename: 'SubmitFormPayload',
      replayed: false,
      submission: {
        id: sent.id,
        status: 'PROCESSING',
        form: { name: 'Book a demo' },
        formVersion: 1,
        qualified: null,
        contact: { name: 'Ada Lovelace' },
        handler: { kind: 'EMPLOYEE', name: 'Iris' },
        run: { status: 'QUEUED' },
        runs: [{ status: 'QUEUED' }],
        answer: { text: '€5,000.00' },
        none: null,
      },
    })
    expect(sent.submission.answers).toEqual([
      {
        key: 'email',
        label: 'E-mail',
        text: 'ada@example.com',
        value: { __typename: 'TextValue', text: 'ada@example.com' },
      },
      { key: 'name', label: 'Name', text: 'Ada Lovelace', value: { __typename: 'TextValue', text: 'Ada Lovelace' } },
      {
        key: 'budget',
        label: 'Budget',
        text: '€5,000.00',
        value: { __typename: 'MoneyValue', money: { text: '€5,000.00' } },
      },
      { key: 'team', label: 'Team', text: '40', value: { __typename: 'NumberValue', number: 40 } },
      { key: 'tools', label: 'Tools', text: 'A CRM', value: { __typename: 'ChoiceValue', choices: ['crm'] } },
      { key: 'start', label: 'Start', text: '2027-01-31', value: { __typename: 'DateValue', date: '2027-01-31' } },
      { key: 'terms', label: 'Terms', text: 'Yes', value: { __typename: 'BooleanValue', boolean: true } },
    ])
    const judged = { submission: sent.id, qualified: true, fit: 0.82, reasons: ['Budget is met.'] }
    expect(
      await mutate('qualifySubmission', judged, 'submission { qualified fit reasons contact { lifecycle } }'),
    ).toMatchObject({
      submission: { qualified: true, fit: 0.82, reasons: ['Budget is met.'], contact: { lifecycle: 'QUALIFIED' } },
    })
    const { submission } = await read(
      `query ($id: ID!) { submission(id: $id) { timeline { nodes { type summary detail {
        ... on SubmissionMatched { created contact { name } } ... on SubmissionQualified { fit } } } } } }`,
      { id: sent.id },
    )
    expect(submission.timeline.nodes).toEqual([
      { type: 'SUBMISSION_RECEIVED', summary: 'Book a demo received Ada Lovelace', detail: {} },
      { type: 'CONTACT_CREATED', summary: 'Test added the contact Ada Lovelace', detail: {} },
      {
        type: 'SUBMISSION_MATCHED',
        summary: 'Ada Lovelace came from a new contact, Ada Lovelace',
        detail: { created: true, contact: { name: 'Ada Lovelace' } },
      },
      { type: 'SUBMISSION_ROUTED', summary: 'Iris took "Ada Lovelace" from Book a demo', detail: {} },
      { type: 'RUN_QUEUED', summary: expect.stringContaining('Iris'), detail: {} },
      { type: 'SUBMISSION_QUALIFIED', summary: 'Test qualified Ada Lovelace: fit 0.82', detail: { fit: 0.82 } },
    ])
  })

  it('tell their whole story in one timeline: what is theirs, their runs’, their deal’s and no other’s', async () => {
    const handlers = { strategy: 'PRINCIPAL', employees: employeeIds(await house.employee('Iris')) }
    const pipeline = await house.do((tx) =>
      createPipeline(tx, { name: 'Sales', stages: [{ name: 'New', kind: 'OPEN', probability: 0.1 }] }),
    )
    const form = await house.form({ handlers, pipeline: encodeId('pipeline', pipeline.id) })
    const first = await house.accept(form, { email: 'ada@example.com' })
    const REST = { amount: undefined, contactId: undefined, stageId: undefined, owner: undefined }
    const deal = await house.do((tx) => openDealForSubmission(tx, { submissionId: first, name: 'Ada’s deal', ...REST }))
    const second = await house.accept(form, { email: 'ada@example.com', message: 'again' })
    await house.do((tx) => updateDeal(tx, { id: deal.id, name: 'A better name' }))

    const story = [
      'SUBMISSION_RECEIVED',
      'CONTACT_CREATED',
      'SUBMISSION_MATCHED',
      'SUBMISSION_ROUTED',
      'RUN_QUEUED',
      'DEAL_CREATED',
      'DEAL_UPDATED',
    ]
    const typesOf = ({ timeline }: Data) => timeline.nodes.map(({ type }: { type: string }) => type)
    const one = async (args = '') =>
      (
        await read(
          `{ submission(id: "${encodeId('submission', first)}") { timeline${args} {
            nodes { type } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
        )
      ).submission
    await expect.poll(async () => typesOf(await one())).toEqual(story)
    for (const size of [1, 3, 4]) {
      const forwards: string[] = []
      for (let after = '', more = true; more; ) {
        const page = await one(`(first: ${size}${after})`)
        forwards.push(...typesOf(page))
        after = `, after: "${page.timeline.pageInfo.endCursor}"`
        more = page.timeline.pageInfo.hasNextPage
      }
      expect(forwards).toEqual(story)
      const backwards: string[] = []
      for (let before = '', more = true; more; ) {
        const page = await one(`(last: ${size}${before})`)
        backwards.unshift(...typesOf(page))
        before = `, before: "${page.timeline.pageInfo.startCursor}"`
        more = page.timeline.pageInfo.hasPreviousPage
      }
      expect(backwards).toEqual(story)
    }
    expect(typesOf(await one('(first: 0)'))).toEqual([])
    expect(typesOf(await one('(last: 0)'))).toEqual([])

    const reads = vi.spyOn(app.db, 'read')
    const readsFor = async (count: number) => {
      reads.mockClear()
      const { submissions } = await read(
        `{ submissions(first: ${count}, orderBy: [{ field: RECEIVED }]) { nodes { id timeline { nodes { type } } } } }`,
      )
      return { submissions, reads: reads.mock.calls.length }
    }
    const { reads: readsForOne } = await readsFor(1)
    const all = await readsFor(2)
    reads.mockRestore()
    expect(all.submissions.nodes.map(({ id }: { id: string }) => id)).toEqual(
      [first, second].map((id) => encodeId('submission', id)),
    )
    expect(all.submissions.nodes.map(typesOf)).toEqual([
      story,
      ['SUBMISSION_RECEIVED', 'SUBMISSION_MATCHED', 'SUBMISSION_ROUTED', 'RUN_QUEUED'],
    ])
    expect(all.reads).toBe(readsForOne)
    expect(readsForOne).toBeGreaterThan(0)
  })

  it('are listed by form, by status and by when they came in', async () => {
    const [form, other] = [await house.form({ name: 'One form' }), await house.form({ name: 'Other form' })]
    const first = await house.accept(form, { email: 'a@example.com' })
    const second = await house.accept(form, { email: 'b@example.com' })
    await house.accept(other, { email: 'c@example.com' })
    const ids = async (args: string) => {
      const { submissions } = await read(`{ submissions(${args}) { totalCount nodes { id } } }`)
      return submissions.nodes.map((node: { id: string }) => node.id)
    }
    const public1 = encodeId('submission', first)
    const public2 = encodeId('submission', second)
    expect(await ids(`form: "${encodeId('form', form.id)}"`)).toEqual([public2, public1])
    expect(await ids('filter: { form: { name: { eq: "One form" } } }, orderBy: [{ field: RECEIVED }]')).toEqual([
      public1,
      public2,
    ])
    expect(await ids('filter: { status: { eq: PROCESSED } }')).toEqual([])
    expect(await ids('filter: { status: { eq: RECEIVED }, receivedAt: { gte: "-PT1H" } }')).toHaveLength(3)
    expect(await ids('filter: { receivedAt: { lt: "-PT1H" } }')).toEqual([])
  })

  it('are sent by anybody who names the form by its path, and are theirs to send, not to read', async () => {
    const form = await house.form()
    const input = {
      form: { path: `${house.slug}/${form.slug}` },
      id: randomUUID(),
      answers: { email: 'ada@example.com' },
    }
    const first = (await read(SUBMIT, { input }, null)).submitForm
    expect(first).toMatchObject({ __typename: 'SubmitFormPayload', id: `submission_${input.id}`, replayed: false })
    expect((await read(SUBMIT, { input }, null)).submitForm).toMatchObject({ id: first.id, replayed: true })
    expect(await house.count('submission')).toBe(1)
    const { data, errors } = await ask(
      `mutation ($input: SubmitFormInput!) { submitForm(input: $input) { ... on SubmitFormPayload { id submission { id } } } }`,
      { input },
      null,
    )
    expect(data.submitForm).toEqual({ id: first.id, submission: null })
    expect(errors.map((err) => err.extensions.code)).toEqual(['UNAUTHENTICATED'])
    const bySlug = await ask(SUBMIT, { input: { ...input, form: { slug: form.slug } } }, null)
    expect(bySlug.errors.map((err) => err.extensions.code)).toEqual(['UNAUTHENTICATED'])
    const elsewhere = { ...input, form: { path: `nobody/${form.slug}` } }
    expect((await read(SUBMIT, { input: elsewhere }, null)).submitForm).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('of two strangers who choose the same idempotency key are two, unless the id is theirs too', async () => {
    const form = await house.form()
    const send = async (more: object, answers: object) => {
      const input = { form: { path: `${house.slug}/${form.slug}` }, answers, ...more }
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': '1' },
        body: JSON.stringify({ query: SUBMIT, variables: { input } }),
      })
      return ((await response.json()) as { data: Data }).data.submitForm
    }
    const first = await send({}, { email: 'ada@example.com' })
    const second = await send({}, { email: 'ada@example.com' })
    expect(await send({}, { email: 'kim@example.com' })).toMatchObject({ __typename: 'SubmitFormPayload' })
    expect(second).toMatchObject({ __typename: 'SubmitFormPayload', replayed: false })
    expect(second.id).not.toBe(first.id)
    expect(await house.count('idempotency_claim')).toBe(0)
    const id = randomUUID()
    const own = await send({ id }, { email: 'ada@example.com' })
    expect(own).toMatchObject({ id: `submission_${id}` })
    expect(await send({ id }, { email: 'ada@example.com' })).toMatchObject({ id: own.id })
    expect(await house.count('submission')).toBe(4)
  })

  it('with wrong answers, to a closed form or with a used id are refused in the union', async () => {
    const form = await house.form()
    const send = async (input: object) =>
      (await read(SUBMIT, { input: { form: { id: encodeId('form', form.id) }, ...input } })).submitForm
    expect(await send({ answers: { email: 'ada@' } })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ field: 'email', code: 'INVALID_FORMAT' }],
    })
    expect(await send({ id: 'one', answers: {} })).toMatchObject({ issues: [{ field: 'id', code: 'INVALID_FORMAT' }] })
    const id = randomUUID()
    await send({ id, answers: { email: 'ada@example.com' } })
    expect(await send({ id, answers: { email: 'kim@example.com' } })).toMatchObject({ reason: 'IDEMPOTENCY_MISMATCH' })
    await mutate('archiveForm', { id: encodeId('form', form.id) }, 'form { id }')
    expect(await send({ answers: { email: 'ada@example.com' } })).toMatchObject({ reason: 'CLOSED' })
  })

  it('of one address are counted together, by whichever door they come; those of a key are not', async () => {
    const form = await house.form({ limits: { perAddressPerHour: 1 } })
    const posted = await fetch(`${app.url}/f/${house.slug}/${form.slug}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"email":"ada@example.com"}',
    })
    expect(posted.status).toBe(201)
    const input = { form: { path: `${house.slug}/${form.slug}` }, answers: { email: 'kim@example.com' } }
    const refused = (await read(SUBMIT, { input }, null)).submitForm
    expect(refused).toMatchObject({ __typename: 'LimitExceededError', limit: 'RATE' })
    expect(refused.retryAfterMs).toBeGreaterThan(3_500_000)
    expect((await read(SUBMIT, { input })).submitForm).toMatchObject({ __typename: 'SubmitFormPayload' })
  })

  it('that are turned away leave their row in the spam log and their event, and nothing under their key', async () => {
    const form = await house.form({ limits: { perEmailPerHour: 1, duplicateWindowMinutes: 10 } })
    const send = async (answers: object) => {
      const input = { form: { slug: form.slug }, answers }
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${key}`,
          'idempotency-key': JSON.stringify(answers),
        },
        body: JSON.stringify({ query: SUBMIT, variables: { input } }),
      })
      return ((await response.json()) as { data: Data }).data.submitForm
    }
    const spam = async () =>
      (await house.rows<{ reason: string }>('select reason from submission_rejection where workspace_id = $1')).map(
        ({ reason }) => reason,
      )
    await house.accept(form, { email: 'ada@example.com' })
    const limited = { email: 'ada@example.com', message: 'again' }
    expect(await send(limited)).toMatchObject({ __typename: 'LimitExceededError', limit: 'RATE' })
    expect(await send({ email: 'ada@example.com' })).toMatchObject({
      __typename: 'ConflictError',
      reason: 'DUPLICATE',
    })
    expect((await spam()).sort()).toEqual(['DUPLICATE', 'EMAIL_LIMIT'])
    const logged =
      '{ events(filter: { types: [SUBMISSION_REJECTED] }) { nodes { detail { ... on SubmissionRejected { reason } } } } }'
    await expect
      .poll(async () => (await read(logged)).events.nodes)
      .toEqual([{ detail: { reason: 'EMAIL_LIMIT' } }, { detail: { reason: 'DUPLICATE' } }])
    expect(await house.count('idempotency_claim')).toBe(0)
    // What was refused may be accepted the next time, under the same key.
    await house.rows(`update submission set received_at = received_at - interval '2 hours' where workspace_id = $1`)
    expect(await send(limited)).toMatchObject({ __typename: 'SubmitFormPayload', replayed: false })
    expect(await house.count('idempotency_claim')).toBe(1)
  })

  it('are not narrowed by what the caller may not read: no contact is guessed letter by letter', async () => {
    await house.accept(await house.form(), { email: 'ada@example.com', name: 'Ada' })
    const query = `query ($filter: SubmissionFilter) { submissions(filter: $filter) { totalCount } }`
    const byName = { contact: { name: { startsWith: 'a' } } }
    const poor = await makeKey(['SUBMISSIONS_READ'])
    for (const filter of [byName, { not: byName }, { or: [{ and: [byName] }] }]) {
      const { errors } = await ask(query, { filter }, poor)
      expect(errors.map(({ extensions }) => [extensions.code, extensions.needs])).toEqual([
        ['FORBIDDEN', 'CONTACTS_READ'],
      ])
    }
    const enough = await makeKey(['SUBMISSIONS_READ', 'CONTACTS_READ'])
    expect(await read(query, { filter: byName }, enough)).toEqual({ submissions: { totalCount: 1 } })
    const shorthand = `query ($form: ID!) { submissions(form: $form) { totalCount } }`
    const { id } = await house.form()
    expect(await read(shorthand, { form: encodeId('form', id) }, poor)).toEqual({ submissions: { totalCount: 0 } })
  })

  it('need SUBMISSIONS_READ to be read and SUBMISSIONS_WRITE to be judged, and are of their workspace alone', async () => {
    const id = encodeId('submission', await house.accept(await house.form(), { email: 'ada@example.com' }))
    const poor = await makeKey(['FORMS_READ', 'EVENTS_READ'])
    const codes = async (document: string) => (await ask(document, {}, poor)).errors.map((err) => err.extensions.code)
    expect(await codes(`{ submission(id: "${id}") { id } }`)).toEqual(['FORBIDDEN'])
    expect(await codes('{ submissions { nodes { id } } }')).toEqual(['FORBIDDEN'])
    const judge = `mutation { qualifySubmission(input: { submission: "${id}", qualified: true, fit: 1, reasons: [] }) {
      __typename ... on ForbiddenError { needs } } }`
    expect((await read(judge, {}, poor)).qualifySubmission).toEqual({
      __typename: 'ForbiddenError',
      needs: 'SUBMISSIONS_WRITE',
    })
    house = await House.open(app.db, database.url)
    key = await makeKey(PERMISSIONS)
    expect((await read(`{ submission(id: "${id}") { id } submissions { totalCount } }`)).submission).toBeNull()
    const verdict = { submission: id, qualified: true, fit: 1, reasons: [] }
    expect(await mutate('qualifySubmission', verdict, 'submission { id }')).toMatchObject({ code: 'NOT_FOUND' })
  })
})
