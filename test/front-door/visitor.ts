import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import WebSocket from 'ws'
import type { ServerProcess } from '../support/server-process.ts'

// A visitor of a running server: nothing here is our client library, only fetch, a socket and what the protocols say.

/** Where it is, and a key to it. */
export type Place = Pick<ServerProcess, 'url' | 'key'>

export const formUrlOf = (server: ServerProcess): string => `${server.url}/f/demo/book-a-demo`

/** A query or mutation over HTTP; throws on errors, so that a test never goes on with half an answer. */
export async function ask<Data>(
  server: Place,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Data> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.key}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown }
  if (errors !== undefined || data == null) throw new Error(`HTTP ${response.status}: ${JSON.stringify(errors)}`)
  return data
}

/** Where the log stands: what is watched from here misses nothing that happens afterwards. */
export const cursorOf = async (server: ServerProcess): Promise<string> =>
  (await ask<{ cursor: string }>(server, '{ cursor }')).cursor

export interface Page {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** As a browser that goes to an address: `fetch` says by itself that it is a script, and scripts are shown less. */
export async function visit(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
  const asked = get(url, { headers: { accept: 'text/html', ...headers } })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

/** Sends answers as a program does. */
export const post = (url: string, answers: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(answers),
  })

/** A lead that meets the demo form's criteria. */
export const goodLead = (email: string): Record<string, unknown> => ({
  email,
  name: 'Kim Larsen',
  company: 'Nimbus Labs',
  occupation: 'Head of Operations',
  budget: 18_000,
  message: 'We want this running this quarter.',
})

/** Sends such a lead, which must be taken, and gives its public id. */
export async function sendLead(server: ServerProcess, email: string): Promise<string> {
  const response = await post(formUrlOf(server), goodLead(email))
  const body = (await response.json()) as { id?: string }
  if (response.status !== 201 || body.id === undefined) throw new Error(`${response.status}: ${JSON.stringify(body)}`)
  return body.id
}

interface Next<Data> {
  readonly data: Data
  readonly cursor: string | undefined
}

/** One operation over a raw `graphql-transport-ws` socket, until the *server* says `complete`; an error rejects. */
export function untilComplete<Data>(
  server: ServerProcess,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Next<Data>[]> {
  return new Promise((resolve, reject) => {
    const received: Next<Data>[] = []
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    const send = (message: object) => socket.send(JSON.stringify(message))
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${server.key}` } }))
    socket.on('message', (raw) => {
      const { type, payload } = JSON.parse(String(raw))
      if (type === 'connection_ack') send({ id: 'run', type: 'subscribe', payload: { query, variables } })
      else if (type === 'ping') send({ type: 'pong' })
      else if (type === 'next') {
        if (payload.errors !== undefined) reject(new Error(JSON.stringify(payload.errors)))
        received.push({ data: payload.data, cursor: payload.extensions?.cursor })
      } else if (type === 'error') reject(new Error(JSON.stringify(payload)))
      else if (type === 'complete') {
        resolve(received)
        socket.close()
      }
    })
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`the socket was closed with ${code} before the operation completed`)))
  })
}

export interface ServerSentEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** A subscription as server-sent events, read with fetch alone, as the standard says they are parsed. */
export async function* serverSentEvents(
  server: Place,
  query: string,
  options: {
    readonly lastEventId?: string
    readonly after?: string
    readonly variables?: Readonly<Record<string, unknown>>
    readonly signal: AbortSignal
  },
): AsyncGenerator<ServerSentEvent> {
  const { after, variables = {} } = options
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${server.key}`,
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
    },
    body: JSON.stringify({ query, variables, ...(after === undefined ? {} : { extensions: { after } }) }),
    signal: options.signal,
  })
  const type = response.headers.get('content-type') ?? ''
  if (!response.ok || !type.startsWith('text/event-stream') || response.body === null) {
    throw new Error(`HTTP ${response.status} ${type}: ${await response.text()}`)
  }
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map<string, string>()
      for (const line of text.slice(0, end).split('\n')) {
        const colon = line.indexOf(':')
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart())
      }
      text = text.slice(end + 2)
      const event = fields.get('event')
      if (event !== undefined) yield { event, id: fields.get('id'), data: fields.get('data') ?? '' }
    }
  }
}

/** The log's lines at `warn` and above, and every line that is no JSON: what an operator would be woken by. */
export const complaintsOf = (output: string): string[] =>
  output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .filter((line) => {
      try {
        return !['debug', 'info'].includes((JSON.parse(line) as { level: string }).level)
      } catch {
        return true
      }
    })

/** What a problem says, whose status is that of the answer. */
export async function problemOf(response: Response): Promise<Record<string, unknown> & { status: number }> {
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  const problem = (await response.json()) as Record<string, unknown> & { status: number }
  expect(problem.status).toBe(response.status)
  return problem
}
