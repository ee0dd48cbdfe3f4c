import { describe, expect, it } from 'vitest'
import { readActs } from './rehearsal-history.ts'

/** What is read of one call that was answered so. */
function answeredWith(content: unknown, isError = false) {
  const [act] = readActs([
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'open_deal', input: { name: 'Kite' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content, is_error: isError }] },
  ])
  return act
}
const stateAfter = (result: unknown, isError = false) => answeredWith(JSON.stringify(result), isError)?.state

describe('what became of a call', () => {
  it('is done for whatever was answered without an error', () => {
    expect(answeredWith('{"deal":"deal_1"}')).toEqual({
      tool: 'open_deal',
      input: { name: 'Kite' },
      state: 'DONE',
      code: '',
      reason: '',
    })
    expect(answeredWith([{ type: 'text', text: 'done' }, 'odd'])?.state).toBe('DONE')
    expect(answeredWith(undefined)?.state).toBe('DONE')
    expect(stateAfter([1])).toBe('DONE')
  })

  it('is waiting or rejected where a person stands in between', () => {
    expect(stateAfter({ status: 'WAITING_FOR_APPROVAL' })).toBe('WAITING')
    expect(stateAfter({ approval: { status: 'pending' } })).toBe('WAITING')
    for (const status of ['REJECTED', 'EXPIRED', 'STALE', 'CANCELLED']) expect(stateAfter({ status })).toBe('REJECTED')
    expect(stateAfter({ error: { code: 'FORBIDDEN', message: 'no' } }, true)).toBe('REJECTED')
  })

  it('is failed for an error, with its code and reason', () => {
    expect(answeredWith('{"error":{"code":"invalid_input","message":"  No\\n name. "}}', true)).toMatchObject({
      state: 'FAILED',
      code: 'INVALID_INPUT',
      reason: 'No name.',
    })
    expect(answeredWith('{"error":"broken"}', true)).toMatchObject({ state: 'FAILED', reason: 'broken' })
    expect(answeredWith('not JSON', true)).toMatchObject({ state: 'FAILED', code: '', reason: 'not JSON' })
    expect(answeredWith('x'.repeat(300), true)?.reason).toHaveLength(200)
  })

  it('is done when what was to be made is there already', () => {
    expect(stateAfter({ error: { code: 'DUPLICATE' } }, true)).toBe('DONE')
    expect(stateAfter({ error: { code: 'CONFLICT', reason: 'DUPLICATE' } }, true)).toBe('DONE')
    expect(stateAfter({ error: { code: 'CONFLICT', reason: 'STALE' } }, true)).toBe('FAILED')
  })

  it('is nothing for a call without a result, and for results without a call', () => {
    expect(
      readActs([
        { content: [{ type: 'tool_use', id: 'a', name: 'x' }, { type: 'tool_use', id: 1 }, 'odd'] },
        { content: [{ type: 'tool_result', tool_use_id: 'b', content: '{}' }, { type: 'tool_result' }] },
        { content: 'text' },
        'odd',
      ]),
    ).toEqual([])
  })
})
