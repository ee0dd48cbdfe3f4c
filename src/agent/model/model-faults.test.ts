import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Step } from '../../../test/support/messages-server.ts'
import { errorOn, live, request, serve, words, zero } from '../../../test/support/scripted-model.ts'

describe('a live call', () => {
  it('is rate-limited on 429 and reports retry-after, in seconds or milliseconds, and no cost', async () => {
    const error = await errorOn({ kind: 'error', status: 429, headers: { 'retry-after': '7' } })
    expect(error).toMatchObject({ kind: 'RATE_LIMITED', retryAfterMs: 7000, sent: true, usage: zero, status: 429 })
    expect(error.requestId).toBe('req_scripted')
    const exact = await errorOn({
      kind: 'error',
      status: 429,
      headers: { 'retry-after-ms': '250', 'retry-after': '7' },
    })
    expect(exact.retryAfterMs).toBe(250)
  })

  it.each([
    [529, 'OVERLOADED', zero],
    [500, 'OVERLOADED', zero],
    [503, 'OVERLOADED', zero],
    [502, 'OVERLOADED', undefined],
    [504, 'TIMEOUT', undefined],
    [400, 'INVALID_REQUEST', zero],
    [413, 'INVALID_REQUEST', zero],
    [403, 'UNAUTHORIZED', zero],
  ] as const)('ends with a typed error on %i, and cost unknown only behind a proxy', async (status, kind, usage) => {
    const error = await errorOn({ kind: 'error', status })
    expect(error.kind).toBe(kind)
    expect(error.sent).toBe(true)
    expect(error.usage).toEqual(usage)
  })

  it('is unauthorized with a wrong key, and does not repeat the key in its message', async () => {
    const server = await serve()
    const outcome = await live(server.url, { apiKey: 'wrong-key' }).attempt(request)
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'UNAUTHORIZED', usage: zero } })
    expect(JSON.stringify(outcome)).not.toContain('wrong-key')
  })

  it('is truncated when the connection breaks in the middle, and is billed for what had come', async () => {
    const usage = { input: 900, output: 400, cacheRead: 10, cacheWrite: 20 }
    const step: Step = { kind: 'cut', content: [words], afterPieces: 2, usage }
    const deltas: string[] = []
    const error = await errorOn(step, { onText: (text) => deltas.push(text) })
    expect(error).toMatchObject({ kind: 'TRUNCATED', sent: true })
    const received = Buffer.byteLength(deltas.join(''))
    expect(received).toBeGreaterThan(0)
    expect(error.usage).toEqual({ ...usage, output: received })
  })

  it('bills a cut stream for no more output than was allowed', async () => {
    const error = await errorOn({ kind: 'cut', content: [words], afterPieces: 2 }, { maxTokens: 5 })
    expect(error.usage?.output).toBe(5)
  })

  it('is truncated when the stream ends politely before its last event', async () => {
    const error = await errorOn({ kind: 'short', content: [words], afterPieces: 1 })
    expect(error).toMatchObject({ kind: 'TRUNCATED', sent: true, usage: { input: 100 } })
  })

  it('is truncated with unknown cost when nothing but headers came', async () => {
    const error = await errorOn({ kind: 'short', content: [words], afterPieces: 0 })
    expect(error).toMatchObject({ kind: 'TRUNCATED', sent: true })
    expect(error.usage).toBeUndefined()
  })

  it('is overloaded when the stream says so in the middle', async () => {
    const error = await errorOn({
      kind: 'midError',
      content: [words],
      afterPieces: 1,
      type: 'overloaded_error',
      message: 'Overloaded',
    })
    expect(error).toMatchObject({ kind: 'OVERLOADED', message: 'Overloaded', sent: true, usage: { input: 100 } })
  })

  it('is truncated when an event is not readable', async () => {
    const body = 'event: message_start\ndata: {"type":"message_start","mess\n\n'
    const error = await errorOn({ kind: 'raw', status: 200, headers: { 'content-type': 'text/event-stream' }, body })
    expect(error).toMatchObject({ kind: 'TRUNCATED', sent: true })
  })

  it('says so when the address is not a Messages API', async () => {
    const error = await errorOn({ kind: 'raw', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' })
    expect(error.kind).toBe('INVALID_REQUEST')
    expect(error.message).toContain('text/html')
  })

  it('is an error when the model refuses, billed as reported', async () => {
    const usage = { input: 100, output: 3, cacheRead: 0, cacheWrite: 0 }
    const error = await errorOn({ kind: 'message', content: [], stopReason: 'refusal', usage })
    expect(error).toMatchObject({ kind: 'REFUSED', sent: true, usage })
  })

  it('was not sent when nobody listens', async () => {
    const port = await freePort()
    const outcome = await live(`http://127.0.0.1:${port}`).attempt(request)
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'NETWORK', sent: false } })
    expect(JSON.stringify(outcome)).toContain('ECONNREFUSED')
  })

  it('was sent when the connection breaks before an answer, and its cost is unknown', async () => {
    const outcome = await live(await resettingServer()).attempt(request)
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'NETWORK', sent: true } })
    expect(outcome.ok === false && outcome.error.usage).toBeUndefined()
  })

  it('times out before the headers and in the middle of the stream, and lets go of the connection', async () => {
    const server = await serve({
      script: [
        { kind: 'silence', beforeHeaders: true },
        { kind: 'silence', content: [words], afterPieces: 1 },
      ],
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const timeIsOver = () => vi.advanceTimersByTime(60_000)
    const impatient = live(server.url, { timeoutMs: 60_000 })
    const attempt = impatient.attempt(request)
    await expect.poll(() => server.requests.length).toBe(1)
    timeIsOver()
    const before = await attempt
    expect(before).toMatchObject({ ok: false, error: { kind: 'TIMEOUT', sent: true } })
    expect(before.ok === false && before.error.usage).toBeUndefined()
    const within = await impatient.attempt({ ...request, onText: timeIsOver })
    expect(within).toMatchObject({ ok: false, error: { kind: 'TIMEOUT', usage: { input: 100 } } })
    await server.aborted(2)
  })

  it('is aborted by its signal in the middle of the stream, billed for what had come', async () => {
    const server = await serve({ script: [{ kind: 'silence', content: [words], afterPieces: 1 }] })
    const abort = new AbortController()
    const outcome = await live(server.url).attempt({ ...request, signal: abort.signal, onText: () => abort.abort() })
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'ABORTED', sent: true, usage: { input: 100 } } })
    await server.aborted(1)
  })

  it('is not sent at all when its signal was aborted before', async () => {
    const server = await serve()
    const outcome = await live(server.url).attempt({ ...request, signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ ok: false, error: { kind: 'ABORTED', sent: false } })
    expect(server.requests).toHaveLength(0)
  })

  it('lets a fault of its own caller through and ends the request', async () => {
    const server = await serve({ script: [{ kind: 'silence', content: [words], afterPieces: 1 }] })
    const fault = new Error('a fault in onText')
    const attempt = live(server.url).attempt({
      ...request,
      onText: () => {
        throw fault
      },
    })
    await expect(attempt).rejects.toBe(fault)
    await server.aborted(1)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Accepts, reads a little and hangs up. */
async function resettingServer(): Promise<string> {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}
