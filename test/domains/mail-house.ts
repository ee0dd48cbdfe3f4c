import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { sendByOwnServer } from '../../src/domains/mail/server-mail.ts'
import { connectMailServers, type MailServerMeans } from '../../src/domains/mail/servers.ts'
import { createKeyring, type Keyring } from '../../src/platform/secrets/keyring.ts'
import { systemContext } from '../support/context.ts'
import { type MailServer, openMailServer } from '../support/mail-server.ts'
import { ownerOf } from '../support/owner.ts'
import { type Answer, type House, openHouse, type Tenant } from './house.ts'

export const PASSWORD = 'tulips-at-dawn-4711'
export const SHOWN = 'workspace { mailServer { host port security username from connectedAt lastUsedAt lastError } }'

/** A server's keys, of which the first seals. */
export const ring = (...keys: Buffer[]): Keyring =>
  createKeyring({ keys, file: join(tmpdir(), 'there-is-no-such-file'), mayMake: false })

/** The key of the server unless a test says otherwise. */
export const key = randomBytes(32)

export const means = (over: Partial<MailServerMeans> = {}): MailServerMeans => ({
  keyring: ring(key),
  allowPrivate: true,
  defaultFrom: 'cadre@localhost',
  ...over,
})

const mail = (to: string) => ({
  from: { name: 'Iris', address: null },
  to: { name: 'Grace', address: to },
  subject: 'Hello',
  body: 'Hello Grace',
})

/** A house and a mail server for its workspaces, there for all tests of the file, and what one asks of them. */
export function openMailHouse() {
  const house = {} as House
  const server = {} as MailServer
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) })
  beforeAll(async () => {
    Object.assign(house, await openHouse({ log }))
    Object.assign(server, await openMailServer(PASSWORD))
  })
  afterAll(async () => {
    await server.close?.()
    await house.close?.()
  })
  beforeEach(() => connectMailServers(means()))
  afterEach(() => connectMailServers(means()))

  const input = () => ({
    host: '127.0.0.1',
    port: server.port,
    security: 'NONE',
    username: 'acme',
    password: PASSWORD,
    from: 'hello@acme.example',
  })
  const connect = (as: Tenant, over: Record<string, unknown> = {}, idempotencyKey?: string): Promise<Answer> =>
    as.mutate('connectMailServer', { ...input(), ...over }, SHOWN, idempotencyKey)
  const disconnect = (as: Tenant, ifHost?: string) => as.mutate('disconnectMailServer', { ifHost }, SHOWN)
  const shown = async (as: Tenant) => {
    const { viewer } = await as.query(`{ viewer { ${SHOWN} } }`)
    return (viewer as { workspace: { mailServer: Record<string, unknown> | null } }).workspace.mailServer
  }
  /** Sends a mail as an employee's would go. */
  const send = (as: Tenant, to = 'grace@navy.example') =>
    sendByOwnServer({ ...systemContext(house.db, as.id), log }, mail(to), `k-${as.id}`)
  /** As the database's owner, past row-level security. */
  const ask = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
    ownerOf(house.ownerUrl).query<Row>(text, values)

  return { house, server, log, logged, input, connect, disconnect, shown, send, ask }
}
