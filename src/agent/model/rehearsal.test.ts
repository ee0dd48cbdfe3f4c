import { describe, expect, it } from 'vitest'
import { startMessagesServer } from '../../../test/support/messages-server.ts'
import { allTools, kite, play, requestOf } from '../../../test/support/rehearsed-run.ts'
import { renderBriefBlock } from './brief-block.ts'
import { createModel, type ModelRequest } from './model.ts'
import { loadPrices } from './prices.ts'
import { rehearsalFetch } from './rehearsal.ts'

describe('the rehearsal', () => {
  it('says so and ends when it has no rule: another trigger, or no brief', async () => {
    const model = createModel({ mode: 'rehearsal', timeoutMs: 10_000 })
    const asked = renderBriefBlock({ trigger: 'QUESTION', autonomy: 'DRAFT' })
    for (const [content, words] of [
      [asked, 'none for the trigger QUESTION'],
      ['What is the weather?', 'no brief'],
    ] as const) {
      const outcome = await model.attempt(requestOf([{ role: 'user', content }], allTools))
      expect(outcome).toMatchObject({ ok: true, answer: { stopReason: 'end_turn', rehearsal: true } })
      expect(outcome.ok && outcome.answer.content).toMatchObject([
        { type: 'text', text: expect.stringContaining(words) },
      ])
    }
  })

  it('answers the same request with the same bytes, and another with other ids', async () => {
    const bytes = async (text: string) => {
      const body = JSON.stringify({
        model: 'm',
        max_tokens: 9,
        stream: true,
        messages: [{ role: 'user', content: text }],
      })
      return (await rehearsalFetch('http://localhost/v1/messages', { method: 'POST', body })).text()
    }
    expect(await bytes('a')).toBe(await bytes('a'))
    expect(await bytes('a')).not.toBe(await bytes('b'))
  })

  it('does over the network what it does in-process, ids and all', async () => {
    const server = await startMessagesServer({ apiKey: 'k' })
    const model = createModel({ mode: 'live', apiKey: 'k', baseUrl: server.url, timeoutMs: 10_000 })
    const overNetwork = await play(kite, { model })
    await server.stop()
    expect(overNetwork).toEqual(await play(kite))
    expect(server.requests).toHaveLength(4)
  })

  it('counts tokens as a live call would be billed: the stable prefix is written once, then read', async () => {
    const model = createModel({ mode: 'rehearsal', timeoutMs: 10_000 })
    const first = requestOf([{ role: 'user', content: 'hello' }], allTools)
    const later = {
      ...first,
      messages: [
        ...first.messages,
        { role: 'assistant' as const, content: 'a' },
        { role: 'user' as const, content: 'b' },
      ],
    }
    const usageOf = async (request: ModelRequest) => {
      const outcome = await model.attempt(request)
      if (!outcome.ok) throw new Error(outcome.error.message)
      return outcome.answer.usage
    }
    const [one, two] = [await usageOf(first), await usageOf(later)]
    expect(one.cacheRead).toBe(0)
    expect(one.cacheWrite).toBeGreaterThan(0)
    expect(two).toMatchObject({ cacheRead: one.cacheWrite, cacheWrite: 0 })
    expect(one.input + one.cacheWrite).toBe(Math.ceil(model.requestBytes(first) / 4))
  })

  it('stays within the maximum of tokens and the worst case it was reserved for', async () => {
    const model = createModel({ mode: 'rehearsal', timeoutMs: 10_000 })
    const request = { ...requestOf([{ role: 'user', content: 'x' }], allTools), maxTokens: 3 }
    const outcome = await model.attempt(request)
    if (!outcome.ok) throw new Error(outcome.error.message)
    expect(outcome.answer.usage.output).toBe(3)
    const prices = loadPrices()
    const worst = prices.worstCaseMicros({ ...request, requestBytes: model.requestBytes(request) })
    expect(prices.costMicros(outcome.answer.usage, request.model)).toBeLessThanOrEqual(worst)
  })

  it('also answers without a stream, as the API does', async () => {
    const body = JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] })
    const response = await rehearsalFetch('http://localhost/v1/messages', { method: 'POST', body })
    expect(response.headers.get('x-cadre-model')).toBe('rehearsal')
    expect(await response.json()).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'm',
      stop_reason: 'end_turn',
      content: [{ type: 'text' }],
    })
  })

  it.each([
    ['no JSON', '{"model"'],
    ['no object', '[]'],
    ['no model', '{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}'],
    ['no maximum', '{"model":"m","messages":[{"role":"user","content":"x"}]}'],
    ['no messages', '{"model":"m","max_tokens":1,"messages":[]}'],
    ['messages that are none', '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text"}]}]}'],
    ['tools that are none', '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[1]}'],
  ])('refuses a request with %s as the API does', async (_what, body) => {
    const response = await rehearsalFetch('http://localhost/v1/messages', { method: 'POST', body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })

  it('knows no other address', async () => {
    expect((await rehearsalFetch('http://localhost/v1/models')).status).toBe(404)
  })
})
