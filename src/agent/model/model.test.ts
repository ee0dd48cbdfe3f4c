import { describe, expect, it } from 'vitest'
import { answerOn, live, request, serve, words, zero } from '../../../test/support/scripted-model.ts'
import { assistantMessage } from './answer-reader.ts'
import { createModel } from './model.ts'

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

  it('makes one request per attempt, whatever comes back', async () => {
    const server = await serve({ script: () => ({ kind: 'error', status: 529 }) })
    await live(server.url).attempt(request)
    expect(server.requests).toHaveLength(1)
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
