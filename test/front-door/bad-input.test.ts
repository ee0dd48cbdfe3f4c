import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { runSql } from '../support/sql.ts'
import { openHouse } from './house.ts'
import { ask, complaintsOf, formUrlOf, goodLead, post } from './visitor.ts'

const house = openHouse()

/** How many rows each table has, the queue's own tables included. */
async function countRows(): Promise<Record<string, number>> {
  const tables = await runSql<{ name: string }>(
    house.database.url,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  )
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as rows from ${name}`)
  const rows = await runSql<{ name: string; rows: number }>(house.database.url, counts.join(' union all '))
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
}

/** Does it, and holds that no table has a row more or less and that nobody would be woken by the log. */
async function leavingNothing(act: () => Promise<void>): Promise<void> {
  const before = await countRows()
  expect(Object.keys(before).length).toBeGreaterThan(30)
  await act()
  expect(await countRows()).toEqual(before)
  expect(complaintsOf(house.server.output)).toEqual([])
}

const asProgram = { accept: 'application/json', 'content-type': 'application/json' }

async function problemOf(response: Response): Promise<Record<string, unknown> & { status: number }> {
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  const problem = (await response.json()) as Record<string, unknown> & { status: number }
  expect(problem.status).toBe(response.status)
  return problem
}

describe('an address where there is nothing', () => {
  test.each([
    ['at the root', '/nothing/<b>here'],
    ['in the reference', '/docs/nothing'],
  ])('%s is a page that leads back for browsers, and a problem for programs', async (_where, path) => {
    const url = `${house.server.url}${path}`
    const page = await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const text = await page.text()
    expect(text).toContain(`There is nothing at ${new URL(url).pathname}.`)
    expect(text).toContain('<a href="/">')
    const shown = await fetch(url)
    expect(shown.headers.get('vary')).toContain('accept')
    expect(await problemOf(shown)).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      title: `There is nothing at ${new URL(url).pathname}.`,
    })
  })
})

describe('bad input at a form stores nothing, raises no alarm, and', () => {
  test('an unknown form is a page for browsers and a problem for programs', () =>
    leavingNothing(async () => {
      for (const path of ['/f/demo/no-such-form', '/f/nobody/book-a-demo', '/f/demo/%00', '/f/demo/..%2f..%2fetc']) {
        const page = await fetch(`${house.server.url}${path}`, { headers: { accept: 'text/html' } })
        expect(page.status).toBe(404)
        expect(page.headers.get('content-type')).toContain('text/html')
        expect(await page.text()).toContain('There is no such form')
        const shown = await fetch(`${house.server.url}${path}`, { headers: { accept: 'application/json' } })
        expect(await problemOf(shown)).toMatchObject({ status: 404, code: 'NOT_FOUND' })
        const sent = await post(`${house.server.url}${path}`, goodLead('kim@nimbus.example'))
        expect(await problemOf(sent)).toMatchObject({
          status: 404,
          code: 'NOT_FOUND',
          detail: expect.stringMatching(/form/i),
        })
      }
    }))

  test('a field too many is named', () =>
    leavingNothing(async () => {
      const response = await post(formUrlOf(house.server), {
        ...goodLead('kim@nimbus.example'),
        shoe_size: 44,
        __proto: 1,
      })
      const { issues } = await problemOf(response)
      expect(response.status).toBe(422)
      expect(issues).toEqual(
        ['shoe_size', '__proto'].map((field) =>
          expect.objectContaining({ field, message: `This form has no field "${field}".` }),
        ),
      )
    }))

  test('each wrong type is named at its field, in words', () =>
    leavingNothing(async () => {
      const wrong = { email: 'kim@', budget: 'plenty', call_me: 'perhaps', name: { first: 'Kim' }, phone: '12' }
      const response = await post(formUrlOf(house.server), wrong)
      const { issues } = (await problemOf(response)) as unknown as { issues: { field: string; message: string }[] }
      expect(response.status).toBe(422)
      expect(issues.map(({ field }) => field).sort()).toEqual(Object.keys(wrong).sort())
      for (const { message } of issues) expect(message).toMatch(/^[A-Z].{8,}\.$/)
    }))

  test('a missing e-mail is asked for', () =>
    leavingNothing(async () => {
      const response = await post(formUrlOf(house.server), { name: 'Kim' })
      expect(await problemOf(response)).toMatchObject({ status: 422, issues: [{ field: 'email', code: 'REQUIRED' }] })
    }))

  test('a browser gets the page back with what was typed and what is wrong', () =>
    leavingNothing(async () => {
      const response = await fetch(formUrlOf(house.server), {
        method: 'POST',
        headers: { accept: 'text/html' },
        body: new URLSearchParams({ email: 'kim@', name: 'Kim <Larsen>', shoe_size: '44' }),
      })
      expect(response.status).toBe(422)
      const page = await response.text()
      expect(page).toContain('not an e-mail address')
      expect(page).toContain('Kim &lt;Larsen&gt;')
      expect(page).not.toContain('Kim <Larsen>')
    }))

  test.each([
    ['no JSON', '{"email": "kim@nimbus.example"', 400, /not valid JSON/],
    ['an empty body', '', 400, /not valid JSON/],
    ['a list', '[1, 2]', 422, /object/],
    ['a null', 'null', 422, /object/],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400, /UTF-8/],
  ])('%s is said to be that', (_, body, status, words) =>
    leavingNothing(async () => {
      const response = await fetch(formUrlOf(house.server), { method: 'POST', headers: asProgram, body })
      const problem = await problemOf(response)
      expect(problem).toMatchObject({ status, code: 'INVALID_INPUT' })
      expect(JSON.stringify(problem)).toMatch(words)
    }),
  )

  test('other media types, methods and ids that are no UUID are refused, saying what is possible', () =>
    leavingNothing(async () => {
      const xml = { method: 'POST', headers: { ...asProgram, 'content-type': 'text/xml' }, body: '<lead/>' }
      expect(await problemOf(await fetch(formUrlOf(house.server), xml))).toMatchObject({
        status: 415,
        detail: expect.stringContaining('application/json'),
      })
      const put = await fetch(formUrlOf(house.server), { method: 'PUT', headers: asProgram, body: '{}' })
      expect(put.status).toBe(405)
      expect(put.headers.get('allow')).toContain('POST')
      const named = await post(formUrlOf(house.server), goodLead('kim@nimbus.example'), { 'idempotency-key': 'again' })
      expect(await problemOf(named)).toMatchObject({ status: 422, issues: [{ field: 'Idempotency-Key' }] })
    }))

  test.each(['/f/demo/book-a-demo', '/graphql'])(
    '10 MB to %s are refused as too large, announced or in chunks',
    (path) =>
      leavingNothing(async () => {
        for (const announced of [true, false]) {
          const { status, text } = await sendTenMegabytes(path, announced)
          expect(status).toBe(413)
          expect(text).toContain('LIMIT_EXCEEDED')
          expect(text).toMatch(/1 MB|1 MiB|1,?048,?576/)
        }
      }),
  )
})

/** A body of 10 MB, with its length told first or not at all. Ends with the answer, or with the connection. */
function sendTenMegabytes(path: string, announced: boolean): Promise<{ status: number; text: string }> {
  const bytes = 10 * 1024 * 1024
  return new Promise((resolve, reject) => {
    let answered = false
    const request = httpRequest(`${house.server.url}${path}`, {
      method: 'POST',
      headers: {
        ...asProgram,
        authorization: `Bearer ${house.server.key}`,
        ...(announced ? { 'content-length': bytes } : { 'transfer-encoding': 'chunked' }),
      },
    })
    request.on('response', async (response) => {
      answered = true
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, text })
      request.destroy()
    })
    request.on('error', (err) => {
      if (!answered) reject(err)
    })
    const piece = Buffer.alloc(64 * 1024, 'a')
    let left = bytes
    const write = (): void => {
      while (left > 0 && !answered && !request.destroyed) {
        left -= piece.length
        if (!request.write(piece)) return void request.once('drain', write)
      }
      if (left === 0) request.end()
    }
    write()
  })
}

interface GraphqlAnswer {
  readonly status: number
  readonly text: string
  readonly body: { readonly data?: unknown; readonly errors: { message: string; extensions: { code: string } }[] }
}

async function send(
  body: string,
  options: { headers?: Record<string, string>; key?: string } = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(`${house.server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${options.key ?? house.server.key}`,
      ...options.headers,
    },
    body,
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}

const SUBMIT = `mutation Submit($input: SubmitFormInput!) { submitForm(input: $input) { __typename
  ... on SubmitFormPayload { id } ... on InvalidInputError { issues { field message } }
  ... on LimitExceededError { limit retryAfterMs } ... on ConflictError { reason } ... on UserError { code message } } }`

describe('a bad GraphQL request stores nothing, raises no alarm, and', () => {
  test('an unknown field, argument or type is named', () =>
    leavingNothing(async () => {
      for (const [query, words] of [
        ['{ viewer { shoeSize } }', 'shoeSize'],
        ['{ deals(colour: "red") { totalCount } }', 'colour'],
        ['{ viewer { actor { name } }', 'Syntax Error'],
        ['query ($input: SubmitFormInputs!) { cursor }', 'SubmitFormInputs'],
      ] as const) {
        const { status, body } = await send(JSON.stringify({ query }))
        expect(status).toBe(400)
        expect(body.data).toBeUndefined()
        expect(body.errors[0]?.message).toContain(words)
        expect(body.errors[0]?.extensions.code).toBe('INVALID_INPUT')
      }
    }))

  test('a variable of the wrong type, or none at all, is named', () =>
    leavingNothing(async () => {
      for (const [variables, words] of [
        [{ input: { form: { slug: 7 }, answers: {} } }, 'slug'],
        [{ input: { form: { slug: 'book-a-demo', path: 'x' }, answers: {} } }, 'form'],
        [{ input: { form: { slug: 'book-a-demo' }, answers: {}, colour: 'red' } }, 'colour'],
        [{}, '$input'],
      ] as const) {
        const { status, body } = await send(JSON.stringify({ query: SUBMIT, variables }))
        expect(status).toBe(400)
        expect(body.errors[0]?.message).toContain(words)
        expect(body.errors[0]?.extensions.code).toBe('INVALID_INPUT')
      }
    }))

  test('answers that the form does not take are part of the result, field by field', () =>
    leavingNothing(async () => {
      const variables = { input: { form: { slug: 'book-a-demo' }, answers: { email: 'kim@', shoe_size: 44 } } }
      const { status, body } = await send(JSON.stringify({ query: SUBMIT, variables }))
      expect(status).toBe(200)
      const { submitForm } = body.data as { submitForm: { issues: { field: string }[] } }
      expect(submitForm).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
      expect(submitForm.issues.map(({ field }) => field.split('.').at(-1)).sort()).toEqual(['email', 'shoe_size'])
    }))

  test('invalid JSON, a batch, a number and an empty body are said to be that', () =>
    leavingNothing(async () => {
      for (const [body, words] of [
        ['{"query": "{ cursor }"', /JSON/i],
        ['', /JSON|body/i],
        ['[{"query": "{ cursor }"}, {"query": "{ cursor }"}]', /batch/i],
        ['7', /object|JSON|body/i],
        ['{"variables": {}}', /query/i],
        ['{"query": 7}', /query/i],
      ] as const) {
        const answer = await send(body)
        expect(answer.status, body).toBe(400)
        expect(answer.body.errors[0]?.message, body).toMatch(words)
        expect(answer.body.errors[0]?.extensions.code).toBe('INVALID_INPUT')
      }
    }))

  test('a mutation over GET and a form-encoded or multipart body are refused', () =>
    leavingNothing(async () => {
      const variables = { input: { form: { slug: 'book-a-demo' }, answers: goodLead('kim@nimbus.example') } }
      const search = new URLSearchParams({ query: SUBMIT, variables: JSON.stringify(variables) })
      const got = await fetch(`${house.server.url}/graphql?${search}`, {
        headers: { accept: 'application/json', authorization: `Bearer ${house.server.key}` },
      })
      expect(got.status).toBe(405)
      expect(got.headers.get('allow')).toBe('POST')
      expect(await got.text()).toContain('Mutations are sent with POST')
      const multipart = new FormData()
      multipart.set('operations', JSON.stringify({ query: SUBMIT, variables }))
      for (const body of [search, multipart, JSON.stringify({ query: SUBMIT, variables })]) {
        const response = await fetch(`${house.server.url}/graphql`, {
          method: 'POST',
          headers: { authorization: `Bearer ${house.server.key}` },
          body,
        })
        expect(response.status).toBe(415)
        expect(await response.text()).toContain('application/json')
      }
    }))

  test('an invalid key is 401 over HTTP with a word on what to do, and closes a WebSocket with 4401', () =>
    leavingNothing(async () => {
      for (const key of ['nonsense', `${house.server.key}x`, house.server.key.slice(0, -1), '', "' or 1=1 --"]) {
        const answer = await send(JSON.stringify({ query: '{ viewer { actor { name } } }' }), { key })
        expect(answer.status, key).toBe(401)
        expect(answer.body.errors[0]?.extensions.code).toBe('UNAUTHENTICATED')
        expect(answer.body.errors[0]?.message).toMatch(/key|sign|credential/i)
      }
      const { code, reason } = await closeOf({ authorization: 'Bearer nonsense' })
      expect(code).toBe(4401)
      expect(reason).toMatch(/key/i)
    }))

  test('a WebSocket that sends no message of the protocol is closed with 4400', () =>
    leavingNothing(async () => {
      expect((await closeOf(undefined, 'this is no JSON')).code).toBe(4400)
    }))
})

/** How the house.server closes a socket that sends this first. */
function closeOf(payload: object | undefined, raw?: string): Promise<{ code: number; reason: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${house.server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    socket.on('open', () => socket.send(raw ?? JSON.stringify({ type: 'connection_init', payload })))
    socket.on('message', (message) => reject(new Error(`it was answered: ${message}`)))
    socket.on('error', reject)
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
}

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
        post(url, { email: n % 2 === 0 ? 'Kim@Leads.example' : 'kim@leads.example', note: `number ${n}` }),
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
