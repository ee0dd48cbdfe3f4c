// Visits to an issuer of OpenID Connect and back.

import type { House } from '../domains/house.ts'
import type { FakeIssuer } from '../support/issuer.ts'
import type { Answered, Visitor } from './browser-visitor.ts'

export const ADA = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' }

export const urlOf = (of: House): string => new URL(of.endpoint).origin
export const WHO = '{ viewer { account { email name } workspace { name } } }'

/** Goes to the issuer and signs in there; returns the address that it leads back to. */
export async function away(visitor: Visitor, from = '/sign-in/oidc'): Promise<string> {
  const { status, location = '', body } = await visitor.visit(from)
  if (status !== 303) throw new Error(`${status}: ${body}`)
  return await atIssuer(location)
}

export async function atIssuer(location: string): Promise<string> {
  const answer = await fetch(location, { redirect: 'manual' })
  const back = new URL(answer.headers.get('location') ?? '')
  return `${back.pathname}${back.search}`
}

/** Presses the button on the account's page that connects it; returns the address that the issuer leads back to. */
export async function awayToConnect(visitor: Visitor, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const page = await visitor.submit('/account', fields, { to: '/account/connect' })
  const href = /class="button" href="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&')
  if (href === undefined) throw new Error(`${page.status}: ${page.body}`)
  return await atIssuer(href)
}

export const back = (visitor: Visitor, path: string): Promise<Answered> =>
  visitor.visit(path, { 'sec-fetch-site': 'cross-site' })

export async function come(
  issuer: FakeIssuer,
  visitor: Visitor,
  person: FakeIssuer['person'],
  from?: string,
): Promise<Answered> {
  issuer.person = person
  return await back(visitor, await away(visitor, from))
}

/** Whose account the browser is signed in to. */
export async function emailOf(visitor: Visitor): Promise<string | undefined> {
  const { body } = await visitor.ask(WHO)
  return (body as { data?: { viewer?: { account?: { email?: string } } } }).data?.viewer?.account?.email
}

/** An operation with a bearer token. */
export async function ask(of: House, token: string, headers: Record<string, string> = {}, query = WHO) {
  const response = await fetch(of.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
