import type { WebSocket } from 'ws'
import type { OperationParameters } from './engine.ts'

const MESSAGES_WINDOW_MS = 10_000
const PING_MS = 12_000

/** An operation that is named by its id has no text, and graphql-ws wants one. */
export function withText(key: string, value: unknown): unknown {
  if (key !== '' || typeof value !== 'object' || value === null || !('payload' in value)) return value
  const { payload } = value as { payload?: OperationParameters | null }
  if (typeof payload !== 'object' || payload === null || payload.query !== undefined) return value
  const named = payload.documentId !== undefined || payload.extensions?.persistedQuery !== undefined
  return named ? { ...value, payload: { ...payload, query: '' } } : value
}

/** Counts a message, and says whether it is one of so many that may come within ten seconds. */
export function messageLimit(max: number): () => boolean {
  let count = 0
  let startedMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - startedMs >= MESSAGES_WINDOW_MS) {
      startedMs = now
      count = 0
    }
    count += 1
    return count <= max
  }
}

/** Pings the other side and gives it up when it does not answer until the next ping. */
export function keepAlive(socket: WebSocket): () => void {
  let alive = true
  socket.on('pong', () => {
    alive = true
  })
  const timer = setInterval(() => {
    if (!alive) {
      socket.terminate()
      return
    }
    alive = false
    socket.ping()
  }, PING_MS)
  timer.unref()
  return () => clearInterval(timer)
}
