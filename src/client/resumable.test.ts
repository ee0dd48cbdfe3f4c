import type { Client, ExecutionResult, Sink, SubscribePayload } from 'graphql-ws'
import { expect, test } from 'vitest'
import { resumable } from './resumable.ts'

/** A client that hands out what it was asked, and the sink to answer through. */
function open() {
  const asked: { payload: SubscribePayload; sink: Sink<ExecutionResult> }[] = []
  const client = {
    subscribe: (payload: SubscribePayload, sink: Sink<ExecutionResult>) => {
      asked.push({ payload, sink })
      return () => {}
    },
  } as unknown as Client
  const told: unknown[] = []
  const subscribe = (payload: SubscribePayload) => {
    resumable(client).subscribe(payload, {
      next: (item) => told.push(item),
      error: (err) => told.push(['error', err]),
      complete: () => told.push('complete'),
    })
    const [only] = asked
    if (only === undefined) throw new Error('nothing was asked')
    return only
  }
  return { subscribe, told }
}

test('what is asked again after a break is what came after the last item', () => {
  const { subscribe, told } = open()
  const { payload, sink } = subscribe({ query: 'subscription { events { id } }' })
  expect(payload.extensions).toEqual({})
  sink.next({ data: { n: 1 }, extensions: { cursor: 'c1' } })
  sink.next({ data: { n: 2 }, extensions: { cursor: 'c2' } })
  // An item without a cursor is no place to go on from.
  sink.next({ data: { n: 3 }, extensions: {} })
  sink.next({ data: { n: 4 } })
  // graphql-ws sends the very payload it was given once more.
  expect(payload.extensions).toEqual({ after: 'c2' })
  expect(told).toHaveLength(4)
})

test('what the caller asked for beside it stays, and its own payload is left as it is', () => {
  const { subscribe } = open()
  const given = { query: 'subscription { events { id } }', extensions: { after: 'c0', trace: 'x' } }
  const { payload, sink } = subscribe(given)
  sink.next({ extensions: { cursor: 'c1' } })
  expect(payload.extensions).toEqual({ after: 'c1', trace: 'x' })
  expect(given.extensions.after).toBe('c0')
})

test('an end and an error reach the caller', () => {
  const { subscribe, told } = open()
  const { sink } = subscribe({ query: 'subscription { events { id } }' })
  sink.error(new Error('closed'))
  sink.complete()
  expect(told).toEqual([['error', expect.objectContaining({ message: 'closed' })], 'complete'])
})
