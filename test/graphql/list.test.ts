import pg from 'pg'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { insertDeals, insertRuns, type NewDeal } from './deals.ts'
import { openSample } from './open-sample.ts'
import { ask, createDeal, MOVE } from './server.ts'

const SAMPLE: readonly NewDeal[] = [
  { name: 'Åsa Öberg', amount: 10_000_000n, daysOld: 1, closes: '2026-02-01' },
  { name: 'asa plain', amount: 20_000_000n, stage: 'won', daysOld: 2, owned: true },
  { name: 'Zebra 100%', amount: 5_000_000n, currency: 'USD', daysOld: 10, closes: '2026-03-01' },
  { name: 'under_score', daysOld: 20 },
  { name: 'Back\\slash', daysOld: 40, amount: 1_500_000n },
  { name: 'ДЕЛО', daysOld: 3 },
]

const { server, acme, other } = openSample()

beforeAll(async () => {
  await insertDeals(server, acme, SAMPLE)
  await insertDeals(server, other, [{ name: 'Åsa elsewhere', amount: 10_000_000n }])
})

const NAMES =
  'query ($filter: DealFilter, $orderBy: [DealOrder!]) { deals(filter: $filter, orderBy: $orderBy) { totalCount nodes { name } } }'

async function names(filter: object, orderBy: object[] = [{ field: 'NAME' }]): Promise<string[]> {
  const { data, errors } = await ask(server, acme.key, NAMES, { filter, orderBy })
  expect(errors).toBeUndefined()
  expect(data.deals.totalCount).toBe(data.deals.nodes.length)
  return data.deals.nodes.map((deal: { name: string }) => deal.name)
}

async function issue(filter: unknown, orderBy: object[] = []): Promise<object> {
  const { errors, status } = await ask(server, acme.key, NAMES, { filter, orderBy })
  expect(errors?.[0].extensions.code).toBe('INVALID_INPUT')
  expect(status).toBe(200)
  return errors?.[0].extensions.issues[0]
}

describe('a filter', () => {
  test('on text ignores case and accents in contains, startsWith and endsWith, and keeps them in eq and in', async () => {
    expect(await names({ name: { startsWith: 'ASA' } })).toEqual(['Åsa Öberg', 'asa plain'])
    expect(await names({ name: { contains: 'öBERG' } })).toEqual(['Åsa Öberg'])
    expect(await names({ name: { endsWith: 'plain' } })).toEqual(['asa plain'])
    expect(await names({ name: { startsWith: 'дел' } })).toEqual(['ДЕЛО'])
    expect(await names({ name: { eq: 'asa öberg' } })).toEqual([])
    expect(await names({ name: { eq: 'Åsa Öberg' } })).toEqual(['Åsa Öberg'])
    expect(await names({ name: { in: ['Åsa Öberg', 'ASA PLAIN', 'ДЕЛО'] } })).toEqual(['Åsa Öberg', 'ДЕЛО'])
  })

  test('takes what has a meaning in patterns as it is written', async () => {
    expect(await names({ name: { contains: '100%' } })).toEqual(['Zebra 100%'])
    expect(await names({ name: { contains: '%' } })).toEqual(['Zebra 100%'])
    expect(await names({ name: { contains: 'r_s' } })).toEqual(['under_score'])
    expect(await names({ name: { contains: '\\' } })).toEqual(['Back\\slash'])
    expect(await names({ name: { contains: '' } })).toHaveLength(SAMPLE.length)
    expect(await names({ name: { startsWith: '' } })).toHaveLength(SAMPLE.length)
    expect(await names({ name: { contains: "'; drop table deal; --" } })).toEqual([])
  })

  test('on an amount compares within one currency, and names the currency when it is missing', async () => {
    expect(await names({ amount: { currency: 'EUR', gte: '10' } })).toEqual(['Åsa Öberg', 'asa plain'])
    expect(await names({ amount: { currency: 'EUR', lt: '2' } })).toEqual(['Back\\slash'])
    expect(await names({ amount: { currency: 'USD' } })).toEqual(['Zebra 100%'])
    expect(await names({ amount: { isNull: true } })).toEqual(['under_score', 'ДЕЛО'])
    expect(await issue({ amount: { gt: '1' } })).toMatchObject({ field: 'filter.amount.currency', code: 'REQUIRED' })
  })

  test('takes moments fixed, as a day, or relative to now', async () => {
    expect(await names({ createdAt: { gte: '-P5D' } })).toEqual(['Åsa Öberg', 'asa plain', 'ДЕЛО'])
    expect(await names({ createdAt: { lt: '-P1M' } })).toEqual(['Back\\slash'])
    expect(await names({ createdAt: { lt: '2000-01-01' } })).toEqual([])
    expect(await names({ createdAt: { gt: new Date(Date.now() - 1.5 * 86_400_000).toISOString() } })).toEqual([
      'Åsa Öberg',
    ])
    expect(await issue({ createdAt: { gt: '-P99999999999Y' } })).toMatchObject({ field: 'filter.createdAt.gt' })
  })

  test('on a calendar day counts the day as beginning at midnight', async () => {
    expect(await names({ expectedCloseOn: { eq: '2026-02-01' } })).toEqual(['Åsa Öberg'])
    expect(await names({ expectedCloseOn: { gte: '2026-02-01T00:00:01Z' } })).toEqual(['Zebra 100%'])
    expect(await names({ expectedCloseOn: { lt: '2026-02-01T10:00:00Z' } })).toEqual(['Åsa Öberg'])
    expect(await names({ expectedCloseOn: { eq: '2026-02-01T10:00:00Z' } })).toEqual([])
    expect(await names({ expectedCloseOn: { lte: '2026-02-28', isNull: false } })).toEqual(['Åsa Öberg'])
  })

  test('goes through relations and owners, and not is the whole rest', async () => {
    expect(await names({ stage: { kind: { eq: 'WON' } } })).toEqual(['asa plain'])
    expect(await names({ owner: { id: { eq: encodeId('member', acme.memberId) } } })).toEqual(['asa plain'])
    expect(await names({ owner: { kind: ['MEMBER'] } })).toEqual(['asa plain'])
    expect(await names({ owner: { isNull: true } })).toHaveLength(SAMPLE.length - 1)
    expect(await names({ not: { amount: { currency: 'EUR' } } })).toEqual(['under_score', 'Zebra 100%', 'ДЕЛО'])
    expect(await names({ or: [{ stage: { kind: { eq: 'WON' } } }, { name: { eq: 'ДЕЛО' } }] })).toEqual([
      'asa plain',
      'ДЕЛО',
    ])
    expect(
      await names({ and: [{ name: { startsWith: 'asa' } }, { not: { stage: { kind: { in: ['WON', 'LOST'] } } } }] }),
    ).toEqual(['Åsa Öberg'])
    expect(await names({ or: [] })).toEqual([])
    expect(await names({ and: [], name: {} })).toHaveLength(SAMPLE.length)
  })

  test('refuses what cannot be, with its path', async () => {
    expect(await issue({ stage: { id: { eq: encodeId('member', acme.memberId) } } })).toMatchObject({
      field: 'filter.stage.id.eq',
      code: 'UNKNOWN_REFERENCE',
    })
    expect(await issue({ or: [{}, { name: { eq: null } }] })).toMatchObject({
      field: 'filter.or.1.name.eq',
      code: 'NOT_ALLOWED',
    })
    expect(await issue({ name: { in: Array(501).fill('x') } })).toMatchObject({
      field: 'filter.name.in',
      code: 'TOO_LONG',
    })
    expect(await issue({ or: Array(101).fill({ name: { eq: 'x' } }) })).toMatchObject({ code: 'TOO_LONG' })
    expect(await issue({ stage: null })).toMatchObject({ field: 'filter.stage' })
  })

  test('with the null character finds nothing and breaks nothing', async () => {
    expect(await names({ name: { eq: 'a\0b' } })).toEqual([])
  })
})

describe('an order', () => {
  test('puts what has no value last, whichever way', async () => {
    const amounts = async (direction: string) => await names({}, [{ field: 'AMOUNT', direction }, { field: 'NAME' }])
    expect(await amounts('ASC')).toEqual(['Back\\slash', 'Åsa Öberg', 'asa plain', 'Zebra 100%', 'under_score', 'ДЕЛО'])
    expect(await amounts('DESC')).toEqual([
      'Zebra 100%',
      'asa plain',
      'Åsa Öberg',
      'Back\\slash',
      'under_score',
      'ДЕЛО',
    ])
  })

  test('by the same key twice is refused with its path', async () => {
    expect(await issue({}, [{ field: 'NAME' }, { field: 'NAME' }])).toMatchObject({
      field: 'orderBy.1.field',
      code: 'DUPLICATE',
    })
  })
})

describe('paging', () => {
  const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: [DealOrder!]) {
    deals(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
      edges { cursor node { name } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`

  test.each([
    ['by default', undefined],
    ['by a key with ties and gaps', [{ field: 'AMOUNT', direction: 'DESC' }]],
    [
      'by several keys in different directions',
      [
        { field: 'AMOUNT', direction: 'ASC' },
        { field: 'NAME', direction: 'DESC' },
      ],
    ],
  ])('walks through the whole list once, forwards and backwards, %s', async (_how, orderBy) => {
    const all = await ask(server, acme.key, PAGE, { first: 100, orderBy })
    const whole = all.data.deals.edges.map((edge: { node: { name: string } }) => edge.node.name)
    expect(whole).toHaveLength(SAMPLE.length)
    const forwards: string[] = []
    let after: string | null = null
    do {
      const { data } = await ask(server, acme.key, PAGE, { first: 2, after, orderBy })
      forwards.push(...data.deals.edges.map((edge: { node: { name: string } }) => edge.node.name))
      expect(data.deals.pageInfo.hasPreviousPage).toBe(after !== null)
      after = data.deals.pageInfo.hasNextPage ? data.deals.pageInfo.endCursor : null
    } while (after !== null)
    expect(forwards).toEqual(whole)
    const backwards: string[] = []
    let before: string | null = null
    do {
      const { data } = await ask(server, acme.key, PAGE, { last: 2, before, orderBy })
      backwards.unshift(...data.deals.edges.map((edge: { node: { name: string } }) => edge.node.name))
      before = data.deals.pageInfo.hasPreviousPage ? data.deals.pageInfo.startCursor : null
    } while (before !== null)
    expect(backwards).toEqual(whole)
  })

  test('refuses a cursor of another order, a made-up one, and one that was tampered with', async () => {
    const { data } = await ask(server, acme.key, PAGE, { first: 1 })
    const cursor: string = data.deals.pageInfo.endCursor
    const [digest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[]
    const tampered = Buffer.from(JSON.stringify([digest, 'no date', 'no uuid'])).toString('base64url')
    for (const [after, orderBy] of [
      [cursor, [{ field: 'NAME' }]],
      ['nonsense', undefined],
      ['', undefined],
      [tampered, undefined],
    ]) {
      const { errors } = await ask(server, acme.key, PAGE, { first: 1, after, orderBy })
      expect(errors?.[0].extensions).toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ field: 'after', code: 'INVALID_FORMAT' }],
      })
    }
  })

  test('takes 0 to 100 items', async () => {
    const none = await ask(server, acme.key, PAGE, { first: 0 })
    expect(none.data.deals.nodes).toEqual([])
    for (const [variables, field] of [
      [{ first: 101 }, 'first'],
      [{ first: -1 }, 'first'],
      [{ last: 101 }, 'last'],
    ] as const) {
      const { errors } = await ask(server, acme.key, PAGE, variables)
      expect(errors?.[0].extensions.issues[0]).toMatchObject({ field })
    }
  })
})

describe('a list below a parent', () => {
  test('gives each parent its own page, in one statement for all of them', async () => {
    const ids = await insertDeals(server, acme, [
      { name: 'with runs', daysOld: 100 },
      { name: 'with one', daysOld: 101 },
      { name: 'without', daysOld: 102 },
    ])
    await insertRuns(server, acme, [
      { deal: ids[0], count: 5 },
      { deal: ids[1], count: 1 },
    ])
    const { data, errors } = await ask(
      server,
      acme.key,
      `{ deals(orderBy: { field: CREATED }, first: 3) { nodes { name
          runs(first: 2) { totalCount nodes { title steps(last: 2) { nodes { id index } pageInfo { hasPreviousPage } } } pageInfo { hasNextPage endCursor } }
      } } }`,
    )
    expect(errors).toBeUndefined()
    const [without, one, five] = data.deals.nodes
    expect([without.name, one.name, five.name]).toEqual(['without', 'with one', 'with runs'])
    expect(without.runs).toMatchObject({ totalCount: 0, nodes: [], pageInfo: { hasNextPage: false } })
    expect(one.runs.totalCount).toBe(1)
    expect(five.runs.totalCount).toBe(5)
    expect(five.runs.nodes.map((run: { title: string }) => run.title)).toEqual(['run 0', 'run 1'])
    expect(five.runs.pageInfo.hasNextPage).toBe(true)
    expect(five.runs.nodes[0].steps).toMatchObject({
      nodes: [{ index: 1 }, { index: 2 }],
      pageInfo: { hasPreviousPage: true },
    })
    const step = five.runs.nodes[0].steps.nodes[0].id
    expect(step).toMatch(/^step_[0-9a-f-]{36}_1$/)
    const found = await ask(
      server,
      acme.key,
      'query ($id: ID!) { node(id: $id) { __typename id ... on Step { title } } }',
      { id: step },
    )
    expect(found.data.node).toEqual({ __typename: 'Step', id: step, title: 'step 1' })
  })
})

test('the number of statements does not grow with the number of things in the answer', async () => {
  const house = await server.house('Counted')
  for (let index = 0; index < 10; index++) {
    const id = await createDeal(server, house, `Counted ${index}`)
    await ask(server, house.key, MOVE, { input: { id, stage: house.won } })
  }
  const statements = async (query: string, first: number): Promise<number> => {
    let count = 0
    const original = pg.Client.prototype.query
    const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const config = args[0] as string | { readonly text?: string }
      const text = typeof config === 'string' ? config : (config.text ?? '')
      const { application_name } = (this as unknown as { connectionParameters: { application_name?: string } })
        .connectionParameters
      if (application_name === 'cadre-app' && !/set_config|^(BEGIN|COMMIT)$/.test(text)) count += 1
      return Reflect.apply(original, this, args)
    } as never)
    const { errors, data } = await ask(server, house.key, query, { first })
    spy.mockRestore()
    expect(errors).toBeUndefined()
    expect(JSON.stringify(data).length).toBeGreaterThan(first * 20)
    return count
  }
  for (const query of [
    'query ($first: Int) { deals(first: $first) { nodes { name stage { name } owner { name } runs(first: 2) { nodes { title steps(first: 2) { nodes { title } } } } } } }',
    'query ($first: Int) { deals(first: $first) { nodes { timeline(first: 3) { nodes { summary actor { name node { id } } } } } } }',
    'query ($first: Int) { events(first: $first) { nodes { summary run { id } cause { id } subject { id ... on Deal { stage { name } } } detail { ... on DealStageChanged { deal { name } from { name } to { kind } } } } } }',
  ]) {
    // From 4 on, so that there are events of both types either way.
    expect(await statements(query, 20)).toBe(await statements(query, 4))
  }
})
