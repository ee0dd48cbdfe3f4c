import type { HttpServer } from '../http/server.ts'
import { openHttpServer } from '../http/server.ts'
import { StartFault } from '../lib/start-fault.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { metricsRoute } from './metrics-door.ts'

export interface MetricsServer {
  readonly metrics: Metrics
  readonly host: string
  readonly port: number
  /** Asked for where there is one; without it, whoever reaches the port may read. */
  readonly token: string | undefined
  readonly log: Logger
}

/** A port that answers `/metrics` and nothing else. Throws a StartFault when it is taken. */
export async function openMetricsServer({ metrics, host, port, token, log }: MetricsServer): Promise<HttpServer> {
  const route = metricsRoute({ metrics, token, isOpenTo: () => token === undefined })
  try {
    const server = await openHttpServer({ routes: [route], log, host, port, maxBodyBytes: 1_024, trustProxy: 0 })
    log.info({ url: `${server.url}/metrics` }, 'metrics')
    return server
  } catch (err) {
    if ((err as { code?: unknown }).code !== 'EADDRINUSE') throw err
    throw new StartFault(`METRICS_PORT: port ${port} is taken.`, 'Choose another one, or leave it out.', err)
  }
}
