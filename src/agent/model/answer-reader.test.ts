import { describe, expect, it } from 'vitest'
import { AnswerReader, assistantMessage } from './answer-reader.ts'

const read = (...events: unknown[]): { reader: AnswerReader; text: string } => {
  const reader = new AnswerReader()
  return { reader, text: events.map((event) => reader.accept(event) ?? '').join('') }
}
const starts = (index: unknown, block: unknown) => ({ type: 'content_block_start', index, content_block: block })
const grows = (index: unknown, delta: unknown) => ({ type: 'content_block_delta', index, delta })

describe('a streamed answer', () => {
  it('is put together in the order of its blocks, whatever the order in which they grow', () => {
    const { reader, text } = read(
      starts(1, { type: 'tool_use', id: 'call_a', name: 'open_deal' }),
      starts(0, { type: 'text', text: 'I ' }),
      grows(1, { type: 'input_json_delta', partial_json: '{"name":' }),
      grows(0, { type: 'text_delta', text: 'open it.' }),
      grows(1, { type: 'input_json_delta', partial_json: '"Kite"}' }),
    )
    expect(text).toBe('I open it.')
    expect(reader.blocks()).toEqual([
      { type: 'text', text: 'I open it.' },
      { type: 'tool_use', id: 'call_a', name: 'open_deal', input: { name: 'Kite' } },
    ])
  })

  it('keeps thinking with its signature, and tells none of it as text', () => {
    const { reader, text } = read(
      starts(0, { type: 'thinking', thinking: 'a', signature: 's' }),
      grows(0, { type: 'thinking_delta', thinking: 'b' }),
      grows(0, { type: 'signature_delta', signature: 't' }),
      starts(1, { type: 'redacted_thinking', data: 'xyz' }),
    )
    expect(text).toBe('')
    expect(reader.blocks()).toEqual([
      { type: 'thinking', thinking: 'ab', signature: 'st' },
      { type: 'redacted_thinking', data: 'xyz' },
    ])
  })

  it('passes over what is malformed or unknown, and fills in what a block leaves out', () => {
    const { reader } = read(
      null,
      'text',
      { type: 'ping' },
      { type: 'message_start' },
      starts('0', { type: 'text', text: 'lost' }),
      starts(0, 'text'),
      starts(0, { type: 'server_tool_use', id: 'x' }),
      grows(0, { type: 'text_delta', text: 'of no block' }),
      starts(1, { type: 'text' }),
      starts(2, { type: 'thinking' }),
      starts(3, { type: 'redacted_thinking' }),
      starts(4, { type: 'tool_use' }),
      grows(1, 'delta'),
      grows(1, { type: 'text_delta', text: 5 }),
      grows(1, { type: 'input_json_delta', partial_json: '{}' }),
      grows('1', { type: 'text_delta', text: 'lost' }),
      { type: 'message_delta', delta: 'end' },
    )
    expect(reader.blocks()).toEqual([
      { type: 'text', text: '' },
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'redacted_thinking', data: '' },
      { type: 'tool_use', id: 'call_4', name: '', input: {} },
    ])
    expect(reader.complete).toBe(false)
  })

  it('with arguments that are no JSON object carries them as they came', () => {
    for (const json of ['{"name":', '[1]', '"text"']) {
      const { reader } = read(
        starts(0, { type: 'tool_use', id: 'a', name: 'open_deal', input: {} }),
        grows(0, { type: 'input_json_delta', partial_json: json }),
      )
      expect(reader.blocks()).toEqual([{ type: 'tool_use', id: 'a', name: 'open_deal', input: {}, invalidJson: json }])
    }
  })

  it('holds nothing that PostgreSQL cannot store: no null character and no half of a pair', () => {
    const { reader } = read(
      starts(0, { type: 'text', text: 'a\u0000b\ud800c 😀' }),
      starts(1, { type: 'tool_use', id: 'call_\u0000', name: 'open_deal' }),
      grows(1, { type: 'input_json_delta', partial_json: '{"na\\u0000me":["Ki\\u0000te",{"x":"\\udc00"}],"n":1}' }),
      starts(2, { type: 'thinking', thinking: 'hm\u0000', signature: 's' }),
    )
    expect(reader.blocks()).toEqual([
      { type: 'text', text: 'ab\ufffdc 😀' },
      { type: 'tool_use', id: 'call_', name: 'open_deal', input: { name: ['Kite', { x: '\ufffd' }], n: 1 } },
      { type: 'thinking', thinking: 'hm', signature: 's' },
    ])
  })

  it('is complete when it stopped and said why', () => {
    const stop = { type: 'message_stop' }
    const because = { type: 'message_delta', delta: { stop_reason: 'end_turn' } }
    expect(read(stop).reader.complete).toBe(false)
    expect(read(because).reader.complete).toBe(false)
    const { reader } = read(because, { type: 'message_delta', delta: {} }, stop)
    expect([reader.complete, reader.stopReason]).toEqual([true, 'end_turn'])
  })
})

describe('what a streamed answer costs', () => {
  const begun = { type: 'message_start', message: { model: 'm', usage: { input_tokens: 50, output_tokens: 1 } } }

  it('is the last that was reported of each count', () => {
    const usage = { output_tokens: 9, input_tokens: null, cache_read_input_tokens: 4, cache_creation_input_tokens: -1 }
    const { reader } = read(begun, { type: 'message_delta', usage })
    expect(reader.usage).toEqual({ input: 50, output: 9, cacheRead: 4, cacheWrite: 0 })
  })

  it('is billed at most a token for each byte that came, and never more than was asked for', () => {
    const { reader } = read(begun, starts(0, { type: 'text' }), grows(0, { type: 'text_delta', text: 'äöü' }))
    expect(reader.billedAtMost(100)?.output).toBe(6)
    expect(reader.billedAtMost(4)?.output).toBe(4)
    expect(read().reader.billedAtMost(100)).toBeUndefined()
  })
})

describe('the answer in the next request', () => {
  it('has no empty text, and no arguments that are no object', () => {
    const message = assistantMessage([
      { type: 'text', text: ' ' },
      { type: 'thinking', thinking: 'a', signature: 's' },
      { type: 'tool_use', id: 'a', name: 'x', input: { b: 1 } },
      { type: 'tool_use', id: 'c', name: 'x', input: {}, invalidJson: '[' },
    ])
    expect(message.content).toEqual([
      { type: 'thinking', thinking: 'a', signature: 's' },
      { type: 'tool_use', id: 'a', name: 'x', input: { b: 1 } },
      { type: 'tool_use', id: 'c', name: 'x', input: {} },
    ])
  })
})
