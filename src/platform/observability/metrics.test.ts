import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('what a caller may write freely is no label', async () => {
  const metrics = createMetrics()
  metrics.http({ door: '/graphql', method: 'X-ANYTHING', status: 405, durationMs: 1, stream: false })
  metrics.operations.failed(['NOT_FOUND', 'made up', 'undefined'])
  const { text } = await metrics.read()
  expect(text).toContain('cadre_http_requests_total{door="/graphql",method="OTHER",status="405"} 1')
  expect(text).toContain('cadre_graphql_errors_total{code="OTHER"} 2')
  expect(text).not.toMatch(/X-ANYTHING|made up/)
})

test('how long somebody watched a stream is not how long somebody waited', async () => {
  const metrics = createMetrics()
  metrics.http({ door: '/graphql', method: 'POST', status: 200, durationMs: 3_600_000, stream: true })
  metrics.http({ door: '/graphql', method: 'POST', status: 200, durationMs: 20, stream: false })
  const { text } = await metrics.read()
  expect(text).toContain('cadre_http_requests_total{door="/graphql",method="POST",status="200"} 2')
  expect(text).toContain('cadre_http_request_duration_seconds_count{door="/graphql"} 1')
})

test('a state that cannot be read is counted, and hides nothing else', async () => {
  const metrics = createMetrics()
  let away = false
  metrics.state('cadre_test_rows', 'Rows.', ['status'], async () => {
    if (away) throw new Error('the database is away')
    return [{ labels: { status: 'OPEN' }, value: 3 }]
  })
  expect((await metrics.read()).text).toContain('cadre_test_rows{status="OPEN"} 3')
  away = true
  await metrics.read()
  const { text } = await metrics.read()
  expect(text).not.toContain('cadre_test_rows{')
  expect(text).toMatch(/cadre_unread_metrics_total\{metric="cadre_test_rows"\} [12]/)
  expect(text).toContain('process_resident_memory_bytes')
})

test('a subscription that is ended twice is one', async () => {
  const { operations, read } = createMetrics()
  const ended = operations.subscribed()
  operations.subscribed()
  ended()
  ended()
  expect((await read()).text).toContain('cadre_graphql_subscriptions_open 1')
})
