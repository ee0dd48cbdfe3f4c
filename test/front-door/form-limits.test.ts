import { describe, expect, test } from 'vitest'
import { runSql } from '../support/sql.ts'
import { openHouse } from './house.ts'
import { ask, complaintsOf, post, problemOf } from './visitor.ts'

const house = openHouse()

/** A published form of its own for each limit; returns its address. */
async function formWith(slug: string, limits: object): Promise<string> {
  const { createForm } = await ask<{ createForm: { form: { id: string; path: string } } }>(
    house.server,
    `mutation ($input: CreateFormInput!) { createForm(input: $input) { __typename
       ... on CreateFormPayload { form { id path } } ... on UserError { message } } }`,
    {
      input: {
        name: `Limits: ${slug}`,
        slug,
        limits: {
          perAddressPerHour: null,
          perEmailPerHour: null,
          minimumTimeMs: 0,
          duplicateWindowMinutes: 0,
          ...limits,
        },
        fields: [
          { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true, contactField: 'EMAIL' },
          { key: 'note', kind: 'TEXT', label: 'Note' },
        ],
      },
    },
  )
  const { publishForm } = await ask<{ publishForm: { __typename: string } }>(
    house.server,
    'mutation ($id: ID!) { publishForm(input: { id: $id }) { __typename } }',
    { id: createForm.form.id },
  )
  expect(publishForm.__typename).toBe('PublishFormPayload')
  return `${house.server.url}/f/demo/${slug}`
}

const storedOf = async (slug: string): Promise<string[]> =>
  (
    await runSql<{ email: string }>(
      house.database.url,
      `select s.answers->>'email' as email from submission s join form f on f.workspace_id = s.workspace_id and f.id = s.form_id
        where f.slug = $1 order by s.received_at, s.id`,
      [slug],
    )
  ).map(({ email }) => email)

const rejectedOf = async (slug: string): Promise<string[]> =>
  (
    await runSql<{ reason: string }>(
      house.database.url,
      `select r.reason from submission_rejection r join form f on f.workspace_id = r.workspace_id and f.id = r.form_id
        where f.slug = $1 order by r.created_at`,
      [slug],
    )
  ).map(({ reason }) => reason)

async function expectRefused(response: Response, words: RegExp): Promise<void> {
  const problem = await problemOf(response)
  expect(problem).toMatchObject({ status: 429, code: 'LIMIT_EXCEEDED' })
  expect(String(problem.detail)).toMatch(words)
}

/** Sends again what the door asks to be sent again, for too many of one sender came at once. */
async function persistently(send: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const answer = await send()
    if (answer.status !== 503) return answer
  }
}

describe('a form with limits, at its public door,', () => {
  test('takes only so many an hour from one address, and says when to come back', async () => {
    const url = await formWith('per-address', { perAddressPerHour: 2 })
    for (const n of [1, 2]) expect((await post(url, { email: `n${n}@leads.example` })).status).toBe(201)
    const third = await post(url, { email: 'n3@leads.example' })
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(3_000)
    await expectRefused(third, /hour/)
    // A header that anybody can send makes no other address of it.
    expect((await post(url, { email: 'n4@leads.example' }, { 'x-forwarded-for': '203.0.113.9' })).status).toBe(429)
    const page = await fetch(url, { method: 'POST', body: new URLSearchParams({ email: 'n5@leads.example' }) })
    expect(page.status).toBe(429)
    expect(await page.text()).toContain('n5@leads.example')
    expect(await storedOf('per-address')).toEqual(['n1@leads.example', 'n2@leads.example'])
    expect(await rejectedOf('per-address')).toEqual(['ADDRESS_LIMIT', 'ADDRESS_LIMIT', 'ADDRESS_LIMIT'])
  })

  test('takes only so many an hour with one e-mail address, however it is written, also of twenty at once', async () => {
    const url = await formWith('per-email', { perEmailPerHour: 2 })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        persistently(() =>
          post(url, { email: n % 2 === 0 ? 'Kim@Leads.example' : 'kim@leads.example', note: `number ${n}` }),
        ),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, ...Array<number>(18).fill(429)])
    expect((await post(url, { email: 'sam@leads.example' })).status).toBe(201)
    expect(await storedOf('per-email')).toHaveLength(3)
    expect(new Set(await rejectedOf('per-email'))).toEqual(new Set(['EMAIL_LIMIT']))
  })

  test('takes the same answers once within the window, and the same id as a repetition', async () => {
    const url = await formWith('duplicates', { duplicateWindowMinutes: 60 })
    const id = '0197fbd1-7a00-7000-8000-00000000d0b1'
    const answers = { email: 'kim@leads.example', note: 'the same' }
    expect((await post(url, answers, { 'idempotency-key': id })).status).toBe(201)
    const again = await post(url, answers, { 'idempotency-key': id })
    expect(again.status).toBe(200)
    expect(await again.json()).toMatchObject({ id: `submission_${id}`, replayed: true })
    const double = await post(url, answers)
    expect(double.status).toBe(409)
    expect(String((await problemOf(double)).detail)).toMatch(/received exactly this/)
    expect((await post(url, { ...answers, note: 'another' })).status).toBe(201)
    const other = await post(url, { ...answers, note: 'changed' }, { 'idempotency-key': id })
    expect(await problemOf(other)).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_MISMATCH' })
    expect(await storedOf('duplicates')).toHaveLength(2)
    expect(await rejectedOf('duplicates')).toEqual(['DUPLICATE'])
  })

  test('thanks whoever fills in the honeypot, and keeps nothing of it', async () => {
    const url = await formWith('honeypot', { honeypot: 'subject_line' })
    expect(await (await fetch(url)).text()).toContain('name="subject_line"')
    const trapped = await post(url, { email: 'bot@leads.example', subject_line: 'Cheap' })
    const accepted = await post(url, { email: 'kim@leads.example', subject_line: '' })
    expect([trapped.status, accepted.status]).toEqual([201, 201])
    const [lie, truth] = [await trapped.json(), await accepted.json()] as [
      Record<string, unknown>,
      Record<string, unknown>,
    ]
    expect(Object.keys(lie)).toEqual(Object.keys(truth))
    expect(lie).toEqual({ ...truth, id: expect.stringMatching(/^submission_[0-9a-f-]{36}$/) })
    const page = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ email: 'bot@leads.example', subject_line: 'Cheap' }),
    })
    expect([page.status, page.headers.get('location')]).toEqual([303, '/f/demo/honeypot/thanks'])
    expect(await storedOf('honeypot')).toEqual(['kim@leads.example'])
    expect(await rejectedOf('honeypot')).toEqual(['HONEYPOT', 'HONEYPOT'])
    expect(await runSql(house.database.url, `select id from contact where email like 'bot@%'`)).toEqual([])
  })

  test('refuses a page that is sent sooner than a person can, keeps what was typed, and takes it later', async () => {
    const url = await formWith('minimum-time', { minimumTimeMs: 60_000 })
    const page = await (await fetch(url)).text()
    const hidden = Object.fromEntries(
      [...page.matchAll(/<input type="hidden" name="([^"]+)"[^>]*? value="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    )
    expect(Object.keys(hidden)).toContain('_token')
    const body = new URLSearchParams({ ...(hidden as Record<string, string>), email: 'quick@leads.example' })
    const early = await fetch(url, { method: 'POST', body })
    expect(early.status).toBe(429)
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await early.text()).toContain('quick@leads.example')
    // A token that was made up says nothing about when the page was opened, and does not open another form's door.
    const [time = ''] = String(hidden._token).split('.')
    expect((await post(url, { email: 'quick@leads.example', _token: String(hidden._token) })).status).toBe(429)
    expect(await storedOf('minimum-time')).toEqual([])
    expect(await rejectedOf('minimum-time')).toEqual(['TOO_FAST', 'TOO_FAST'])
    expect(Number.parseInt(time, 36)).toBeLessThanOrEqual(Date.now())
    await ask(
      house.server,
      `mutation ($id: ID!) { updateForm(input: { id: $id, limits: { minimumTimeMs: 0 } }) { __typename } }`,
      {
        id: (await ask<{ form: { id: string } }>(house.server, '{ form(by: { slug: "minimum-time" }) { id } }')).form
          .id,
      },
    )
    const later = await fetch(url, { method: 'POST', body, redirect: 'manual' })
    expect(later.status).toBe(303)
    expect(await storedOf('minimum-time')).toEqual(['quick@leads.example'])
  })

  test('raises no alarm with any of it', () => {
    expect(complaintsOf(house.server.output)).toEqual([])
  })
})
