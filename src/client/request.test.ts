import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { TypedDocumentString } from './gql/graphql.ts'
import { createRequester, type Requester, RequestFailed } from './request.ts'

let server: Server | undefined
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve))))

async function open(status: number, answer: unknown) {
  const seen: { headers?: IncomingHttpHeaders; body?: unknown } = {}
  const listening = createServer(async (request, response) => {
    Object.assign(seen, { headers: request.headers, body: await json(request) })
    response.writeHead(status, { connection: 'close' }).end(JSON.stringify(answer))
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/graphql`
  const request: Requester = createRequester({ url, token: 'secret' })
  return { request, seen }
}

const Deal = new TypedDocumentString<{ readonly deal: string }, { readonly id: string }>(
  'query Deal($id: ID!) { deal(id: $id) }',
)

describe('a typed request', () => {
  test('carries its document, its variables and the key, and gives the data', async () => {
    const { request, seen } = await open(200, { data: { deal: 'Acme' } })
    expect(await request(Deal, { id: 'deal_1' })).toEqual({ deal: 'Acme' })
    expect(seen.headers?.authorization).toBe('Bearer secret')
    expect(seen.body).toEqual({ query: Deal.toString(), variables: { id: 'deal_1' } })
  })

  test('that fails says why, with the status and the code that a program looks at', async () => {
    const errors = [{ message: 'Sign in.', extensions: { code: 'UNAUTHENTICATED' } }, { message: 'And again.' }]
    const { request } = await open(401, { errors })
    const fault = await request(Deal, { id: 'deal_1' }).catch((err: unknown) => err)
    expect(fault).toBeInstanceOf(RequestFailed)
    expect(fault).toMatchObject({ message: 'Sign in.', status: 401, code: 'UNAUTHENTICATED' })
  })

  test('that fails without a code has none, and part of the data is not taken for all of it', async () => {
    const { request } = await open(200, { data: { deal: null }, errors: [{ message: 'Half of it.' }] })
    await expect(request(Deal, { id: 'deal_1' })).rejects.toMatchObject({ message: 'Half of it.', code: undefined })
  })
})
