import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { App } from '../../src/app.ts'
import { createPipeline, openDealForSubmission, updateDeal } from '../../src/domains/deals/service.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { employeeIds, type House } from './arrange.ts'
import { type Data, definition, openForms, SUBMIT_ERRORS } from './over-graphql.ts'

const { opened, enter, ask, makeKey, mutate, read } = openForms()

let app: App
let house: House
beforeEach(() => {
  ;({ app, house } = opened)
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
    await enter()
    expect((await read(`{ submission(id: "${id}") { id } submissions { totalCount } }`)).submission).toBeNull()
    const verdict = { submission: id, qualified: true, fit: 1, reasons: [] }
    expect(await mutate('qualifySubmission', verdict, 'submission { id }')).toMatchObject({ code: 'NOT_FOUND' })
  })
})
