import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { clearCookie, cookiePlaceOf, readCookie, setCookie } from './cookies.ts'

const plain = cookiePlaceOf('http://localhost:4000')
const secure = cookiePlaceOf('https://cadre.example.com')

test('a cookie is found among others by its whole name', () => {
  const read = (cookie: string | undefined, place = plain) =>
    readCookie({ headers: cookie === undefined ? {} : { cookie } }, 'cadre_session', place)
  expect(read('a=b; cadre_session=secret; c=d')).toBe('secret')
  expect(read('cadre_session=a=b')).toBe('a=b')
  for (const other of [
    undefined,
    '',
    ';',
    '=',
    'cadre_session',
    'xcadre_session=1',
    'a=cadre_session=1',
    '__Host-cadre_session=1',
  ]) {
    expect(read(other)).toBeUndefined()
  }
  expect(read('cadre_session=forged; __Host-cadre_session=real', secure)).toBe('real')
  expect(read('cadre_session=forged', secure)).toBeUndefined()
})

test('a cookie is set so that no script reads it, and over https so that nobody else sets it', () => {
  const written: string[] = []
  const response = { appendHeader: (_name: string, value: string) => written.push(value) } as unknown as ServerResponse
  setCookie(response, 'cadre_session', 'secret', { ...secure, maxAgeS: 60 })
  setCookie(response, 'cadre_session', 'secret', plain)
  clearCookie(response, 'cadre_session', plain)
  expect(written).toEqual([
    '__Host-cadre_session=secret; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure',
    'cadre_session=secret; Path=/; HttpOnly; SameSite=Lax',
    'cadre_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
  ])
})
