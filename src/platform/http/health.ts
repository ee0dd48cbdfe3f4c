import type pg from 'pg'
import { processIdentity } from '../db/process-identity.ts'
import { comesFromHere } from './from-here.ts'
import type { Route } from './router.ts'

/** What must hold for the process to take requests; names a check that does not, and resolves to nothing when all do. */
export type Readiness = () => Promise<string | undefined>

/** Whether the database answers as the role that requests use. */
export const databaseAnswers =
  (pool: pg.Pool, timeoutMs = 2_000): Readiness =>
  async () => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('the database does not answer'), timeoutMs)
    })
    try {
      return await Promise.race([pool.query('select 1').then(() => undefined), late])
    } catch {
      return 'the database cannot be reached'
    } finally {
      clearTimeout(timer)
    }
  }

/**
 * `/health/live`: the process runs (restart it otherwise); somebody on this machine is also told which process it is, so
 * that a second one that wants the port can name the first. `/health/ready`: it can serve; 503 with the reason while it
 * cannot, and from the first moment of a shutdown on, so that a balancer stops sending.
 */
export function healthRoutes(checks: readonly Readiness[], stopping: () => boolean): Route[] {
  const self = { identity: processIdentity(process.pid), startedAt: new Date(performance.timeOrigin).toISOString() }
  return [
    {
      method: 'GET',
      path: '/health/live',
      openapi: healthDoor('Whether the process runs: restart it otherwise.', { 200: 'It does.' }),
      handler: ({ request, response }) =>
        answer(response, 200, comesFromHere(request) ? { status: 'ok', process: self } : { status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/health/ready',
      openapi: healthDoor('Whether it can serve: send nothing to it otherwise.', {
        200: 'It can.',
        503: 'It cannot, for the reasons in `faults`, or it is stopping.',
      }),
      handler: async ({ response }) => {
        if (stopping()) return answer(response, 503, { status: 'stopping' })
        const faults = (await Promise.all(checks.map((check) => check()))).filter((fault) => fault !== undefined)
        return faults.length === 0
          ? answer(response, 200, { status: 'ok' })
          : answer(response, 503, { status: 'not ready', faults })
      },
    },
  ]
}

const STATUS = {
  type: 'object',
  required: ['status'],
  properties: {
    status: { type: 'string', enum: ['ok', 'not ready', 'stopping'] },
    faults: { type: 'array', items: { type: 'string' } },
    process: {
      type: 'object',
      description: 'Which process it is and since when; told on the same machine only.',
      properties: { identity: { type: 'string' }, startedAt: { type: 'string', format: 'date-time' } },
    },
  },
}

const healthDoor = (summary: string, answers: Readonly<Record<number, string>>) => ({
  get: {
    summary,
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, description]) => [
        status,
        { description, content: { 'application/json': { schema: STATUS } } },
      ]),
    ),
  },
})

function answer(response: import('node:http').ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
