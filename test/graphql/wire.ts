import { once } from 'node:events'
import { expect } from 'vitest'
import WebSocket from 'ws'
import type { SampleServer } from './server.ts'

export interface Message {
  readonly type: string
  readonly id?: string
  // biome-ignore lint/suspicious/noExplicitAny: a payload's shape is what each test asks about.
  readonly payload?: any
}

/** A raw `graphql-transport-ws` socket: no client library stands between the test and the wire. */
export class RawSocket {
  readonly socket: WebSocket
  readonly #messages: Message[] = []
  #closed: number | undefined
  #arrived = () => {}

  constructor(at: SampleServer, protocol = 'graphql-transport-ws') {
    this.socket = new WebSocket(`${at.http.url.replace('http', 'ws')}/graphql`, protocol === 'none' ? [] : protocol)
    this.socket.on('message', (data) => {
      this.#messages.push(JSON.parse(String(data)) as Message)
      this.#arrived()
    })
    this.socket.on('close', (code) => {
      this.#closed = code
      this.#arrived()
    })
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The next message. Throws when the socket is closed and there is none. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      if (this.#closed !== undefined) throw new Error(`the socket is closed with ${this.#closed}`)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  async opened(payload?: object): Promise<this> {
    await once(this.socket, 'open')
    this.send({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) })
    expect(await this.next()).toEqual({ type: 'connection_ack' })
    return this
  }

  subscribe(id: string, query: string, variables: object = {}, extensions: object = {}): void {
    this.send({ type: 'subscribe', id, payload: { query, variables, extensions } })
  }

  async closed(): Promise<number> {
    const [code] = (await once(this.socket, 'close')) as [number]
    return code
  }
}

export interface Sent {
  readonly event: string
  readonly id?: string
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly data: any
}

/** What a stream of server-sent events brings, one by one. */
export async function* eventsOf(
  server: SampleServer,
  body: object,
  headers: Record<string, string> = {},
  stop = new AbortController(),
): AsyncGenerator<Sent> {
  const response = await fetch(`${server.http.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
    signal: stop.signal,
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  let text = ''
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/:\s?(.*)/s).slice(0, 2)))
        if (fields.event !== undefined)
          yield { ...fields, data: fields.data === '' ? undefined : JSON.parse(fields.data) } as Sent
      }
    }
  } finally {
    stop.abort()
  }
}
