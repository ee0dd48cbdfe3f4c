import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type MessagesServerOptions, type Step, startMessagesServer } from '../../../test/support/messages-server.ts'
import { assistantMessage } from './answer-reader.ts'
import { type AttemptOutcome, createModel, type ModelRequest } from './model.ts'
import type { ModelError } from './model-error.ts'

const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop()
})

async function serve(options: MessagesServerOptions = {}) {
  const server = await startMessagesServer({ apiKey: 'right-key', ...options })
  open.push(server)
  return server
}

const request: ModelRequest = {
  purpose: 'ACT',
  model: 'claude-opus-5-5',
  maxTokens: 512,
  system: [{ type: 'text', text: 'You work leads.', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'Grüß Gott' }],
  tools: [
    {
      name: 'open_deal',
      description: 'Opens a deal.',
      input_schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    },
  ],
}

const live = (url: string, over: { apiKey?: string; timeoutMs?: number } = {}) =>
  createModel({ mode: 'live', apiKey: 'right-key', baseUrl: url, timeoutMs: 10_000, ...over })

/** One attempt against a server that does as scripted. */
async function attemptOn(step: Step, over: Partial<ModelRequest> = {}): Promise<AttemptOutcome> {
  const server = await serve({ script: [step] })
  return live(server.url).attempt({ ...request, ...over })
}

async function errorOn(step: Step, over: Partial<ModelRequest> = {}): Promise<ModelError> {
  const outcome = await attemptOn(step, over)
  if (outcome.ok) throw new Error('an error was expected')
  return outcome.error
}

async function answerOn(step: Step, over: Partial<ModelRequest> = {}) {
  const outcome = await attemptOn(step, over)
  if (!outcome.ok) throw new Error(outcome.error.message)
  return outcome.answer
}

const words = {
  type: 'text',
  text: 'A longer sentence that a model writes piece by piece, with an umlaut: ü, and 🙂.',
} as const
const zero = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }

describe('a live call', () => {
  it('streams its text in pieces that together are the answer', async () => {
    const deltas: string[] = []
    const usage = { input: 12, output: 34, cacheRead: 56, cacheWrite: 78 }
    const answer = await answerOn({ kind: 'message', content: [words], usage }, { onText: (text) => deltas.push(text) })
    expect(answer).toEqual({
      content: [words],
      stopReason: 'end_turn',
      usage,
      model: 'claude-opus-5-5',
      requestId: 'req_scripted',
      rehearsal: false,
    })
    expect(deltas.length).toBeGreaterThan(1)
    expect(deltas.join('')).toBe(words.text)
  })

  it('sends the request as the API wants it: key, version, cached prefix, tools, streaming', async () => {
    const server = await serve({ script: [{ kind: 'message', content: [words] }] })
    const model = live(server.url)
    await model.attempt({ ...request, effort: 'low' })
    const [sent] = server.requests
    expect(sent?.path).toBe('/v1/messages')
    expect(sent?.headers['x-api-key'] ?? sent?.headers.authorization).toMatch(/\bright-key$/)
    expect(sent?.headers['anthropic-version']).toBeDefined()
    expect(sent?.body).toEqual({
      model: 'claude-opus-5-5',
      max_tokens: 512,
      stream: true,
      system: request.system,
      tools: request.tools,
      output_config: { effort: 'low' },
      messages: request.messages,
    })
  })

  it('knows beforehand how many bytes it will send', async () => {
    const server = await serve({ script: [{ kind: 'message', content: [words] }] })
    const model = live(server.url)
    await model.attempt(request)
    expect(model.requestBytes(request)).toBe(Number(server.requests[0]?.headers['content-length']))
  })

  it('returns tool calls with their arguments, and thinking unchanged', async () => {
    const thinking = { type: 'thinking', thinking: 'Let me see.', signature: 'c2lnbmVk' } as const
    const call = { type: 'tool_use', id: 'toolu_1', name: 'open_deal', input: { name: 'Kite & Co "2"' } } as const
    const answer = await answerOn({ kind: 'message', content: [thinking, words, call] })
    expect(answer.stopReason).toBe('tool_use')
    expect(answer.content).toEqual([thinking, words, call])
    expect(assistantMessage(answer.content)).toEqual({ role: 'assistant', content: [thinking, words, call] })
  })

  it.each(['{"name": "Kite', '[1, 2]', 'name=Kite'])(
    'marks tool arguments that are no JSON object and goes on: %s',
    async (rawJson) => {
      const broken = { type: 'tool_use', id: 'toolu_1', name: 'open_deal', input: {}, rawJson } as const
      const sound = { type: 'tool_use', id: 'toolu_2', name: 'open_deal', input: { name: 'Nimbus' } } as const
      const answer = await answerOn({ kind: 'message', content: [broken, sound] })
      const { rawJson: _, ...call } = broken
      expect(answer.content).toEqual([{ ...call, invalidJson: rawJson }, sound])
      // What goes back to the API is an object again, without our mark.
      expect(assistantMessage(answer.content)).toEqual({ role: 'assistant', content: [call, sound] })
    },
  )

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

  it('makes one request per attempt, whatever comes back', async () => {
    const server = await serve({ script: () => ({ kind: 'error', status: 529 }) })
    await live(server.url).attempt(request)
    expect(server.requests).toHaveLength(1)
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

  it('passes over events and fields it does not know', async () => {
    const body = [
      '{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"output_tokens":"many"}}}',
      '{"type":"novelty","index":0}',
      '{"type":"content_block_start","index":0,"content_block":{"type":"novelty"}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lost"}}',
      '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
      '{"type":"content_block_delta","index":1,"delta":{"type":"novelty_delta","text":"x"}}',
      '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"kept"}}',
      '{"type":"content_block_delta","index":1}',
      '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}',
      '{"type":"message_stop"}',
    ].map((data) => `event: ${JSON.parse(data).type}\ndata: ${data}\n\n`)
    const answer = await answerOn({
      kind: 'raw',
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: body.join(''),
    })
    expect(answer.content).toEqual([{ type: 'text', text: 'kept' }])
    expect(answer.usage).toEqual({ ...zero, input: 3, output: 5 })
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
    const before = await live(server.url, { timeoutMs: 80 }).attempt(request)
    expect(before).toMatchObject({ ok: false, error: { kind: 'TIMEOUT', sent: true } })
    expect(before.ok === false && before.error.usage).toBeUndefined()
    // Long enough for its beginning to come through on a busy machine.
    const within = await live(server.url, { timeoutMs: 1_500 }).attempt(request)
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

  it('leaves no listener on a signal that outlives it', async () => {
    const server = await serve({ script: () => ({ kind: 'message', content: [words] }) })
    const abort = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = abort.signal
    abort.signal.addEventListener = (...args: unknown[]) => {
      listeners += 1
      return Reflect.apply(addEventListener, abort.signal, args)
    }
    abort.signal.removeEventListener = (...args: unknown[]) => {
      listeners -= 1
      return Reflect.apply(removeEventListener, abort.signal, args)
    }
    const model = live(server.url)
    for (let i = 0; i < 3; i += 1) await model.attempt({ ...request, signal: abort.signal })
    expect(listeners).toBe(0)
  })
})

describe('a model', () => {
  it('is not made live without a key', () => {
    expect(() => createModel({ mode: 'live', timeoutMs: 1000 })).toThrow('needs an API key')
    expect(() => createModel({ mode: 'live', apiKey: 'key\n', timeoutMs: 1000 })).toThrow('odd characters')
  })

  it('rehearses behind the network as it does in-process, and is marked so in both', async () => {
    const server = await serve()
    const overNetwork = await live(server.url).attempt(request)
    const inProcess = await createModel({ mode: 'rehearsal', timeoutMs: 1000 }).attempt(request)
    expect(overNetwork.ok && overNetwork.answer.rehearsal).toBe(true)
    expect(overNetwork).toEqual(inProcess)
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
  open.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}
