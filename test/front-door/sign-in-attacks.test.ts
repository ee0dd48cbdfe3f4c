// What somebody tries with a browser that is signed in, or with one that is about to be.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { type House, openHouse } from '../domains/house.ts'
import { PASSWORD, signedUp, Visitor } from './browser-visitor.ts'

const EVIL = 'https://evil.example'

let house: House
let url: string
let ada: Visitor
let people = 0

beforeAll(async () => {
  house = await openHouse({ env: { CORS_ORIGINS: 'https://app.example.com' } })
  url = new URL(house.endpoint).origin
})
afterAll(() => house.close())
beforeEach(async () => {
  ada = await signedUp(url, `ada-${++people}@example.com`)
})

const WHO = '{ viewer { workspace { name } } }'
const forbidden = { status: 403, body: { errors: [{ extensions: { code: 'FORBIDDEN' } }] } }

describe('a page of another site', () => {
  test.each([
    { 'sec-fetch-site': 'cross-site', origin: EVIL },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' },
    { 'sec-fetch-site': undefined, origin: EVIL },
    { 'sec-fetch-site': undefined, origin: 'null' },
    { 'sec-fetch-site': undefined, origin: 'https://app.example.com' },
    { 'sec-fetch-site': undefined },
  ])('gets nothing by the cookie that the browser sends along (%j)', async (headers) => {
    expect(await ada.ask(WHO, headers)).toMatchObject(forbidden)
  })

  test('is told the same as everybody else when it brings a key of its own beside the cookie', async () => {
    const acme = await house.workspace('Acme')
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' }
    const authorization = `Bearer ${acme.key}`
    const answer = await ada.ask(WHO, { ...headers, authorization })
    expect(answer).toMatchObject({ status: 200, body: { data: { viewer: { workspace: { name: 'Acme' } } } } })
    // A key that is wrong is wrong: the cookie does not stand in for it.
    expect((await ada.ask(WHO, { authorization: `Bearer ${acme.key.slice(0, -1)}!` })).status).toBe(401)
  })

  test('is never told that it may send cookies along', async () => {
    for (const origin of [EVIL, 'https://app.example.com', 'http://localhost:5173']) {
      for (const method of ['OPTIONS', 'POST']) {
        const asked = { origin, 'access-control-request-method': 'POST', 'content-type': 'application/json' }
        const { headers } = await ada.send(method, '/graphql', asked, method === 'POST' ? '{}' : undefined)
        expect(headers['access-control-allow-credentials']).toBeUndefined()
      }
      expect((await ada.visit('/account', { origin })).headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('changes nothing with a form or an address, by what the browser says and by what the form lacks', async () => {
    const secret = ada.session
    const own = await ada.visit('/account')
    const token = /name="_token" value="([^"]+)"/.exec(own.body)?.[1] ?? ''
    const tries = [
      ada.post('/sign-out', { _token: token }, { 'sec-fetch-site': 'cross-site' }),
      ada.post('/sign-out', { _token: token }, { 'sec-fetch-site': undefined, origin: EVIL }),
      ada.post('/sign-out', {}),
      ada.post('/sign-out', { _token: `${token}x` }),
      ada.post('/account/sessions/end-others', {}),
      ada.post('/account/password', { currentPassword: PASSWORD, newPassword: 'another long password' }),
      ada.post('/account/workspaces', { workspaceName: 'Evil' }),
    ]
    for (const tried of tries) expect((await tried).status).toBe(403)
    expect((await ada.send('GET', '/sign-out')).status).toBe(405)
    const search = encodeURIComponent('mutation { logOut(input: {}) { __typename } }')
    expect((await ada.send('GET', `/graphql?query=${search}`, { accept: 'application/json' })).status).toBe(405)
    const form = await ada.post('/graphql', { query: WHO })
    expect(form.status).toBe(415)
    expect(ada.session).toBe(secret)
    expect((await ada.ask(WHO)).status).toBe(200)
  })

  test('signs nobody in as somebody else', async () => {
    const victim = new Visitor(url)
    const attacker = new Visitor(url)
    const { body } = await attacker.visit('/sign-in')
    const token = /name="_token" value="([^"]+)"/.exec(body)?.[1] ?? ''
    await victim.visit('/sign-in')
    const fields = { email: `ada-${people}@example.com`, password: PASSWORD, _token: token }
    const tries = [
      victim.post('/sign-in', fields),
      victim.post('/sign-in', { ...fields, _token: '' }),
      attacker.post('/sign-in', fields, { 'sec-fetch-site': 'cross-site' }),
      new Visitor(url).post('/sign-in', fields),
    ]
    for (const tried of tries) {
      const { status, headers } = await tried
      expect(status).toBe(403)
      expect(String(headers['set-cookie'] ?? '')).not.toContain('cadre_session=cadre_browser')
    }
  })
})

describe('a WebSocket', () => {
  const connect = async (headers: Record<string, string>, payload: object = {}): Promise<unknown> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload }))
    const acknowledged = once(socket, 'message').then(([message]) => JSON.parse(String(message)).type as string)
    const closed = once(socket, 'close').then(([code]) => code as number)
    const first = await Promise.race([acknowledged, closed])
    if (first !== 'connection_ack') return first
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: WHO } }))
    const [message] = (await once(socket, 'message')) as [Buffer]
    socket.close()
    return JSON.parse(String(message))
  }
  const fleet = { payload: { data: { viewer: { workspace: { name: 'Fleet' } } } } }

  test('is a person’s by their cookie from a page of ours, and is closed from another site’s', async () => {
    const cookie = ada.cookieHeader
    expect(await connect({ cookie, origin: url })).toMatchObject(fleet)
    expect(await connect({ cookie, origin: EVIL })).toBe(4403)
    expect(await connect({ cookie, origin: 'https://app.example.com' })).toBe(4403)
    expect(await connect({ cookie, origin: url, 'sec-fetch-site': 'cross-site' })).toBe(4403)
    expect(await connect({ cookie })).toBe(4403)
    expect(await connect({ cookie: 'cadre_session=cadre_browser_made-up', origin: url })).toBe(4401)
  })

  test('from another site speaks for the key that it brings, and not for the cookie', async () => {
    const acme = await house.workspace('Acme')
    const payload = { authorization: `Bearer ${acme.key}` }
    const answer = await connect({ cookie: ada.cookieHeader, origin: 'https://app.example.com' }, payload)
    expect(answer).toMatchObject({ payload: { data: { viewer: { workspace: { name: 'Acme' } } } } })
  })

  test('and a stream of events end within two seconds after the session has', async () => {
    const query = 'subscription { events { type } }'
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { cookie: ada.cookieHeader, origin: url },
    })
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init' }))
    await once(socket, 'message')
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }))
    const closed = once(socket, 'close')
    const stream = await fetch(`${url}/graphql?${new URLSearchParams({ query })}`, {
      headers: { cookie: ada.cookieHeader, accept: 'text/event-stream' },
    })
    const page = await fetch(`${url}/start-page/changes`, { headers: { cookie: ada.cookieHeader } })
    expect([stream.status, page.status]).toEqual([200, 200])
    // Both end, and are not cut: a page would complain to its reader.
    const rest = [stream.text(), page.text()]
    await house.db.systemSql
      .updateTable('session')
      .set({ revokedAt: new Date(), revokedBecause: 'REVOKED' })
      .where('cookieHash', '=', createHash('sha256').update(String(ada.session)).digest('hex'))
      .execute()
    const [code] = (await closed) as [number]
    expect([4401, 4403]).toContain(code)
    const [events] = await Promise.all(rest)
    expect(events).toContain('UNAUTHENTICATED')
    expect((await ada.visit('/start-page/changes')).status).toBe(404)
  })
})

describe('where signing in goes on to', () => {
  test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/%09/evil.example'])(
    'is never %s',
    async (next) => {
      const visitor = new Visitor(url)
      const raw = next.replace('%09', '\t')
      const page = `/sign-in?${new URLSearchParams({ next: raw })}`
      const fields = { email: `ada-${people}@example.com`, password: PASSWORD }
      expect((await visitor.submit(page, { ...fields, next: raw }, { to: '/sign-in' })).location).toBe('/')
    },
  )
})

describe('a secret that was laid under somebody', () => {
  test('is not the one that they are signed in by', async () => {
    const visitor = new Visitor(url)
    const laid = `cadre_browser_${'x'.repeat(43)}`
    visitor.cookies.set('cadre_session', laid)
    const fields = { email: `ada-${people}@example.com`, password: PASSWORD }
    expect((await visitor.submit('/sign-in', fields)).status).toBe(303)
    expect(visitor.session).not.toBe(laid)
    const thief = new Visitor(url)
    thief.cookies.set('cadre_session', laid)
    expect((await thief.ask(WHO)).status).toBe(401)
  })
})
