import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds, openHouse, sound } from './house.ts'
import { openSocket } from './socket.ts'
import { anyJson, anyText } from './wild-values.ts'

const house = openHouse()

/** What a credential can be taken for and is not: one sign more, fewer or other, another case, another scheme. */
const almostKeys = (key: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.nat(key.length - 1).map((at) => key.slice(0, at) + key.slice(at + 1)),
    fc.tuple(fc.nat(key.length - 1), fc.constantFrom(...'aZ0_- \té')).map(([at, sign]) => {
      const changed = key.slice(0, at) + sign + key.slice(at + 1)
      return changed === key ? `${key}${sign}` : changed
    }),
    fc.constantFrom(key.toUpperCase(), `${key}${key}`, `${key},${key}`, `${key};`, key.replace('test', 'live'), 'null'),
    anyText,
  )

const authorizations = (key: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.tuple(fc.constantFrom('Bearer ', 'bearer ', 'Bearer  ', ''), almostKeys(key)).map((parts) => parts.join('')),
    fc.constantFrom('Basic ', 'Token ', 'Bearer').map((scheme) => `${scheme}${key}`),
    anyText,
  )

test('no Authorization header makes a fault, and none but the key itself is let in', async () => {
  // Others do not leave a client of HTTP.
  const sendable = authorizations(house.key).filter((text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text))
  await holds(sendable, 150, async (authorization) => {
    const response = await fetch(house.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: '{"query":"{ viewer { __typename } cursor }"}',
    })
    const { status, text } = await sound(response, house)
    expect(text).toContain('UNAUTHENTICATED')
    // Blanks alone are no credential: whoever sends them is anonymous, which is told apart from a wrong one.
    expect(status).toBe(authorization.trim() === '' ? 200 : 401)
  })
})

const payloads = (key: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    authorizations(key).map((authorization) => ({ authorization })),
    authorizations(key).map((Authorization) => ({ Authorization, authorization: null })),
    anyJson.map((authorization) => ({ authorization })),
    anyJson,
  )

test('no payload of connection_init makes a fault: it is anonymous, refused or no message', async () => {
  await holds(payloads(house.key), 80, async (payload) => {
    const socket = await openSocket(house, payload)
    if (socket.closedWith === undefined) await socket.probe()
    else expect([4400, 4401, 1013]).toContain(socket.closedWith)
    expect(socket.faults).toEqual([])
    socket.close()
    expect(house.served.lines).toEqual([])
  })
})
