import type { ServerResponse } from 'node:http'
import type { AppError, ErrorCode } from '../lib/errors.ts'
import { answerUnread } from './unread-body.ts'

const STATUS: Record<ErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_INPUT: 400,
  CONFLICT: 409,
  LIMIT_EXCEEDED: 429,
  UNAVAILABLE: 503,
  CURSOR_EXPIRED: 410,
}

/** A failure on a door that is not GraphQL, as RFC 9457 writes it. */
export interface Problem {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly retryAfterMs?: number
  readonly issues?: readonly object[]
}

/** How an expected failure is told over HTTP. */
export function problemOf({ code, message, details }: AppError): Problem {
  return {
    status: details.limit === 'SIZE' ? 413 : STATUS[code],
    code,
    title: message,
    ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
    ...(details.issues === undefined
      ? {}
      : { issues: details.issues.map((issue) => ({ field: issue.path.join('.'), ...issue })) }),
  }
}

/** Answers with a problem; for callers that read HTML there is nothing better to say here either. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify({ type: 'about:blank', ...problem })
  const headers = {
    'content-type': 'application/problem+json; charset=utf-8',
    ...(problem.retryAfterMs === undefined || problem.retryAfterMs === 0
      ? {}
      : { 'retry-after': String(Math.ceil(problem.retryAfterMs / 1_000)) }),
  }
  if (!response.req.complete) {
    answerUnread(response.req, response, { status: problem.status, headers, body })
    return
  }
  response.writeHead(problem.status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
