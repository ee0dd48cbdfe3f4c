import pino from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpServer } from '../http/server.ts'
import { openHttpServer } from '../http/server.ts'
import { createMetrics } from './metrics.ts'
import { type MetricsDoor, metricsRoute } from './metrics-door.ts'
import { openMetricsServer } from './metrics-server.ts'

const log = pino({ level: 'silent' })
const metrics = createMetrics()
metrics.state('cadre_test', 'For this test.', [], () => [{ value: 7 }])

let server: HttpServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function ask(door: Partial<MetricsDoor>, authorization?: string): Promise<Response> {
  const routes = [metricsRoute({ metrics, token: undefined, isOpenTo: () => false, ...door })]
  server = await openHttpServer({ routes, log, host: '127.0.0.1', port: 0, maxBodyBytes: 1_024, trustProxy: 0 })
  const headers = { connection: 'close', ...(authorization === undefined ? {} : { authorization }) }
  return await fetch(`${server.url}/metrics`, { headers })
}

describe('the door of the metrics', () => {
  test('opens to who needs no credential, and says nothing that may be kept', async () => {
    const answer = await ask({ isOpenTo: () => true })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(await answer.text()).toContain('cadre_test 7')
  })

  test('is not there for anybody else where no credential would open it', async () => {
    const answer = await ask({}, 'Bearer guess')
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([404, null])
    expect(await answer.text()).not.toContain('cadre_test')
  })

  test('opens to its credential', async () => {
    expect((await ask({ token: 'secret' }, 'bearer  secret ')).status).toBe(200)
  })

  test('opens to who needs none, credential or not', async () => {
    expect((await ask({ token: 'secret', isOpenTo: () => true })).status).toBe(200)
  })

  test.each([undefined, 'Bearer', 'Bearer secre', 'Bearer secret2', 'Bearer SECRET', 'Basic secret', 'secret'])(
    'asks for the credential where it is given %s',
    async (authorization) => {
      const answer = await ask({ token: 'secret' }, authorization)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(await answer.text()).not.toContain('cadre_test')
    },
  )
})

describe('a port of their own', () => {
  const open = (port: number, token?: string) => openMetricsServer({ metrics, host: '127.0.0.1', port, token, log })

  test('answers whoever reaches it, and nothing but them', async () => {
    server = await open(0)
    expect((await fetch(`${server.url}/metrics`)).status).toBe(200)
    expect((await fetch(`${server.url}/graphql`)).status).toBe(404)
  })

  test('asks for the credential where there is one', async () => {
    server = await open(0, 'secret')
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
  })

  test('that is taken is told as what it is, with the setting that helps', async () => {
    server = await open(0)
    const { port } = new URL(server.url)
    await expect(open(Number(port))).rejects.toMatchObject({
      message: `METRICS_PORT: port ${port} is taken.`,
      hint: 'Choose another one, or leave it out.',
    })
  })

  test('that cannot be opened for another reason keeps its fault', async () => {
    await expect(
      openMetricsServer({ metrics, host: '192.0.2.1', port: 0, token: undefined, log }),
    ).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    })
  })
})
