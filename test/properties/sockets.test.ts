import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds, openHouse } from './house.ts'
import { openSocket } from './socket.ts'
import { anyJson, anyText } from './wild-values.ts'

const house = openHouse()

const TYPES = [
  'subscribe',
  'complete',
  'next',
  'error',
  'ping',
  'pong',
  'connection_init',
  'connection_ack',
  '__proto__',
]

const payloads = fc.oneof(
  anyJson,
  fc.record(
    {
      query: fc.oneof(fc.constantFrom('{ __typename }', 'subscription { events { id } }'), anyText, anyJson),
      operationName: anyJson,
      variables: anyJson,
      extensions: anyJson,
    },
    { requiredKeys: [] },
  ),
)

const messages: fc.Arbitrary<unknown> = fc.oneof(
  fc.record(
    { type: fc.constantFrom(...TYPES), id: fc.oneof(fc.constantFrom('1', '2', ''), anyJson), payload: payloads },
    { requiredKeys: ['type'] },
  ),
  payloads.map((payload) => ({ type: 'subscribe', id: '1', payload })),
  anyText,
  fc.uint8Array({ maxLength: 40 }),
)

test('no message makes a fault: the socket goes on, or is closed with a code of the protocol’s', async () => {
  await holds(fc.array(messages, { minLength: 1, maxLength: 4 }), 80, async (sent) => {
    const socket = await openSocket(house, { authorization: `Bearer ${house.key}` })
    for (const message of sent) socket.send(message)
    await socket.probe().catch(() => expect([4400, 4409, 4429]).toContain(socket.closedWith))
    expect([socket.faults, house.served.lines]).toEqual([[], []])
    socket.close()
  })
})
