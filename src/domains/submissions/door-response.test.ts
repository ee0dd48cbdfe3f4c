import { describe, expect, test } from 'vitest'
import {
  type AppError,
  conflict,
  cursorExpired,
  forbidden,
  invalidInput,
  limitExceeded,
  notFound,
  unauthenticated,
  unavailable,
} from '../../platform/lib/errors.ts'
import type { PublicForm } from '../forms/service.ts'
import { UnreadableRequest } from './door-post.ts'
import { closedPage, errorPage, notAllowed, problem, statusOf } from './door-response.ts'

const issue = { path: ['email'], code: 'REQUIRED', message: 'It is needed.' } as const
const bodyOf = (err: AppError) => JSON.parse(problem(err).body) as Record<string, unknown>

test.each<[number, AppError]>([
  [400, new UnreadableRequest(400, 'This is no JSON.')],
  [415, new UnreadableRequest(415, 'Send JSON.')],
  [401, unauthenticated()],
  [403, forbidden('FORMS_READ')],
  [404, notFound('Form')],
  [409, conflict('DUPLICATE', 'It came before.')],
  [410, conflict('CLOSED', 'It is closed.')],
  [410, cursorExpired('c1')],
  [422, invalidInput([issue])],
  [429, limitExceeded('RATE', 'Too many.', 1)],
  [503, unavailable('Not now.')],
])('the door answers %i to %s', (status, err) => {
  expect(statusOf(err)).toBe(status)
  expect(bodyOf(err).status).toBe(status)
})

describe('a refusal for programs', () => {
  test('says which field is wrong, and nothing of issues where there are none', () => {
    expect(bodyOf(invalidInput([{ ...issue, path: ['address', 'city'] }]))).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ field: 'address.city', code: 'REQUIRED', message: 'It is needed.' }],
    })
    expect(bodyOf(new UnreadableRequest(400, 'This is no JSON.'))).not.toHaveProperty('issues')
  })

  test('says when to come again, in whole seconds and never too early', () => {
    const { headers, body } = problem(limitExceeded('RATE', 'Too many.', 1_001))
    expect([headers['retry-after'], JSON.parse(body).retryAfterMs]).toEqual(['2', 1_001])
    expect(problem(limitExceeded('RATE', 'Too many.', 0)).headers).not.toHaveProperty('retry-after')
    expect(problem(notFound('Form')).headers).not.toHaveProperty('retry-after')
  })

  test('of a method names those that there are', () => {
    expect(notAllowed(['GET', 'POST'])).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
  })
})

describe('a refusal for people', () => {
  test('does not say what is not there', () => {
    const { status, body } = errorPage(notFound('Form', 'book-a-demo'))
    expect([status, body.includes('book-a-demo')]).toEqual([404, false])
    expect(body).toContain('There is no such form')
  })

  test('says what happened in a title and a sentence, and when to come again', () => {
    const busy = errorPage(unavailable('One moment, please.', 3_000))
    expect([busy.headers['retry-after'], busy.body]).toEqual(['3', expect.stringContaining('Not at the moment')])
    expect(busy.body).toContain('One moment, please.')
    expect(errorPage(forbidden('FORMS_READ')).body).toContain('That did not work')
  })

  test.each([
    ['ARCHIVED', 'takes nothing any more'],
    ['PAUSED', 'Please come back later'],
  ])('of a form that is %s says for how long', (status, words) => {
    const { status: code, body } = closedPage({ name: 'Book', status } as PublicForm)
    expect([code, body]).toEqual([410, expect.stringContaining(words)])
  })
})
