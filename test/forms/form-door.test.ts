import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { archiveForm } from '../../src/domains/forms/service.ts'
import { submitForm } from '../../src/domains/submissions/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import type { HttpServer } from '../../src/platform/http/server.ts'
import type { House } from './arrange.ts'
import { ada, openDoor } from './door.ts'

const { opened, at, postJson } = openDoor()

let db: Database
let house: House
let server: HttpServer
beforeEach(() => {
  ;({ db, house, server } = opened)
})

const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>

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
