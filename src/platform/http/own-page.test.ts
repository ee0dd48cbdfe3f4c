import { describe, expect, test } from 'vitest'
import { comesFromOwnPage, foreignOrigin } from './own-page.ts'
import { ownPath } from './own-path.ts'

const HERE = 'https://cadre.example.com'
const ours = (method: string, headers: Record<string, string>, publicUrl: string | undefined = HERE) =>
  comesFromOwnPage({ method, headers: { host: 'cadre.example.com', ...headers } }, publicUrl)

describe('a request with a cookie', () => {
  test('that may change something must be said to come from a page of ours', () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect(ours(method, { 'sec-fetch-site': 'same-origin' })).toBe(true)
      expect(ours(method, { origin: HERE })).toBe(true)
      expect(ours(method, {})).toBe(false)
      for (const site of ['cross-site', 'same-site', 'none', '', 'nonsense']) {
        expect(ours(method, { 'sec-fetch-site': site, origin: HERE })).toBe(false)
      }
      const others = [
        'null',
        'https://evil.example',
        'http://cadre.example.com',
        `${HERE}.evil.example`,
        `${HERE}:8443`,
      ]
      for (const origin of others) expect(ours(method, { origin })).toBe(false)
    }
  })

  test('that changes nothing may also be a person’s own doing', () => {
    for (const method of ['GET', 'HEAD']) {
      expect(ours(method, {})).toBe(true)
      expect(ours(method, { 'sec-fetch-site': 'none' })).toBe(true)
      expect(ours(method, { 'sec-fetch-site': 'same-origin' })).toBe(true)
      expect(ours(method, { 'sec-fetch-site': 'cross-site' })).toBe(false)
      expect(ours(method, { 'sec-fetch-site': 'same-site' })).toBe(false)
      expect(ours(method, { origin: 'https://evil.example' })).toBe(false)
    }
  })

  test('that opens a WebSocket must come from a page of ours, though its method is GET', () => {
    const upgrade = { upgrade: 'websocket' }
    expect(ours('GET', { ...upgrade, origin: HERE })).toBe(true)
    expect(ours('GET', { ...upgrade, origin: 'https://evil.example' })).toBe(false)
    expect(ours('GET', { ...upgrade, 'sec-fetch-site': 'none' })).toBe(false)
    expect(ours('GET', upgrade)).toBe(false)
  })

  test('is held against the address that was called, where the server was not told its own', () => {
    const host = 'localhost:4000'
    const called = (origin: string) => comesFromOwnPage({ method: 'POST', headers: { host, origin } }, undefined)
    expect(called('http://localhost:4000')).toBe(true)
    expect(called('https://localhost:4000')).toBe(true)
    expect(called('http://localhost:5173')).toBe(false)
    expect(called('http://localhost')).toBe(false)
    expect(comesFromOwnPage({ method: 'POST', headers: { origin: 'http://undefined' } }, undefined)).toBe(false)
  })
})

describe('where a link may lead on to', () => {
  test.each(['/', '/graphql?query=%7Ba%7D#x', '/f/demo/book-a-demo', '/account', '/a//b'])('%s is ours', (path) => {
    expect(ownPath(path)).toBe(path)
  })

  test.each([
    null,
    undefined,
    '',
    'graphql',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    '/ /evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'https://evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    '/a\r\nset-cookie: a=b',
    '/ä',
    `/${'a'.repeat(2_000)}`,
  ])('%j is not', (path) => {
    expect(ownPath(path)).toBeUndefined()
  })
})

test('the origin of a page is told where it is none of ours, and of programs nothing', () => {
  const of = (headers: Record<string, string>) =>
    foreignOrigin({ method: 'POST', headers: { host: 'cadre.example.com', ...headers } }, HERE)
  expect(of({ origin: HERE })).toBeUndefined()
  expect(of({ origin: HERE, 'sec-fetch-site': 'same-origin' })).toBeUndefined()
  expect(of({})).toBeUndefined()
  for (const origin of ['https://www.acme.example', 'null', `${HERE}:8443`]) expect(of({ origin })).toBe(origin)
  expect(of({ origin: 'https://www.acme.example', 'sec-fetch-site': 'cross-site' })).toBe('https://www.acme.example')
})
