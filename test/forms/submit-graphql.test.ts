import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { App } from '../../src/app.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import type { House } from './arrange.ts'
import { type Data, openForms, SUBMIT } from './over-graphql.ts'

const { opened, ask, mutate, read } = openForms()

let app: App
let house: House
let key: string
beforeEach(() => {
  ;({ app, house, key } = opened)
})

describe('submissions over GraphQL', () => {
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
})
