import { describe, expect, test } from 'vitest'
import { systemContext } from '../support/context.ts'
import { CLOSINGS } from './closings.ts'
import { openSample } from './open-sample.ts'
import { ask, CREATE, createDeal, type House, MOVE, serveSample } from './server.ts'
import { eventsOf, RawSocket, type Sent } from './wire.ts'

const { server, acme, other } = openSample({
  limits: { maxCost: 2_000 },
  budgets: { perMinute: 50_000, perMinuteAnonymous: 5_000 },
})

const connect = (house: House, at = server) => new RawSocket(at).opened({ authorization: `Bearer ${house.key}` })

const MOVED =
  'subscription ($deal: ID, $after: Cursor) { dealStageChanged(deal: $deal, after: $after) { from { name } to { name } deal { version } event { summary } } }'

const move = (house: House, id: string, stage: string) => ask(server, house.key, MOVE, { input: { id, stage } })

describe('over a WebSocket', () => {
  test('queries and mutations are answered once and completed', async () => {
    const socket = await connect(acme)
    socket.subscribe('q', '{ deals(first: 1) { totalCount } }')
    expect(await socket.next()).toMatchObject({
      id: 'q',
      type: 'next',
      payload: {
        data: { deals: { totalCount: 0 } },
        extensions: { cost: { requested: 11, limit: 50_000, remaining: expect.any(Number) } },
      },
    })
    expect(await socket.next()).toEqual({ id: 'q', type: 'complete' })
    socket.subscribe(
      'm',
      `mutation ($input: CreateDealInput!) { createDeal(input: $input) @idempotent(key: "ws-1") { ... on CreateDealPayload { deal { id } } } }`,
      { input: { name: 'By socket', stage: acme.open } },
    )
    const first = await socket.next()
    await socket.next()
    const again = await ask(
      server,
      acme.key,
      CREATE,
      { input: { name: 'By socket', stage: acme.open } },
      { 'idempotency-key': 'ws-1' },
    )
    expect(again.data.createDeal.deal.id).toBe(first.payload.data.createDeal.deal.id)
    socket.socket.close()
  })

  test('a topic sends its events as they come, each with the cursor to resume from, and only of its own workspace', async () => {
    const id = await createDeal(server, acme, 'Live')
    const foreign = await createDeal(server, other, 'Elsewhere')
    const socket = await connect(acme)
    const { data } = await ask(server, acme.key, '{ cursor }')
    socket.subscribe('s', MOVED, { after: data.cursor })
    await move(other, foreign, other.won)
    const moved = await move(acme, id, acme.won)
    expect(await socket.next()).toEqual({
      id: 's',
      type: 'next',
      payload: {
        data: {
          dealStageChanged: {
            from: { name: 'Open' },
            to: { name: 'Won' },
            deal: { version: 2 },
            event: { summary: 'Test moved Live to Won' },
          },
        },
        extensions: {
          cursor: moved.data.moveDeal.cursor,
          cost: { requested: 9, limit: 50_000, remaining: expect.any(Number), resetAt: expect.any(String) },
        },
      },
    })
    await move(acme, id, acme.open)
    const second = await socket.next()
    expect(second.payload.data.dealStageChanged).toMatchObject({ to: { name: 'Open' }, deal: { version: 3 } })
    expect(second.payload.extensions.cursor > moved.data.moveDeal.cursor).toBe(true)
    socket.socket.close()
  })

  test('a client that was cut off resumes from its cursor, though it sends its first variables again', async () => {
    const id = await createDeal(server, acme, 'Resumed')
    const start = (await ask(server, acme.key, '{ cursor }')).data.cursor
    const moves: string[] = []
    for (const stage of [acme.won, acme.open, acme.won, acme.open]) {
      moves.push((await move(acme, id, stage)).data.moveDeal.cursor)
    }
    const first = await connect(acme)
    first.subscribe('s', MOVED, { deal: id, after: start })
    const seen = [(await first.next()).payload.extensions.cursor, (await first.next()).payload.extensions.cursor]
    first.socket.terminate()
    const second = await connect(acme)
    second.subscribe('s', MOVED, { deal: id, after: start }, { after: seen[1] })
    seen.push((await second.next()).payload.extensions.cursor, (await second.next()).payload.extensions.cursor)
    expect(seen).toEqual(moves)
    second.socket.close()
  })

  test('the last events come first, and a filter holds for them and for those that follow', async () => {
    const id = await createDeal(server, acme, 'Last')
    await move(acme, id, acme.won)
    const socket = await connect(acme)
    socket.subscribe(
      's',
      'subscription ($id: ID!) { events(last: 5, filter: { subject: { eq: $id }, types: [DEAL_STAGE_CHANGED] }) { type summary subject { id } } }',
      { id },
    )
    expect((await socket.next()).payload.data.events).toEqual({
      type: 'DEAL_STAGE_CHANGED',
      summary: 'Test moved Last to Won',
      subject: { id },
    })
    await createDeal(server, acme, 'Not this one')
    await move(acme, id, acme.open)
    expect((await socket.next()).payload.data.events.summary).toBe('Test moved Last to Open')
    socket.socket.close()
  })

  test('a subscription that is refused is an error of its operation, and the socket lives on', async () => {
    const { plain } = await server.key(acme, ['DEALS_READ'])
    const socket = await new RawSocket(server).opened({ authorization: `Bearer ${plain}` })
    socket.subscribe('forbidden', MOVED)
    expect(await socket.next()).toMatchObject({
      id: 'forbidden',
      type: 'next',
      payload: { errors: [{ path: ['dealStageChanged'], extensions: { code: 'FORBIDDEN', needs: 'EVENTS_READ' } }] },
    })
    expect(await socket.next()).toEqual({ id: 'forbidden', type: 'complete' })
    socket.subscribe('invalid', 'subscription { nothing }')
    expect(await socket.next()).toMatchObject({
      id: 'invalid',
      type: 'error',
      payload: [{ extensions: { code: 'INVALID_INPUT' } }],
    })
    socket.subscribe('dear', '{ deals(first: 100) { nodes { runs(first: 100) { nodes { id } } } } }')
    expect(await socket.next()).toMatchObject({
      id: 'dear',
      type: 'error',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    })
    socket.subscribe('two', 'subscription { dealStageChanged { deal { id } } events { id } }')
    expect(await socket.next()).toMatchObject({ id: 'two', type: 'error' })
    socket.subscribe('fine', '{ __typename }')
    expect(await socket.next()).toMatchObject({ id: 'fine', type: 'next' })
    socket.socket.close()
  })

  test('a cursor that this server did not give is refused, by variable and by extension', async () => {
    const socket = await connect(acme)
    socket.subscribe('a', MOVED, { after: 'nonsense' })
    expect((await socket.next()).payload.errors[0].extensions).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ field: 'after' }],
    })
    await socket.next()
    socket.subscribe('b', MOVED, {}, { after: 'nonsense' })
    expect((await socket.next()).payload.errors[0].extensions.code).toBe('INVALID_INPUT')
    await socket.next()
    socket.subscribe('c', MOVED, { after: 'f'.repeat(24) })
    expect((await socket.next()).payload.errors[0].extensions.code).toMatch(/INVALID_INPUT|CURSOR_EXPIRED/)
    socket.socket.close()
  })

  test('a completed subscription ends its source at once, though nothing happens', async () => {
    const socket = await connect(acme)
    for (let index = 0; index < 100; index++) {
      socket.subscribe(`s${index}`, MOVED)
    }
    socket.subscribe('too many', '{ __typename }')
    expect(await socket.next()).toMatchObject({
      id: 'too many',
      type: 'error',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
    })
    for (let index = 0; index < 100; index++) socket.send({ type: 'complete', id: `s${index}` })
    await expect
      .poll(async () => {
        socket.subscribe('again', '{ __typename }')
        return (await socket.next()).type
      })
      .toBe('next')
    socket.socket.close()
  })

  test.each(CLOSINGS)('a socket is closed with %s for %s', async (code, _why, act) => {
    expect(String(await act(server, acme.key))).toBe(code)
  })

  test('without a credential only what is public is answered', async () => {
    const socket = await new RawSocket(server).opened()
    socket.subscribe('q', '{ __typename deals { totalCount } }')
    expect((await socket.next()).payload.errors[0].extensions.code).toBe('UNAUTHENTICATED')
    socket.socket.close()
  })

  test('a socket whose key is revoked is closed with 4403, one whose key expires with 4401', async () => {
    const { plain, id } = await server.key(acme, ['EVENTS_READ'])
    const expiring = await server.key(acme, ['EVENTS_READ'])
    const revoked = await new RawSocket(server).opened({ authorization: `Bearer ${plain}` })
    const expired = await new RawSocket(server).opened({ authorization: `Bearer ${expiring.plain}` })
    const codes = Promise.all([revoked.closed(), expired.closed()])
    await server.db.inTransaction(systemContext(server.db, acme.id), async (tx) => {
      await tx.sql.updateTable('apiKey').set({ revokedAt: new Date() }).where('id', '=', id).execute()
      await tx.sql.updateTable('apiKey').set({ expiresAt: new Date() }).where('id', '=', expiring.id).execute()
    })
    expect(await codes).toEqual([4403, 4401])
  })
})

describe('over server-sent events', () => {
  const stream = (body: object, headers: Record<string, string> = {}, stop = new AbortController()) =>
    eventsOf(server, body, { authorization: `Bearer ${acme.key}`, ...headers }, stop)

  test('a subscription carries its cursor as the id, and goes on after the last id or extension that comes back', async () => {
    const id = await createDeal(server, acme, 'SSE')
    const start = (await ask(server, acme.key, '{ cursor }')).data.cursor
    const cursors: string[] = []
    for (const stage of [acme.won, acme.open, acme.won])
      cursors.push((await move(acme, id, stage)).data.moveDeal.cursor)
    const body = { query: MOVED, variables: { deal: id, after: start } }
    const first = stream(body)
    const sent = (await first.next()).value as Sent
    expect(sent).toMatchObject({
      event: 'next',
      id: cursors[0],
      data: { data: { dealStageChanged: { to: { name: 'Won' } } }, extensions: { cursor: cursors[0] } },
    })
    await first.return(undefined)
    const byHeader = stream(body, { 'last-event-id': sent.id as string })
    expect(((await byHeader.next()).value as Sent).id).toBe(cursors[1])
    await byHeader.return(undefined)
    const byExtension = stream(
      { ...body, extensions: { after: cursors[1] } },
      { 'last-event-id': cursors[0] as string },
    )
    expect(((await byExtension.next()).value as Sent).id).toBe(cursors[2])
    await byExtension.return(undefined)
  })

  test('a query is sent as one event and completed', async () => {
    const events: Sent[] = []
    for await (const event of stream({ query: '{ __typename }' })) events.push(event)
    expect(events.map(({ event }) => event)).toEqual(['next', 'complete'])
    expect(events[0]?.data.data).toEqual({ __typename: 'Query' })
  })

  test('an operation that is refused is one event too, which says to its reader what an answer in JSON says', async () => {
    const events: Sent[] = []
    for await (const event of stream({ query: '{ nothing }' })) events.push(event)
    expect(events.map(({ event }) => event)).toEqual(['next', 'complete'])
    const { errors } = await ask(server, acme.key, '{ nothing }')
    expect(errors).toHaveLength(1)
    expect(events[0]?.data.errors).toEqual(errors)
  })

  test('a subscription for a client that reads JSON only is refused', async () => {
    const { status, errors } = await ask(server, acme.key, MOVED)
    expect(status).toBe(406)
    expect(errors?.[0].message).toContain('text/event-stream')
  })

  test('a stream whose key is revoked ends with UNAUTHENTICATED', async () => {
    const { plain, id } = await server.key(acme, ['EVENTS_READ', 'DEALS_READ'])
    const events = stream({ query: MOVED }, { authorization: `Bearer ${plain}` })
    const next = events.next()
    await server.db.inTransaction(systemContext(server.db, acme.id), (tx) =>
      tx.sql.updateTable('apiKey').set({ revokedAt: new Date() }).where('id', '=', id).execute(),
    )
    expect((await next).value).toMatchObject({
      event: 'next',
      data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    })
    expect((await events.next()).value).toMatchObject({ event: 'complete' })
  })
})

test('a server that closes tells its sockets to come back and cuts its streams', async () => {
  const closing = await serveSample()
  const house = await closing.house()
  const socket = await connect(house, closing)
  socket.subscribe('s', MOVED)
  const response = await fetch(`${closing.http.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${house.key}` },
    body: JSON.stringify({ query: MOVED }),
  })
  const cut = expect(response.text()).rejects.toThrow()
  const code = socket.closed()
  await closing.close()
  expect(await code).toBe(1012)
  await cut
})
