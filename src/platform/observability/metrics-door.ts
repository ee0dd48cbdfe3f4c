import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { problemAnswer } from '../http/openapi.ts'
import { sendProblem } from '../http/problem.ts'
import type { Route } from '../http/router.ts'
import type { Metrics } from './metrics.ts'

export interface MetricsDoor {
  readonly metrics: Metrics
  /** The credential that opens it: `Authorization: Bearer TOKEN`. */
  readonly token: string | undefined
  /** Who needs none. */
  readonly isOpenTo: (request: IncomingMessage) => boolean
}

/** `/metrics` for Prometheus. To who may not read it there is nothing there, unless a credential would open it. */
export function metricsRoute({ metrics, token, isOpenTo }: MetricsDoor): Route {
  return {
    method: 'GET',
    path: '/metrics',
    openapi: {
      get: {
        summary: 'What this process counts and measures, for Prometheus.',
        responses: {
          200: { description: 'The text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
          401: problemAnswer('The credential is missing or wrong.'),
          404: problemAnswer('It is not open to the caller.'),
        },
      },
    },
    handler: async ({ request, response }) => {
      const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
      const isProtected = token !== undefined
      const mayRead = (isProtected && given !== undefined && isSame(given, token)) || isOpenTo(request)
      if (!mayRead) {
        if (!isProtected) {
          return sendProblem(response, { status: 404, code: 'NOT_FOUND', title: 'There is nothing at /metrics.' })
        }
        response.setHeader('www-authenticate', 'Bearer')
        return sendProblem(response, { status: 401, code: 'UNAUTHENTICATED', title: 'The metrics need their token.' })
      }
      const { type, text } = await metrics.read()
      response.writeHead(200, {
        'content-type': type,
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-store',
      })
      response.end(text)
    },
  }
}

/** Compared as digests: of one length, and in the same time wherever they differ. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
