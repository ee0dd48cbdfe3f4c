import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { openHouse } from './house.ts'
import { leavingNothingAt } from './nothing-left.ts'
import { goodLead } from './visitor.ts'

const house = openHouse()
const leavingNothing = leavingNothingAt(house)

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
