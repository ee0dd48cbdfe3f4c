import { describe, expect, test } from 'vitest'
import type { DemoOutcomesQuery } from '../../client/gql/graphql.ts'
import type { Requester } from '../../client/request.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { accountFor } from './outcomes.ts'

type Submission = DemoOutcomesQuery['submissions']['nodes'][number]
type Run = Submission['runs'][number]

const idOf = (n: number): string => `0192f3a4-7c3e-7000-8000-${String(n).padStart(12, '0')}`
const RECEIVED = '2026-11-25T09:00:00Z'
const EARLIER = '2026-11-24T09:00:00Z'

const run = (change: Partial<Run> = {}): Run => ({
  id: 'run_1',
  status: 'SUCCEEDED',
  waitingFor: null,
  rehearsal: true,
  model: 'claude-sonnet-5-5',
  cost: { micros: '0' },
  tokens: { input: 100, output: 10, cacheRead: 5, cacheWrite: 1 },
  ...change,
})
const submission = (n: number, change: Partial<Submission> = {}): Submission => ({
  id: encodeId('submission', idOf(n)),
  receivedAt: RECEIVED,
  contact: { id: `contact_${n}`, createdAt: RECEIVED },
  deal: null,
  runs: [run()],
  ...change,
})

/** A server that holds these submissions, and how many were asked for at once. */
function server(submissions: readonly Submission[]) {
  const asked: number[] = []
  const request = (async (_document: unknown, { ids }: { readonly ids: readonly string[] }) => {
    asked.push(ids.length)
    return { submissions: { nodes: submissions.filter(({ id }) => ids.includes(id)) } }
  }) as unknown as Requester
  return { request, asked }
}

const account = (submissions: readonly Submission[], count = submissions.length) =>
  accountFor(
    Array.from({ length: count }, (_, n) => idOf(n)),
    server(submissions).request,
  )

describe('the account of the leads', () => {
  test('puts every run under exactly one end', async () => {
    const ends = ['SUCCEEDED', 'WAITING', 'QUEUED', 'RUNNING', 'FAILED', 'CANCELLED', 'EXPIRED'] as const
    const runs = [...ends.map((status) => run({ status })), run({ status: 'WAITING', waitingFor: { name: 'Ada' } })]
    const outcomes = await account(runs.map((each, n) => submission(n, { runs: [each] })))
    // What waits for nobody waits for a model, or for its time: it goes on by itself.
    expect(outcomes).toMatchObject({ runs: 8, finished: 1, waiting: 1, open: 3, ended: 3, unaccounted: [] })
  })

  test('tells new contacts from known ones; who came with one of the leads is not known when the next comes', async () => {
    const again = { id: 'contact_0', createdAt: EARLIER }
    const outcomes = await account([
      submission(0),
      submission(1, { contact: again }),
      submission(2, { contact: { id: 'contact_old', createdAt: EARLIER } }),
      submission(3, { contact: { id: 'contact_old', createdAt: EARLIER } }),
    ])
    expect(outcomes.contacts).toEqual({ new: 1, known: 1 })
  })

  test('names every lead that is not as it should be, with what is wrong', async () => {
    const outcomes = await account(
      [submission(0, { contact: null }), submission(1, { runs: [] }), submission(2, { runs: [run(), run()] })],
      4,
    )
    expect(outcomes.unaccounted).toEqual([
      `${idOf(0)}: has no contact`,
      `${idOf(1)}: has 0 runs`,
      `${idOf(2)}: has 2 runs`,
      `${idOf(3)}: accepted, but not there`,
    ])
  })

  test('adds up the cost of live runs, and by model what rehearsed ones read and wrote', async () => {
    const outcomes = await account([
      submission(0, { deal: { id: 'deal_1' } as Submission['deal'] }),
      submission(1),
      submission(2, { runs: [run({ model: null })] }),
      submission(3, { runs: [run({ rehearsal: false, cost: { micros: '12000' } })] }),
    ])
    expect([outcomes.deals, outcomes.costMicros, outcomes.rehearsal]).toEqual([1, 12_000n, true])
    expect([...outcomes.rehearsed]).toEqual([
      ['claude-sonnet-5-5', { input: 200, output: 20, cacheRead: 10, cacheWrite: 2 }],
      ['', { input: 100, output: 10, cacheRead: 5, cacheWrite: 1 }],
    ])
  })

  test('of live runs alone is no rehearsal', async () => {
    const outcomes = await account([submission(0, { runs: [run({ rehearsal: false })] })])
    expect([outcomes.rehearsal, outcomes.rehearsed.size]).toEqual([false, 0])
  })

  test('asks for fifty at a time, and for each once', async () => {
    const { request, asked } = server([])
    const ids = Array.from({ length: 120 }, (_, n) => idOf(n))
    expect((await accountFor(ids, request)).unaccounted).toHaveLength(120)
    expect(asked).toEqual([50, 50, 20])
  })
})
