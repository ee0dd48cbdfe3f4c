import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { comesFromHere, comesFromPageHere, usesOwnName } from './from-here.ts'

type Headers = Readonly<Record<string, string>>
const HERE: Headers = { host: 'localhost:4000' }
const asking = (headers: Headers, remoteAddress: string | undefined = '127.0.0.1', localPort = 4000) =>
  ({ headers, socket: { remoteAddress, localPort } }) as unknown as IncomingMessage

describe('who sits at this machine', () => {
  test.each([
    ['a program that calls the loopback name', HERE],
    ['a person who typed the address', { ...HERE, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['a link of our own', { ...HERE, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' }],
  ])('is let in: %s', (_who, headers: Headers) => {
    expect(comesFromHere(asking(headers))).toBe(true)
  })

  test.each([
    ['127.0.0.1:4000', '::ffff:127.0.0.1'],
    ['[::1]:4000', '::1'],
    ['LOCALHOST:4000', '127.0.0.53'],
  ])('may call this machine %s and come from %s', (host, address) => {
    expect(comesFromHere(asking({ host }, address))).toBe(true)
  })

  test.each([
    ['comes from another machine', HERE, '10.0.0.9'],
    ['has gone before its address was read', HERE, ''],
    ['calls us by a name that somebody else owns', { host: 'cadre.evil.example:4000' }, '127.0.0.1'],
    ['calls us by another port', { host: 'localhost:4001' }, '127.0.0.1'],
    ['calls us without a name', {}, '127.0.0.1'],
    ['comes through a proxy', { ...HERE, 'x-forwarded-for': '10.0.0.9' }, '127.0.0.1'],
    ['comes through one that speaks RFC 7239', { ...HERE, forwarded: 'for=10.0.0.9' }, '127.0.0.1'],
    ['was sent by a page of another site', { ...HERE, 'sec-fetch-site': 'cross-site' }, '127.0.0.1'],
    ['is a script', { ...HERE, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, '127.0.0.1'],
  ] as [string, Headers, string][])('is nobody who %s', (_what, headers, address) => {
    expect(comesFromHere(asking(headers, address))).toBe(false)
  })
})

describe('a script of a page that was opened here', () => {
  test('may ask, with or without saying where it comes from', () => {
    expect(comesFromPageHere(asking(HERE))).toBe(true)
    expect(
      comesFromPageHere(asking({ ...HERE, 'sec-fetch-site': 'same-origin', origin: 'http://localhost:4000' })),
    ).toBe(true)
  })

  test.each([
    ['another site', { ...HERE, 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { ...HERE, 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' }],
    ['another origin, by a browser that says no more', { ...HERE, origin: 'http://localhost:5173' }],
    ['a name that somebody else owns', { host: 'cadre.evil.example:4000' }],
  ] as [string, Headers][])('may not when it is of %s', (_whose, headers) => {
    expect(comesFromPageHere(asking(headers))).toBe(false)
  })
})

test('a name without a port means port 80', () => {
  expect(usesOwnName(asking({ host: 'localhost' }, '127.0.0.1', 80))).toBe(true)
  expect(usesOwnName(asking({ host: 'localhost' }))).toBe(false)
})
