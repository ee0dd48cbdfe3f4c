import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FormDefinition } from '../../src/domains/forms/model.ts'
import { archiveForm, pauseForm } from '../../src/domains/forms/service.ts'
import { answersOf } from '../../src/domains/submissions/answer-types.ts'
import { formRoutes } from '../../src/domains/submissions/http.ts'
import { submissionBrief, submitForm } from '../../src/domains/submissions/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { openDatabase, testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { House } from './arrange.ts'

let database: TestDatabase
let db: Database
let server: HttpServer
let house: House

beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase(database.url)
  server = await openHttpServer({
    routes: formRoutes({
      db,
      bell: { ring: () => {} },
      clock: systemClock,
      log: testLog,
      secret: 'a secret of this test',
    }),
    log: testLog,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1024 * 1024,
    trustProxy: 0,
  })
})
afterAll(async () => {
  await server?.close()
  await db?.close()
  await database?.drop()
})
beforeEach(async () => {
  house = await House.open(db, database.url)
})

const at = (form: { readonly slug: string }, rest = ''): string => `${server.url}/f/${house.slug}/${form.slug}${rest}`

function postJson(form: { readonly slug: string }, body: unknown, headers: Record<string, string> = {}) {
  return fetch(at(form), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const postForm = (form: { readonly slug: string }, fields: readonly (readonly [string, string])[]) =>
  fetch(at(form), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields.map(([key, value]): [string, string] => [key, value])),
  })

const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>

const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(page)?.[1] ?? ''

const ada = { email: 'ada@example.com', name: 'Ada Lovelace' }

describe('a program at the door', () => {
  it('gets 201 with the id, and 200 with the same id when it sends the same again', async () => {
    const form = await house.form()
    const id = randomUUID()
    const first = await postJson(form, ada, { 'idempotency-key': id })
    expect([first.status, first.headers.get('content-type')]).toEqual([201, 'application/json; charset=utf-8'])
    expect(await first.json()).toEqual({
      id: `submission_${id}`,
      replayed: false,
      message: expect.stringContaining('received your message'),
    })
    const second = await postJson(form, { ...ada, _id: id.toUpperCase() })
    expect([second.status, (await bodyOf(second)).replayed]).toEqual([200, true])
    expect(await house.count('submission')).toBe(1)
  })

  it.each([
    ['application/json', 'application/json'],
    ['application/vnd.api+json;q=0.9, */*', 'application/json'],
    ['text/html, application/json', 'text/html'],
    ['*/*', 'text/html'],
    [`${'x/y, '.repeat(200)}application/json`, 'text/html'],
  ])('that accepts %.40s gets %s', async (accept, type) => {
    const response = await fetch(at(await house.form()), { headers: { accept } })
    expect(response.headers.get('content-type')).toContain(type)
  })

  it('is not found in a workspace that is suspended', async () => {
    const form = await house.form()
    await house.rows(`update workspace set status = 'SUSPENDED' where id = $1`)
    expect([(await fetch(at(form))).status, (await postJson(form, ada)).status]).toEqual([404, 404])
    expect(await house.count('submission')).toBe(0)
  })

  it('that posts many times at once is taken in one after the other, or told when to come again', async () => {
    const form = await house.form({ limits: { perEmailPerHour: 3 } })
    const responses = await Promise.all(
      Array.from({ length: 40 }, (_, n) => postJson(form, { ...ada, message: `${n}` })),
    )
    const statuses = responses.map(({ status }) => status)
    expect(statuses.filter((status) => ![201, 429, 503].includes(status))).toEqual([])
    expect(await house.count('submission')).toBe(statuses.filter((status) => status === 201).length)
    expect(await house.count('submission')).toBeGreaterThan(0)
    expect(await house.count('submission')).toBeLessThanOrEqual(3)
    for (const response of responses.filter(({ status }) => status === 503)) {
      expect(response.headers.get('retry-after')).toBe('1')
    }
  })

  it('that is busy for longer than the door tries is 503 with the time to wait', async () => {
    const form = await house.form({ limits: { perEmailPerHour: 3 } })
    const input = { form, answers: ada, honeypot: false, origin: {} }
    await db.inTransaction(house.ctx(), async (tx) => {
      await submitForm(tx, input)
      const response = await postJson(form, ada)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await response.json()).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
    })
    expect((await postJson(form, ada)).status).toBe(201)
  })

  it('gets 201 without an id of its own, each time anew', async () => {
    const form = await house.form()
    expect([(await postJson(form, ada)).status, (await postJson(form, ada)).status]).toEqual([201, 201])
    expect(await house.count('submission')).toBe(2)
  })

  it.each<[string, number, string, (form: { id: string; slug: string }) => Promise<Response>]>([
    ['invalid JSON', 400, 'INVALID_INPUT', (form) => postJson(form, '{"email":')],
    [
      'a body that is not UTF-8',
      400,
      'INVALID_INPUT',
      (form) =>
        fetch(at(form), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: new Uint8Array([0xff]),
        }),
    ],
    ['an unknown form', 404, 'NOT_FOUND', () => postJson({ slug: 'nowhere' }, ada)],
    [
      'an unknown workspace',
      404,
      'NOT_FOUND',
      () =>
        fetch(`${server.url}/f/nobody/nowhere`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        }),
    ],
    [
      'an archived form',
      410,
      'CONFLICT',
      async (form) => {
        await house.do((tx) => archiveForm(tx, { id: form.id }))
        return postJson(form, ada)
      },
    ],
    ['a body of 10 MB', 413, 'LIMIT_EXCEEDED', (form) => postJson(form, { ...ada, message: 'x'.repeat(10_000_000) })],
    [
      'a file upload',
      415,
      'INVALID_INPUT',
      (form) => {
        const body = new FormData()
        body.set('email', 'ada@example.com')
        return fetch(at(form), { method: 'POST', body })
      },
    ],
    ['a list for a body', 422, 'INVALID_INPUT', (form) => postJson(form, [ada])],
    ['an id that is no UUID', 422, 'INVALID_INPUT', (form) => postJson(form, ada, { 'idempotency-key': 'one' })],
    ['a field too many', 422, 'INVALID_INPUT', (form) => postJson(form, { ...ada, fax: '1' })],
    ['a wrong type', 422, 'INVALID_INPUT', (form) => postJson(form, { email: 42 })],
  ])('is told of %s with %i, and nothing is stored', async (_what, status, code, send) => {
    const form = await house.form()
    const response = await send(form)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      status,
      expect.stringMatching(/^application\/problem\+json/),
    ])
    expect(await response.json()).toMatchObject({ type: 'about:blank', status, code, title: expect.any(String) })
    expect(await house.count('submission')).toBe(0)
    expect(await house.count('contact')).toBe(0)
  })

  it('is told which fields are wrong, and how', async () => {
    const response = await postJson(await house.form(), { email: 'ada@', budget: -1 })
    expect((await bodyOf(response)).issues).toEqual([
      { field: 'email', code: 'INVALID_FORMAT', message: expect.stringContaining('name@example.com') },
      { field: 'budget', code: 'TOO_SMALL', message: expect.any(String) },
    ])
  })

  it('is told with 409 when an id came with other answers before', async () => {
    const form = await house.form()
    const key = { 'idempotency-key': randomUUID() }
    await postJson(form, ada, key)
    const response = await postJson(form, { ...ada, name: 'Kim' }, key)
    expect([response.status, (await bodyOf(response)).reason]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
  })

  it('is told with 429 and Retry-After when its address has sent too much, which is in the spam log', async () => {
    const form = await house.form({ limits: { perAddressPerHour: 1 } })
    await postJson(form, ada)
    const response = await postJson(form, { email: 'kim@example.com' })
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(3_500)
    expect(await house.rows('select reason from submission_rejection where workspace_id = $1')).toEqual([
      { reason: 'ADDRESS_LIMIT' },
    ])
  })

  it('that fills in the honeypot cannot tell that it was turned away', async () => {
    const form = await house.form({ limits: { honeypot: 'subject_line' } })
    const real = await postJson(form, ada)
    const trapped = await postJson(form, { ...ada, subject_line: 'Buy' })
    const shape = async (response: Response) => [
      response.status,
      Object.entries((await response.json()) as object).map(([key, value]) => (key === 'id' ? key : [key, value])),
    ]
    expect(await shape(trapped)).toEqual(await shape(real))
    expect(await house.count('submission')).toBe(1)
  })

  it('reads what the form asks and how to send it', async () => {
    const form = await house.form()
    const response = await fetch(at(form), { headers: { accept: 'application/json' } })
    expect(await response.json()).toMatchObject({
      name: 'Book a demo',
      open: true,
      version: 1,
      fields: expect.arrayContaining([{ key: 'email', kind: 'EMAIL', label: 'E-mail', help: '', required: true }]),
      submit: { method: 'POST', path: `/f/${house.slug}/${form.slug}` },
    })
    expect((await fetch(at(form, '?schema'))).headers.get('content-type')).toContain('application/json')
  })

  it('is told with 405 what it may do', async () => {
    const response = await fetch(at(await house.form()), { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  it('leaves no address behind, neither in the submission nor in its events', async () => {
    await postJson(await house.form(), ada)
    const [row] = await house.rows<{ submission: string; events: string }>(
      `select (select s::text from submission s where workspace_id = $1) as submission,
              (select string_agg(e::text, ' ') from event_outbox e where workspace_id = $1) as events`,
    )
    expect(`${row?.submission} ${row?.events}`).not.toContain('127.0.0.1')
    expect(await house.rows('select length(address_hash) as length from submission where workspace_id = $1')).toEqual([
      { length: 43 },
    ])
  })
})

describe('a browser at the door', () => {
  it('gets a page with every field labelled, no script, and nothing loaded from elsewhere', async () => {
    const form = await house.form({ limits: { honeypot: 'subject_line' } })
    const response = await fetch(at(form, '?utm_source=fair&name=Ada&x=1'), {
      headers: { referer: 'https://a.example/' },
    })
    const page = await response.text()
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    for (const key of ['email', 'name', 'company', 'budget', 'message']) {
      expect(page).toContain(`<label for="${key}">`)
      expect(page).toContain(` id="${key}" name="${key}"`)
    }
    expect(page).not.toMatch(/<script|https?:\/\/(?!a\.example)/)
    expect(page).toContain(`action="/f/${house.slug}/${form.slug}?utm_source=fair"`)
    expect(page).toMatch(/name="name"[^>]* value="Ada"/)
    expect(hidden(page, '_referrer')).toBe('https://a.example/')
    expect(page).toContain('name="subject_line" tabindex="-1" autocomplete="off"')
  })

  it('that sends it ends up at the thank-you page, and pressing twice is one submission', async () => {
    const form = await house.form({ response: { message: 'We call you tomorrow.' } })
    const page = await (await fetch(at(form))).text()
    const fields = [
      ['_id', hidden(page, '_id')],
      ['_token', hidden(page, '_token')],
      ['email', 'ada@example.com'],
    ] as const
    const [first, second] = await Promise.all([postForm(form, fields), postForm(form, fields)])
    for (const response of [first, second]) {
      expect([response.status, response.headers.get('location')]).toEqual([303, `/f/${house.slug}/${form.slug}/thanks`])
    }
    expect(await (await fetch(at(form, '/thanks'))).text()).toContain('We call you tomorrow.')
    expect(await house.count('submission')).toBe(1)
  })

  it('is led where the form says, also by the policy of its page', async () => {
    const form = await house.form({ response: { redirectUrl: 'https://shop.example/thanks?from=form' } })
    const page = await fetch(at(form))
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' https://shop.example;")
    const response = await postForm(form, [['email', 'ada@example.com']])
    expect(response.headers.get('location')).toBe('https://shop.example/thanks?from=form')
  })

  it('is led there in ASCII, also by a form that was stored before that was made sure of', async () => {
    const form = await house.form({ response: { redirectUrl: 'https://shop.example/' } })
    await house.rows(
      `update form_version set definition = jsonb_set(definition, '{response,redirectUrl}', '"https://bücher.example/☃"')
       where workspace_id = $1 and form_id = $2`,
      [form.id],
    )
    const response = await postForm(form, [['email', 'ada@example.com']])
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      'https://xn--bcher-kva.example/%E2%98%83',
    ])
  })

  it('sees an empty field where nothing was given, whatever the field is called', async () => {
    const form = await house.form()
    await house.rows(
      `update form_version set definition = replace(definition::text, '"company"', '"constructor"')::jsonb
       where workspace_id = $1 and form_id = $2`,
      [form.id],
    )
    const page = await (await fetch(at(form))).text()
    expect(page).toContain('name="constructor"')
    expect(page).not.toContain('native code')
    const submissionId = await house.accept(form, { email: 'ada@example.com' })
    const ctx = house.ctx()
    const brief = await db.inTransaction(ctx, (tx) => submissionBrief(tx, submissionId))
    expect(brief.submission.answers.find(({ key }) => key === 'constructor')).toMatchObject({ value: null, text: '' })
    const row = await db.read(ctx.workspaceId, (sql) =>
      sql.selectFrom('formVersion').select('definition').where('formId', '=', form.id).executeTakeFirstOrThrow(),
    )
    const [answer] = answersOf(row.definition as unknown as FormDefinition, {}).filter(
      ({ field }) => field.key === 'constructor',
    )
    expect(answer?.value).toBeNull()
  })

  it('gets the page back with what was typed, and each message at its field', async () => {
    const form = await house.form()
    const response = await postForm(form, [
      ['_id', randomUUID()],
      ['email', 'ada@<b>"'],
      ['budget', 'much'],
      ['message', '</textarea><script>alert(1)</script>'],
    ])
    const page = await response.text()
    expect(response.status).toBe(422)
    expect(page).toContain('<title>Error: Book a demo</title>')
    expect(page).toMatch(/id="email"[^>]* required autofocus aria-describedby="email-error" aria-invalid="true"/)
    expect(page).toContain('<p class="wrong" id="email-error">This is not an e-mail address.')
    expect(page).toContain('value="ada@&lt;b&gt;&quot;"')
    expect(page).toMatch(/id="budget"[^>]* aria-describedby="budget-error"/)
    expect(page).toContain('&lt;/textarea&gt;&lt;script&gt;')
    expect(page).not.toContain('<script')
    expect(await house.count('submission')).toBe(0)
  })

  it('that goes back and sends other answers is asked once more, with a new id', async () => {
    const form = await house.form()
    const id = randomUUID()
    await postForm(form, [
      ['_id', id],
      ['email', 'ada@example.com'],
    ])
    const response = await postForm(form, [
      ['_id', id],
      ['email', 'kim@example.com'],
    ])
    const page = await response.text()
    expect(response.status).toBe(409)
    expect(hidden(page, '_id')).not.toBe(id)
    const third = await postForm(form, [
      ['_id', hidden(page, '_id')],
      ['email', 'kim@example.com'],
    ])
    expect(third.status).toBe(303)
    expect(await house.count('submission')).toBe(2)
  })

  it('that was too fast keeps its answers and the time its page was opened', async () => {
    const form = await house.form({ limits: { minimumTimeMs: 60_000 } })
    const page = await (await fetch(at(form))).text()
    const token = hidden(page, '_token')
    const response = await postForm(form, [
      ['_token', token],
      ['email', 'ada@example.com'],
    ])
    const again = await response.text()
    expect(response.status).toBe(429)
    expect(again).toContain('role="alert"')
    expect(again).toContain('value="ada@example.com"')
    expect(hidden(again, '_token')).toBe(token)
  })

  it('sends several choices and ticks as browsers do', async () => {
    const options = ['crm', 'erp', 'bi'].map((value) => ({ value, label: value.toUpperCase() }))
    const form = await house.form({
      fields: [
        { key: 'tools', kind: 'MULTI_SELECT', label: 'Tools', options },
        { key: 'terms', kind: 'CONSENT', label: 'Terms', required: true },
      ],
    })
    expect((await postForm(form, [['tools', 'crm']])).status).toBe(422)
    const response = await postForm(form, [
      ['tools', 'bi'],
      ['tools', 'crm'],
      ['terms', 'on'],
    ])
    expect(response.status).toBe(303)
    expect(await house.rows('select answers from submission where workspace_id = $1')).toEqual([
      { answers: { tools: ['crm', 'bi'], terms: true } },
    ])
  })

  it('gets a friendly page where there is no form, and a clear one where it is closed', async () => {
    const missing = await fetch(at({ slug: 'nowhere' }), { headers: { accept: 'text/html' } })
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect(await missing.text()).toContain('There is no such form')
    const form = await house.form()
    await house.do((tx) => pauseForm(tx, { id: form.id }))
    const paused = await fetch(at(form), { headers: { accept: 'text/html' } })
    expect([paused.status, await paused.text()]).toEqual([410, expect.stringContaining('come back later')])
    expect((await postForm(form, [['email', 'ada@example.com']])).status).toBe(410)
  })

  it('does not see a form that was never published', async () => {
    const { createForm } = await import('../../src/domains/forms/service.ts')
    await house.do((tx) => createForm(tx, { name: 'Secret', slug: 'secret' }))
    expect((await fetch(at({ slug: 'secret' }))).status).toBe(404)
  })
})
