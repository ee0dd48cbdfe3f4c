import { describe, expect, it } from 'vitest'
import type { StoredStep } from '../domains/runs/service.ts'
import { MODEL_OUTAGE, messagesOf, openCalls, readJournal, withCalls } from './conversation.ts'
import { namesForeignRecord, recordsNamedBy } from './tools/records.ts'

const step = (seq: number, more: Partial<StoredStep>): StoredStep => ({
  seq,
  kind: 'NOTE',
  status: 'DONE',
  title: '',
  turn: 0,
  callIndex: null,
  data: {},
  startedAt: new Date(0),
  approvalId: null,
  effectStatus: null,
  ...more,
})
const turn = (seq: number, number: number, more: object = {}) =>
  step(seq, {
    kind: 'MODEL_TURN',
    turn: number,
    data: { content: [{ type: 'tool_use', id: `call_${number}`, name: 'act', input: { a: 1 } }], ...more },
  })
const call = (seq: number, number: number, more: Partial<StoredStep> = {}) =>
  step(seq, {
    kind: 'TOOL_CALL',
    turn: number,
    callIndex: 0,
    data: { callId: `call_${number}`, tool: 'act', input: { a: 1 }, output: { done: number } },
    ...more,
  })

describe('a run read from its journal', () => {
  it('shows the model the opening it was first shown, whatever the brief says now', () => {
    const state = readJournal([turn(0, 0, { opening: ['as it was'] }), call(1, 0)], ['as it is'])
    expect(messagesOf(state)[0]).toEqual({ role: 'user', content: [{ type: 'text', text: 'as it was' }] })
    expect(messagesOf(readJournal([], ['as it is']))[0]).toMatchObject({ content: [{ text: 'as it is' }] })
  })

  it('answers every call of a turn with its result, and errors as errors', () => {
    const failed = { callId: 'call_1', tool: 'act', input: {}, output: { error: { code: 'CONFLICT' } }, isError: true }
    const state = readJournal(
      [turn(0, 0), call(1, 0), turn(2, 1), call(3, 1, { status: 'FAILED', data: failed })],
      ['x'],
    )
    expect(messagesOf(state).map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user'])
    expect(messagesOf(state).at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'call_1', content: '{"error":{"code":"CONFLICT"}}', is_error: true },
      ],
    })
  })

  it('keeps open what is RUNNING or WAITING in the last turn, until it is closed', () => {
    const state = readJournal([turn(0, 0), call(1, 0, { status: 'WAITING', approvalId: 'a' })], ['x'])
    const [open] = openCalls(state)
    expect(open).toMatchObject({ seq: 1, approvalId: 'a' })
    if (open === undefined) throw new Error('it is open')
    expect(openCalls(withCalls(state, [{ ...open, status: 'DONE' }]))).toEqual([])
  })

  it('counts outages since the last turn only', () => {
    const note = (seq: number) => step(seq, { data: { kind: MODEL_OUTAGE } })
    expect(readJournal([note(0), note(1), turn(2, 0), note(3)], ['x']).outages).toBe(1)
  })
})

describe('a record that a call names', () => {
  const id = (kind: string, n: number) => `${kind}_01a1f930-2468-70db-bad0-6c32265bfad${n}`
  const done = (output: Record<string, unknown>) =>
    readJournal([turn(0, 0), call(1, 0, { data: { callId: 'c', tool: 'act', input: {}, output } })], ['x']).turns[0]
      ?.calls ?? []

  it('is known when a tool of ours named it in this run', () => {
    const known = recordsNamedBy(done({ deal: id('deal', 1), stage: { id: id('stage', 2), name: 'New' } }))
    expect(namesForeignRecord({ blocks: [{ node: id('deal', 1) }] }, known)).toBe(false)
    expect(namesForeignRecord({ deal: id('deal', 3) }, known)).toBe(true)
  })

  it('is foreign when it only stood in a text, as a stranger may have put it there', () => {
    const known = recordsNamedBy(done({ kept: [{ field: 'name', value: id('contact', 1) }], name: id('contact', 1) }))
    expect(namesForeignRecord({ contact: id('contact', 1) }, known)).toBe(true)
  })

  it('within a longer text is no reference', () => {
    expect(namesForeignRecord({ body: `see ${id('contact', 1)}` }, new Set())).toBe(false)
  })
})
