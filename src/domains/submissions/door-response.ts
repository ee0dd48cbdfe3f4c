import { STATUS_CODES } from 'node:http'
import { pageHeaders } from '../../platform/http/page-policy.ts'
import type { AppError } from '../../platform/lib/errors.ts'
import type { PublicForm } from '../forms/service.ts'
import { UnreadableRequest } from './door-post.ts'
import { type FormPage, renderFormPage, renderMessagePage } from './form-page.ts'
import { FORM_STYLE } from './page-style.ts'

/** An answer for the HTTP server to send. */
export interface DoorResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const COMMON = { vary: 'accept' } as const

/** The status over HTTP of what is expected to go wrong. */
export function statusOf(err: AppError): number {
  if (err instanceof UnreadableRequest) return err.status
  switch (err.code) {
    case 'INVALID_INPUT':
      return 422
    case 'NOT_FOUND':
      return 404
    case 'CONFLICT':
      return err.details.reason === 'CLOSED' ? 410 : 409
    case 'LIMIT_EXCEEDED':
      return 429
    case 'UNAUTHENTICATED':
      return 401
    case 'FORBIDDEN':
      return 403
    case 'UNAVAILABLE':
      return 503
    case 'CURSOR_EXPIRED':
      return 410
  }
}

function retryAfter(retryAfterMs: number | undefined): Readonly<Record<string, string>> {
  if (retryAfterMs === undefined || retryAfterMs <= 0) return {}
  return { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
}

/** A page of ours. `redirectTarget` is where else its form may lead to: browsers hold the redirect that answers it against the policy as well. */
export function page(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  redirectTarget?: string,
): DoorResponse {
  const policy = pageHeaders({
    styles: [FORM_STYLE.source],
    images: ['data:'],
    formTargets: ["'self'", ...(redirectTarget === undefined ? [] : [redirectTarget])],
    // What it leads to here is told where its reader came from; nobody else is.
    referrer: 'same-origin',
  })
  return { status, headers: { ...COMMON, ...policy, 'content-type': 'text/html; charset=utf-8', ...headers }, body }
}

/** The form as a page, fresh or come back with errors. */
export function formPage(
  status: number,
  form: PublicForm,
  state: Omit<FormPage, 'name' | 'definition' | 'honeypot'>,
  retryAfterMs?: number,
): DoorResponse {
  const { name, definition, limits } = form
  const { redirectUrl } = definition.response
  const target = redirectUrl === undefined ? undefined : new URL(redirectUrl).origin
  const body = renderFormPage({ name, definition, honeypot: limits.honeypot, ...state })
  return page(status, body, retryAfter(retryAfterMs), target)
}

export function closedPage(form: PublicForm): DoorResponse {
  const text =
    form.status === 'ARCHIVED'
      ? 'This form is closed and takes nothing any more.'
      : 'This form takes nothing at the moment. Please come back later.'
  return page(410, renderMessagePage({ title: form.name, text }))
}

const TITLES: Readonly<Record<number, string>> = {
  404: 'There is no such form',
  410: 'This form is closed',
  429: 'Please wait a moment',
  503: 'Not at the moment',
}

/** An error as a page of its own, where no form can be shown. */
export function errorPage(err: AppError): DoorResponse {
  const status = statusOf(err)
  const text =
    status === 404
      ? 'Nothing is to be found at this address. Please check it, or ask whom you have it from.'
      : err.message
  const body = renderMessagePage({ title: TITLES[status] ?? 'That did not work', text })
  return page(status, body, retryAfter(err.details.retryAfterMs))
}

export const json = (status: number, body: object): DoorResponse => ({
  status,
  headers: { ...COMMON, 'content-type': 'application/json; charset=utf-8' },
  body: `${JSON.stringify(body)}\n`,
})

/** An error for programs: RFC 9457, with our code and, for wrong answers, an issue per field. */
export function problem(err: AppError): DoorResponse {
  const status = statusOf(err)
  const { issues, retryAfterMs, reason } = err.details
  const body = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: err.message,
    code: err.code,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(issues === undefined || issues.length === 0
      ? {}
      : { issues: issues.map(({ path, code, message }) => ({ field: path.join('.'), code, message })) }),
  }
  return {
    status,
    headers: { ...COMMON, 'content-type': 'application/problem+json', ...retryAfter(retryAfterMs) },
    body: `${JSON.stringify(body)}\n`,
  }
}

export const redirect = (location: string): DoorResponse => ({
  status: 303,
  headers: { ...COMMON, location },
  body: '',
})

export function notAllowed(allowed: readonly string[]): DoorResponse {
  const body = { type: 'about:blank', title: 'Method Not Allowed', status: 405 }
  const headers = { ...COMMON, 'content-type': 'application/problem+json', allow: allowed.join(', ') }
  return { status: 405, headers, body: `${JSON.stringify(body)}\n` }
}

/** A form as a program needs it: what it asks, and how to send it. */
export function describeForm(form: PublicForm, path: string): object {
  return {
    name: form.name,
    open: form.status === 'ACTIVE',
    version: form.number,
    fields: form.definition.fields.map(({ contactField: _, ...field }) => field),
    submit: {
      method: 'POST',
      path,
      contentTypes: ['application/json', 'application/x-www-form-urlencoded'],
      body: 'An object with a member for each field that is answered, by key: { "email": "ada@example.com" }.',
      idempotency:
        'A UUID of your own in the header Idempotency-Key, or in the member "_id", makes it safe to send again: the ' +
        'same id and answers are stored once and answered with 200 instead of 201.',
    },
  }
}
