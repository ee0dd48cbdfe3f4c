import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'

interface Message {
  readonly type: string
  readonly id?: string
  readonly payload?: {
    readonly data?: unknown
    readonly errors?: readonly { message: string; extensions?: { code?: string } }[]
    readonly extensions?: { readonly cursor?: string }
  }
}

/** One item as it came: its data, and the cursor that stood beside it. */
export interface Received<Data> {
  readonly data: Data
  readonly cursor: string | undefined
}

const BEGUN = 'begun'

/**
 * Speaks `graphql-transport-ws` by hand, as the protocol's text says it: no client library, ours or anybody's. When the
 * connection ends it connects again and asks for what came after the last cursor it has had.
 */
export class RawSubscriber<Data> {
  readonly items: Received<Data>[] = []
  readonly errors: string[] = []
  readonly #url: () => string
  readonly #key: string
  readonly #query: string
  readonly #variables: Readonly<Record<string, unknown>>
  #socket: WebSocket | undefined
  #stopped = false
  #cursor: string | undefined
  readonly #done: Promise<void>
  #begun: () => void = () => {}
  /** Resolves when the first subscription has begun: whatever happens from then on is its. */
  readonly subscribed: Promise<void>
  connections = 0

  constructor(options: {
    readonly url: () => string
    readonly key: string
    readonly query: string
    readonly variables?: Readonly<Record<string, unknown>>
    readonly after?: string
  }) {
    this.#url = options.url
    this.#key = options.key
    this.#query = options.query
    this.#variables = options.variables ?? {}
    this.#cursor = options.after
    this.subscribed = new Promise((resolve) => {
      this.#begun = resolve
    })
    this.#done = this.#run()
  }

  get cursor(): string | undefined {
    return this.#cursor
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#socket?.terminate()
    await this.#done
  }

  /** Resolves when `holds` does; looks after every item. */
  async until(holds: (items: readonly Received<Data>[]) => boolean, withinMs = 120_000): Promise<void> {
    const giveUpAt = performance.now() + withinMs
    while (!holds(this.items)) {
      if (performance.now() > giveUpAt) {
        throw new Error(`waited in vain; ${this.items.length} items, errors: ${this.errors.join(' · ')}`)
      }
      await sleep(20)
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#connectOnce()
      if (!this.#stopped) await sleep(50)
    }
  }

  #connectOnce(): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${this.#url().replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
      this.#socket = socket
      const send = (message: object) => socket.send(JSON.stringify(message))
      socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${this.#key}` } }))
      socket.on('message', (raw) => {
        const message = JSON.parse(String(raw)) as Message
        if (message.type === 'connection_ack') {
          this.connections++
          const extensions = this.#cursor === undefined ? {} : { after: this.#cursor }
          send({ id: '1', type: 'subscribe', payload: { query: this.#query, variables: this.#variables, extensions } })
          // It goes the same way and later: when its answer has come back, the subscription has its place in the log.
          send({ id: BEGUN, type: 'subscribe', payload: { query: '{ __typename }' } })
        } else if (message.id === BEGUN && message.type !== 'error') {
          if (message.type === 'complete') this.#begun()
        } else if (message.type === 'ping') {
          send({ type: 'pong' })
        } else if (message.type === 'next') {
          for (const error of message.payload?.errors ?? []) this.errors.push(error.message)
          if (message.payload?.data != null) {
            const cursor = message.payload.extensions?.cursor
            this.items.push({ data: message.payload.data as Data, cursor })
            this.#cursor = cursor ?? this.#cursor
          }
        } else if (message.type === 'error' || message.type === 'complete') {
          if (message.type === 'error') this.errors.push(JSON.stringify(message.payload))
          socket.close()
        }
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  }
}
