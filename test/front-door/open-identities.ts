import { afterAll, beforeAll, beforeEach } from 'vitest'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type House, openHouse } from '../domains/house.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { runSql } from '../support/sql.ts'
import { signedUp, Visitor } from './browser-visitor.ts'
import { come as comeFrom, urlOf } from './oidc-visits.ts'

/** A Cadre where people sign in at this issuer, set further as told. */
export const houseAt = (issuer: FakeIssuer, env: Readonly<Record<string, string>> = {}): Promise<House> =>
  openHouse({
    log: createLogger({ level: 'error', format: 'json' }),
    env: {
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: 'cadre',
      OIDC_AUDIENCE: 'cadre-api',
      OIDC_NAME: 'Acme',
      ...env,
    },
  })

interface Somebody {
  readonly sub: string
  readonly email: string
  readonly email_verified: boolean
  readonly name: string
}

let people = 0

/**
 * An issuer and a Cadre where people sign in at it, there for all tests of the file, and for each test a person whom nobody
 * has seen yet. `opened`, `house` and `person` are filled before the test.
 */
export function openIdentities() {
  const opened = {} as { issuer: FakeIssuer }
  const house = {} as House
  const person = {} as Somebody
  beforeAll(async () => {
    opened.issuer = await openIssuer({ clientId: 'cadre' })
    Object.assign(house, await houseAt(opened.issuer))
  })
  afterAll(async () => {
    await house.close?.()
    await opened.issuer?.close()
  })
  beforeEach(() => {
    people += 1
    const email = `person-${people}@example.com`
    Object.assign(person, { sub: `sub-${people}`, email, email_verified: true, name: `Ada ${people}` })
  })

  const come = (visitor: Visitor, who: FakeIssuer['person'] = person) => comeFrom(opened.issuer, visitor, who)
  const stranger = (of = house) => new Visitor(urlOf(of))
  /** Signed in to an account with the person's address and a password. */
  const owner = (of = house) => signedUp(urlOf(of), person.email, `Grace ${person.sub}`)
  /** Whoever is signed in has been for an hour. */
  const anHourPasses = (of = house) =>
    runSql(of.ownerUrl, `update session set created_at = created_at - interval '1 hour'`)

  return { opened, house, person, come, stranger, owner, anHourPasses }
}
