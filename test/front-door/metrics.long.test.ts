import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { ServerProcess } from '../support/server-process.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { openHouse } from './house.ts'
import { ask, sendLead } from './visitor.ts'

const TOKEN = 'for-prometheus-only'

/** By name and labels, as they are written: `cadre_runs{status="QUEUED"}`. */
async function metricsAt(url: string, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const answer = await fetch(`${url}/metrics`, { headers })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))] as const
    }),
  )
}

describe('under npm start', () => {
  const house = openHouse()

  test('what was done is counted: requests by door, operations, errors, subscriptions, model calls, events, runs', async () => {
    const watcher = new RawSubscriber<{ events: { type: string } }>({
      url: () => house.server.url,
      key: house.server.key,
      query: 'subscription { events { type } }',
    })
    await expect.poll(async () => (await metricsAt(house.server.url)).get('cadre_graphql_subscriptions_open')).toBe(1)
    expect((await metricsAt(house.server.url)).get('cadre_websockets_open')).toBe(1)
    await sendLead(house.server, 'kim@nimbus.example')
    await watcher.until((items) => items.some(({ data }) => data.events.type === 'RUN_FINISHED'))
    await watcher.stop()
    await ask(house.server, '{ viewer { permissions } }')
    await fetch(`${house.server.url}/nowhere/${'x'.repeat(50)}`)
    await fetch(`${house.server.url}/graphql?query={nothing}`)
    // What is watched ends when the socket is gone.
    await expect.poll(async () => (await metricsAt(house.server.url)).get('cadre_graphql_subscriptions_open')).toBe(0)

    const found = await metricsAt(house.server.url)
    const sum = (prefix: string) =>
      [...found].filter(([name]) => name.startsWith(prefix)).reduce((total, [, value]) => total + value, 0)
    expect(found.get('cadre_http_requests_total{door="/f/{workspace}/{form}",method="POST",status="201"}')).toBe(1)
    expect(found.get('cadre_http_requests_total{door="none",method="GET",status="404"}')).toBe(1)
    expect(found.get('cadre_graphql_operation_duration_seconds_count{kind="query"}')).toBeGreaterThanOrEqual(1)
    expect(found.get('cadre_graphql_errors_total{code="INVALID_INPUT"}')).toBeGreaterThanOrEqual(1)
    expect(found.get('cadre_graphql_subscriptions_total')).toBe(1)
    expect(sum('cadre_model_call_duration_seconds_count')).toBeGreaterThan(0)
    expect(sum('cadre_model_cost_dollars_total')).toBe(0)
    expect(found.get('cadre_event_log_head')).toBeGreaterThan(5)
    expect(found.get('cadre_event_outbox_rows')).toBeGreaterThanOrEqual(0)
    expect(found.get('cadre_event_tail_lag')).toBeGreaterThanOrEqual(0)
    for (const status of ['QUEUED', 'RUNNING', 'WAITING']) {
      expect(found.get(`cadre_runs{status="${status}"}`)).toBeGreaterThanOrEqual(0)
    }
    for (const status of ['ENQUEUED', 'PENDING']) {
      expect(found.get(`cadre_queue_segments{status="${status}"}`)).toBeGreaterThanOrEqual(0)
    }
    expect(found.get('cadre_pool_connections{pool="app",state="idle"}')).toBeGreaterThanOrEqual(0)
    expect(found.get('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0)
    expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(0)
    expect(sum('cadre_unread_metrics_total')).toBe(0)
    expect([...found.keys()].filter((name) => name.includes('xxxx'))).toEqual([])
  })

  test('waiting runs are counted as what they are', async () => {
    const waiting = async () =>
      (
        await ask<{ runs: { totalCount: number } }>(
          house.server,
          '{ runs(filter: { status: { eq: WAITING } }) { totalCount } }',
        )
      ).runs.totalCount
    for (let lead = 0; (await waiting()) === 0; lead++) await sendLead(house.server, `waiting-${lead}@nimbus.example`)
    await expect
      .poll(async () => (await metricsAt(house.server.url)).get('cadre_runs{status="WAITING"}') === (await waiting()))
      .toBe(true)
  })

  test('they are read by who sits at this machine, and by nobody else', async () => {
    const refused = await fetch(`${house.server.url}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.1' } })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ])
    const head = await fetch(`${house.server.url}/metrics`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})

describe('in production', () => {
  let database: TestDatabase
  const started: ServerProcess[] = []

  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(async () => {
    for (const server of started) await server.remove()
    await database?.drop()
  })

  async function serve(env: Record<string, string>): Promise<ServerProcess> {
    const options = { command: 'server', databaseUrl: database.url, env: { NODE_ENV: 'production', ...env } } as const
    const server = await ServerProcess.start(options)
    started.push(server)
    return server
  }

  test('there is nothing to read unless a setting says so', async () => {
    const server = await serve({})
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    await server.stop()
  })

  test('a token opens them, and nothing else does', async () => {
    const server = await serve({ METRICS_TOKEN: TOKEN })
    const missing = await fetch(`${server.url}/metrics`)
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const wrong = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}x` } })
    expect(wrong.status).toBe(401)
    const found = await metricsAt(server.url, { authorization: `Bearer ${TOKEN}` })
    expect(found.get('cadre_http_requests_total{door="/metrics",method="GET",status="401"}')).toBe(2)
    await server.stop()
  })

  test('a port of their own answers them and nothing else, of a worker as well', async () => {
    const port = await findFreePort()
    const worker = await ServerProcess.start({
      command: 'worker',
      databaseUrl: database.url,
      env: { NODE_ENV: 'production', METRICS_PORT: String(port) },
    })
    started.push(worker)
    expect((await metricsAt(`http://127.0.0.1:${port}`)).get('cadre_segments_working')).toBe(0)
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(404)
    await worker.stop()
  })
})
