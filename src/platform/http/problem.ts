import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AppError, ErrorCode } from '../lib/errors.ts'
import { html } from '../lib/html.ts'
import { pageStyle, renderPage } from './page.ts'
import { pageHeaders } from './page-policy.ts'
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

/** Answers with a problem: as JSON, or as a page for a browser that went to the address. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const { req: request } = response
  const { headers: own, body } = wantsPage(request) ? problemPage(problem, request.url) : problemJson(problem)
  response.appendHeader('vary', 'accept')
  const headers = {
    ...own,
    ...(problem.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfterMs / 1_000)) }),
  }
  if (!request.complete) {
    answerUnread(request, response, { status: problem.status, headers, body })
    return
  }
  response.writeHead(problem.status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const wantsPage = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true

interface Written {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const problemJson = (problem: Problem): Written => ({
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  body: JSON.stringify({ type: 'about:blank', ...problem }),
})

const STYLE = pageStyle()

const problemPage = ({ status, title }: Problem, path: string | undefined): Written => ({
  headers: {
    ...pageHeaders({ styles: [STYLE.source], images: ['data:'] }),
    'content-type': 'text/html; charset=utf-8',
  },
  body: renderPage({
    title: STATUS_CODES[status] ?? 'Error',
    style: STYLE,
    body: html`<main><div class="card"><h1>${STATUS_CODES[status] ?? 'Error'}</h1>
<p>${title}</p>${
      path !== '/' &&
      html`
<a href="/">To the start page</a>`
    }</div></main>`,
  }),
})
