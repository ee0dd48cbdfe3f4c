import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { AppError, limitExceeded, notFound } from '../lib/errors.ts'
import { problemOf } from './problem.ts'
import { BodyTooLarge, baseUrlOf, clientAddress, requestIdOf } from './request.ts'
import { createRouter } from './router.ts'

const handler = () => {}

describe('the router', () => {
  const find = createRouter([
    { method: 'GET', path: '/f/{workspace}/{form}', handler },
    { method: 'POST', path: '/f/{workspace}/{form}', handler },
    { method: '*', path: '/graphql', handler },
  ])

  test('finds a route by method and path, and the parts that the pattern names', () => {
    expect(find('POST', '/f/demo/book%20a%20demo')).toMatchObject({
      kind: 'found',
      route: { method: 'POST' },
      params: { workspace: 'demo', form: 'book a demo' },
    })
    expect(find('HEAD', '/f/a/b')).toMatchObject({ kind: 'found', route: { method: 'GET' } })
    expect(find('PATCH', '/graphql')).toMatchObject({ kind: 'found' })
  })

  test('tells a wrong method from a wrong path', () => {
    expect(find('DELETE', '/f/a/b')).toEqual({ kind: 'wrong method', allowed: ['GET', 'POST'] })
    for (const path of ['/', '/f/a', '/f/a/b/c', '/f//b', '/graphql/', '/f/a/%zz']) {
      expect(find('GET', path)).toEqual({ kind: 'nothing' })
    }
  })
})

const request = (headers: Record<string, string>): IncomingMessage =>
  ({
    headers,
    socket: { remoteAddress: '10.0.0.9', localAddress: '::1', localPort: 4000 },
  }) as unknown as IncomingMessage

test('we are called what the caller calls us, unless that is no host', () => {
  for (const host of ['cadre.example:4000', 'localhost', '[::1]:4000', '10.0.0.1']) {
    expect(baseUrlOf(request({ host }))).toBe(`http://${host}`)
  }
  for (const host of ['a/b', 'a@b', 'a b', '"><script>', '', 'a:99999', '[::::]', '999.1.1.1']) {
    expect(baseUrlOf(request({ host }))).toBe('http://[::1]:4000')
  }
})

test('X-Forwarded-For is believed for as many hops as there are proxies of ours', () => {
  const forged = request({ 'x-forwarded-for': '6.6.6.6, 1.2.3.4, 5.6.7.8' })
  expect(clientAddress(forged, 0)).toBe('10.0.0.9')
  expect(clientAddress(forged, 1)).toBe('5.6.7.8')
  expect(clientAddress(forged, 2)).toBe('1.2.3.4')
  expect(clientAddress(forged, 9)).toBe('6.6.6.6')
  expect(clientAddress(request({}), 1)).toBe('10.0.0.9')
})

test('a request keeps its id unless that would do harm in a log', () => {
  expect(requestIdOf(request({ 'x-request-id': 'abc:1.2-3' }), () => 'new')).toBe('abc:1.2-3')
  for (const id of ['', 'two words', 'line\nbreak', 'x'.repeat(129)]) {
    expect(requestIdOf(request({ 'x-request-id': id }), () => 'new')).toBe('new')
  }
})

test('an expected failure has the status that HTTP has for it', () => {
  expect(problemOf(notFound('Form', 'demo/x'))).toEqual({
    status: 404,
    code: 'NOT_FOUND',
    title: 'Form demo/x not found.',
  })
  expect(problemOf(limitExceeded('RATE', 'Slow down.', 1_500))).toMatchObject({ status: 429, retryAfterMs: 1_500 })
  expect(problemOf(new BodyTooLarge(10)).status).toBe(413)
  expect(
    problemOf(
      new AppError('INVALID_INPUT', 'No.', { issues: [{ path: ['a', '0'], code: 'REQUIRED', message: 'No.' }] }),
    ).issues,
  ).toEqual([{ field: 'a.0', path: ['a', '0'], code: 'REQUIRED', message: 'No.' }])
})
