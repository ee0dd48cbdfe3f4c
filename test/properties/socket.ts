import { once } from 'node:events'
import WebSocket from 'ws'
import type { House } from './house.ts'

interface Message {
  readonly id?: string
  readonly type: string
  readonly payload?: unknown
}

/** A socket past our client library: what is sent on it is what a test says. */
export interface OpenSocket {
  /** Sends an object as JSON, a text or bytes as they are. */
  send(message: unknown): void
  /** Asks for something harmless and returns when it is answered; throws with the code when the socket is closed. */
  probe(): Promise<void>
  /** What came that told of a fault. */
  readonly faults: readonly string[]
  /** The code with which the server closed it; undefined while it is open. */
  readonly closedWith: number | undefined
  /** Returns when the server has spoken or closed, whichever comes first. */
  answered(): Promise<void>
  close(): void
}

/** Opens a socket; with `init` it is acknowledged before it is returned. */
export async function openSocket({ endpoint }: House, init?: unknown): Promise<OpenSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const faults: string[] = []
  const waiting = new Map<string, () => void>()
  let closedWith: number | undefined
  let probes = 0
  const spoken = new Promise<void>((resolve) => {
    socket.on('message', () => resolve())
    socket.on('close', () => resolve())
  })
  socket.on('message', (raw) => {
    const text = String(raw)
    if (text.includes('"INTERNAL"')) faults.push(text)
    const { type, id } = JSON.parse(text) as Message
    if (type === 'complete' && id !== undefined) waiting.get(id)?.()
  })
  socket.on('close', (code) => {
    closedWith = code
    for (const wake of waiting.values()) wake()
  })
  socket.on('error', () => {})
  await once(socket, 'open')
  const send = (message: unknown): void => {
    const isRaw = typeof message === 'string' || message instanceof Uint8Array
    if (socket.readyState === socket.OPEN) socket.send(isRaw ? message : JSON.stringify(message))
  }
  if (init !== undefined) {
    send({ type: 'connection_init', payload: init })
    await spoken
  }
  return {
    send,
    faults,
    get closedWith() {
      return closedWith
    },
    probe: async () => {
      const id = `probe ${++probes}`
      if (closedWith === undefined) {
        const done = new Promise<void>((resolve) => waiting.set(id, resolve))
        send({ type: 'subscribe', id, payload: { query: '{ __typename }' } })
        await done
        waiting.delete(id)
      }
      if (closedWith !== undefined) throw new Error(`the socket was closed with ${closedWith}`)
    },
    answered: () => spoken,
    close: () => socket.terminate(),
  }
}
