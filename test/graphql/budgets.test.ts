import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, createDeal, type House, MOVE, type SampleServer, serveSample } from './server.ts'
import { eventsOf, RawSocket } from './wire.ts'

// What operations may cost in a minute, the same over HTTP, WebSocket and server-sent events.

const LIMIT = 100
const DEAR = '{ deals(first: 40) { nodes { id name } } }' // 81
const CHEAP = '{ deals(first: 2) { nodes { id name } } }' // 5
const MOVED =
  'subscription ($deal: ID) { dealStageChanged(deal: $deal) { from { name } to { name } event { summary } } }' // 7

let server: SampleServer
let acme: House
/** One whose streams are paid for at once again. */
let hasty: SampleServer
let hastyHouse: House

beforeAll(async () => {
  server = await serveSample({ budgets: { perMinute: LIMIT, perMinuteAnonymous: 12 } })
  acme = await server.house()
  hasty = await serveSample({ budgets: { perMinute: LIMIT, perMinuteAnonymous: 12, rentEveryMs: 100 } })
  hastyHouse = await hasty.house()
})
afterAll(async () => {
  await server?.close()
  await hasty?.close()
  expect([...server.logged, ...hasty.logged]).toEqual([])
})

const newKey = async (at = server, house = acme) => (await at.key(house, ['DEALS_READ', 'EVENTS_READ'])).plain
const SPENT = { code: 'LIMIT_EXCEEDED', limit: 'COST_PER_MINUTE', retryAfterMs: expect.any(Number) }
const cost = (requested: number, remaining: number, limit = LIMIT) => ({
  cost: { requested, limit, remaining, resetAt: expect.stringMatching(/^\d{4}-.*Z$/) },
})

describe('over HTTP', () => {
  test('what goes over the budget is refused with 429 and when to try again, and what still fits is answered', async () => {
    const key = await newKey()
    const first = await ask(server, key, DEAR)
    expect([first.status, first.extensions]).toEqual([200, cost(81, 19)])
    const second = await ask(server, key, DEAR)
    expect([second.status, second.data]).toEqual([429, undefined])
    expect(second.errors?.map(({ extensions }) => extensions)).toEqual([SPENT])
    const { retryAfterMs } = second.errors?.[0].extensions ?? {}
    expect(second.headers.get('retry-after')).toBe(String(Math.ceil(retryAfterMs / 1_000)))
    expect(second.extensions).toEqual(cost(81, 18))
    expect((await ask(server, key, CHEAP)).extensions).toEqual(cost(5, 13))
  })

  test('a client of application/json gets the same with 200, as the protocol has it', async () => {
    const key = await newKey()
    await ask(server, key, DEAR)
    const { status, headers, errors } = await ask(server, key, DEAR, {}, { accept: 'application/json' })
    expect([status, headers.get('retry-after') !== null]).toEqual([200, true])
    expect(errors?.[0].extensions).toEqual(SPENT)
  })

  test('a document that is refused costs its reading; one after the other until nothing is left', async () => {
    const key = await newKey()
    const wrong = `{ nothing } # ${'x'.repeat(4_000)}`
    expect((await ask(server, key, wrong)).extensions).toEqual(cost(41, 59))
    expect((await ask(server, key, wrong)).extensions).toEqual(cost(41, 18))
    expect((await ask(server, key, wrong)).errors?.[0].extensions).toEqual(SPENT)
    // Nothing is read any more, be it ever so wrong.
    const unread = async () => {
      const { status, extensions } = await ask(server, key, '{')
      return [status, extensions]
    }
    await expect.poll(unread).toEqual([429, cost(0, 0)])
  })

  test('one that costs more than a minute has is refused as such: waiting would not help', async () => {
    const { errors, status } = await ask(server, await newKey(), '{ deals(first: 100) { nodes { id name } } }')
    expect([status, errors?.[0].extensions]).toEqual([400, { code: 'LIMIT_EXCEEDED', limit: 'COST' }])
    expect(errors?.[0].message).toContain(String(LIMIT))
  })

  test('a credential has its own, and whoever has none shares that of the address', async () => {
    const [one, other] = [await newKey(), await newKey()]
    await ask(server, one, DEAR)
    expect((await ask(server, other, CHEAP)).extensions).toEqual(cost(5, 95))
    const anonymous = async () => await ask(server, undefined, '{ __typename }')
    expect((await anonymous()).extensions).toEqual(cost(1, 11, 12))
    for (let n = 0; n < 11; n++) await anonymous()
    expect((await anonymous()).errors?.[0].extensions).toEqual(SPENT)
    expect((await ask(server, other, CHEAP)).errors).toBeUndefined()
  })

  test('many at once do not get more', async () => {
    const key = await newKey()
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(server, key, CHEAP)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT / 5)
  })
})

test('over a WebSocket it is the same budget, and the socket lives on', async () => {
  const key = await newKey()
  const socket = await new RawSocket(server).opened({ authorization: `Bearer ${key}` })
  socket.subscribe('1', DEAR)
  expect(await socket.next()).toMatchObject({ type: 'next', payload: { extensions: cost(81, 19) } })
  expect(await socket.next()).toEqual({ id: '1', type: 'complete' })
  socket.subscribe('2', DEAR)
  expect(await socket.next()).toMatchObject({ id: '2', type: 'error', payload: [{ extensions: SPENT }] })
  expect((await ask(server, key, DEAR)).status).toBe(429)
  socket.subscribe('3', CHEAP)
  expect(await socket.next()).toMatchObject({
    id: '3',
    type: 'next',
    payload: { extensions: { cost: { requested: 5 } } },
  })
  socket.socket.close()
})

test('over server-sent events it is the same budget', async () => {
  const authorization = `Bearer ${await newKey()}`
  const events = async (query: string) => {
    const all = []
    for await (const { event, data } of eventsOf(server, { query }, { authorization })) all.push([event, data])
    return all
  }
  expect(await events(DEAR)).toEqual([
    ['next', { data: expect.anything(), extensions: cost(81, 19) }],
    ['complete', undefined],
  ])
  expect(await events(DEAR)).toEqual([
    ['next', { errors: [{ message: expect.any(String), extensions: SPENT }], extensions: cost(81, 18) }],
    ['complete', undefined],
  ])
})

describe('a stream', () => {
  test('costs once at its beginning, and not by what it tells', async () => {
    const key = await newKey()
    const id = await createDeal(server, acme, 'Counted')
    const socket = await new RawSocket(server).opened({ authorization: `Bearer ${key}` })
    socket.subscribe('s', MOVED, { deal: id })
    // The subscription began when this is answered: a socket's operations are taken in turn.
    socket.subscribe('q', CHEAP)
    expect(await socket.next()).toMatchObject({ id: 'q', payload: { extensions: cost(5, LIMIT - 7 - 5) } })
    await socket.next()
    const seen = []
    for (const stage of [acme.won, acme.open]) {
      await ask(server, (await server.key(acme, ['DEALS_READ', 'DEALS_WRITE'])).plain, MOVE, { input: { id, stage } })
      seen.push(Object.keys((await socket.next()).payload.extensions).sort())
    }
    expect(seen).toEqual([['cost', 'cursor'], ['cursor']])
    expect((await ask(server, key, CHEAP)).extensions).toEqual(cost(5, LIMIT - 7 - 5 - 5))
    socket.socket.close()
  })

  test('that can no longer be paid ends with when to come back, and goes on from its cursor then', async () => {
    const key = await newKey(hasty, hastyHouse)
    const id = await createDeal(hasty, hastyHouse, 'Paid')
    const mover = (await hasty.key(hastyHouse, ['DEALS_READ', 'DEALS_WRITE'])).plain
    const cursor = (await ask(hasty, mover, MOVE, { input: { id, stage: hastyHouse.won } })).data.moveDeal.cursor
    const socket = await new RawSocket(hasty).opened({ authorization: `Bearer ${key}` })
    socket.subscribe('s', MOVED, { deal: id }, { after: cursor })
    const ended = await socket.next()
    expect(ended).toMatchObject({
      type: 'next',
      payload: { errors: [{ extensions: SPENT }], extensions: { cost: { requested: 7, limit: LIMIT } } },
    })
    expect(ended.payload).not.toHaveProperty('data')
    expect(await socket.next()).toEqual({ id: 's', type: 'complete' })
    // Before its minute is over it does not get in again; whoever has budget goes on from the cursor, and misses nothing.
    socket.subscribe('again', MOVED, { deal: id }, { after: cursor })
    expect(await socket.next()).toMatchObject({ id: 'again', type: 'error', payload: [{ extensions: SPENT }] })
    const other = (await hasty.key(hastyHouse, ['DEALS_READ', 'DEALS_WRITE'])).plain
    await ask(hasty, other, MOVE, { input: { id, stage: hastyHouse.open } })
    const payer = await newKey(hasty, hastyHouse)
    const next = await new RawSocket(hasty).opened({ authorization: `Bearer ${payer}` })
    next.subscribe('on', MOVED, { deal: id }, { after: cursor })
    expect(await next.next()).toMatchObject({ payload: { data: { dealStageChanged: { to: { name: 'Open' } } } } })
    for (const each of [socket, next]) each.socket.close()
  })

  test('that can no longer be paid ends over server-sent events, too', async () => {
    const key = await newKey(hasty, hastyHouse)
    const events = eventsOf(hasty, { query: MOVED }, { authorization: `Bearer ${key}` })
    expect((await events.next()).value).toMatchObject({ event: 'next', data: { errors: [{ extensions: SPENT }] } })
    expect((await events.next()).value).toMatchObject({ event: 'complete' })
  })
})
