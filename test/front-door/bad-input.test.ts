import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { openHouse } from './house.ts'
import { leavingNothingAt } from './nothing-left.ts'
import { formUrlOf, goodLead, post, problemOf } from './visitor.ts'

const house = openHouse()
const leavingNothing = leavingNothingAt(house)

const asProgram = { accept: 'application/json', 'content-type': 'application/json' }

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
