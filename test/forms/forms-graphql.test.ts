import { beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../src/app.ts'
import { createPipeline } from '../../src/domains/deals/service.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { employeeIds, type House } from './arrange.ts'
import { definition, openForms } from './over-graphql.ts'

const { opened, mutate, read } = openForms()

let app: App
let house: House
beforeEach(() => {
  ;({ app, house } = opened)
})

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
