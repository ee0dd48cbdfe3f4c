import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { connectMailServers } from '../../src/domains/mail/servers.ts'
import { rewrapCredentials } from '../../src/platform/secrets/credentials.ts'
import type { Keyring } from '../../src/platform/secrets/keyring.ts'
import { systemContext } from '../support/context.ts'
import { openDrippingServer } from '../support/mail-server.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { key, means, openMailHouse, PASSWORD, ring, SHOWN } from './mail-house.ts'

const { house, server, log, logged, input, connect, disconnect, shown, send, ask } = openMailHouse()

const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
const unreadable = { code: 'CONFLICT', details: { reason: 'NOT_CONFIGURED' } }

describe('a mail server that is connected', () => {
  test('was signed in to first, is shown without its password, and mail leaves through it', async () => {
    const tenant = await house.workspace('Connects')
    expect(await shown(tenant)).toBeNull()
    expect(await send(tenant)).toBeNull()
    const before = server.signedIn.length
    expect((await connect(tenant)).workspace).toEqual({
      mailServer: {
        host: '127.0.0.1',
        port: server.port,
        security: 'NONE',
        username: 'acme',
        from: 'hello@acme.example',
        connectedAt: expect.any(String),
        lastUsedAt: null,
        lastError: null,
      },
    })
    expect(server.signedIn.length).toBe(before + 1)
    expect(await send(tenant)).toEqual({ messageId: `<k-${tenant.id}@acme.example>`, via: 'SMTP' })
    expect(server.received.at(-1)).toContain('From: Iris <hello@acme.example>')
    expect(await shown(tenant)).toMatchObject({ lastUsedAt: expect.any(String), lastError: null })
  })

  test('is gone with its password when it is disconnected, once, and not when another is meant', async () => {
    const tenant = await house.workspace('Leaves')
    await connect(tenant)
    expect(await disconnect(tenant, 'smtp.other.example')).toMatchObject({ reason: 'STALE_VERSION' })
    expect((await disconnect(tenant, '127.0.0.1')).workspace).toEqual({ mailServer: null })
    const before = await tenant.footprint(WHO)
    expect((await disconnect(tenant)).workspace).toEqual({ mailServer: null })
    expect(await tenant.footprint(WHO)).toBe(before)
    const { rows } = await ask('select 1 from credential where workspace_id = $1', [tenant.id])
    expect(rows).toEqual([])
    expect(await send(tenant)).toBeNull()
  })

  test('is told to who follows it, with what was before, and never with its password', async () => {
    const tenant = await house.workspace('Follows')
    const items = await tenant.follow(
      'subscription { mailServerConnected { event { summary changes { field from to } } } }',
    )
    const next = items.next()
    await connect(tenant, { username: 'acme' })
    const text = JSON.stringify((await next).value)
    expect(text).toContain('Test key connected the mail server 127.0.0.1')
    expect(text).toContain('{"field":"username","from":null,"to":"acme"}')
    expect(text).not.toContain('password')
  })

  test('is not knocked at by a dry run, which says that it would be, and finds what can be found without', async () => {
    const tenant = await house.workspace('Tries')
    const before = server.signedIn.length
    const dry = async (over: Record<string, unknown>) => {
      const query = `mutation($input: ConnectMailServerInput!) {
        connectMailServer(input: $input) @dryRun { __typename ... on ConnectMailServerPayload { ${SHOWN} } } }`
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${tenant.key}` }
      const body = JSON.stringify({ query, variables: { input: { ...input(), ...over } } })
      return (await (await fetch(house.endpoint, { method: 'POST', headers, body })).json()) as Record<string, object>
    }
    const effects = [{ kind: 'SIGN_IN', at: `127.0.0.1:${server.port}` }]
    expect(await dry({ password: 'wrong-tulips' })).toMatchObject({
      data: { connectMailServer: { workspace: { mailServer: { host: '127.0.0.1' } } } },
      extensions: { dryRun: { effects } },
    })
    connectMailServers(means({ keyring: ring() }))
    expect(await dry({})).toMatchObject({ data: { connectMailServer: { __typename: 'ConflictError' } } })
    expect(server.signedIn.length).toBe(before)
    expect(await shown(tenant)).toBeNull()
  })

  test('by ten requests at once with one idempotency key is connected once; another password is another input', async () => {
    const tenant = await house.workspace('Once')
    const insist = async (): Promise<Answer> => {
      for (;;) {
        const made = await connect(tenant, {}, 'once').catch(() => undefined)
        if (made !== undefined) return made
      }
    }
    const made = await Promise.all(Array.from({ length: 10 }, insist))
    expect(new Set(made.map((each) => JSON.stringify(each.workspace))).size).toBe(1)
    const before = server.signedIn.length
    expect(await connect(tenant, { password: 'another' }, 'once')).toMatchObject({ reason: 'IDEMPOTENCY_MISMATCH' })
    expect((await connect(tenant, {}, 'once')).workspace).toEqual(made[0]?.workspace)
    // A repetition is answered from what is stored: nobody signs in for it.
    expect(server.signedIn.length).toBe(before)
  })

  test('that refuses a mail says why, to the employee and to who looks at it, but for what it was told in confidence', async () => {
    const tenant = await house.workspace('Refuses')
    await connect(tenant)
    const refused = await send(tenant, 'nobody@navy.example').catch((err: Error) => err)
    expect(refused).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('there is no nobody@navy.example'),
    })
    expect(String(refused)).not.toContain(PASSWORD)
    expect(await shown(tenant)).toMatchObject({ lastUsedAt: null, lastError: expect.stringContaining('550') })
    await send(tenant)
    expect(await shown(tenant)).toMatchObject({ lastUsedAt: expect.any(String), lastError: null })
  })
})

describe('connecting a mail server is refused', () => {
  const nothingChanges = async (tenant: Tenant, answer: () => Promise<Answer>, expected: object) => {
    const before = await tenant.footprint(WHO)
    expect(await answer()).toEqual(expected)
    expect(await shown(tenant)).toBeNull()
    expect(await tenant.footprint(WHO)).toBe(before)
  }

  test('naming what does not work', async () => {
    const tenant = await house.workspace('Works not')
    const silent = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    for (const [over, expected] of [
      [{ password: 'wrong-tulips' }, issue('username', 'NOT_ALLOWED')],
      [{ security: 'TLS' }, issue('security', 'NOT_ALLOWED')],
      [{ security: 'STARTTLS' }, issue('security', 'NOT_ALLOWED')],
      [{ port }, issue('port', 'NOT_ALLOWED')],
      [{ host: 'there-is-no-such-host.invalid' }, issue('host', 'UNKNOWN_REFERENCE')],
      [{ password: null }, issue('password', 'REQUIRED')],
      [{ username: null }, issue('username', 'REQUIRED')],
      [{ host: 'http://127.0.0.1/' }, issue('host', 'INVALID_FORMAT')],
      [{ port: 65_536 }, issue('port', 'TOO_LARGE')],
      [{ username: 'a\r\nRCPT TO:<eve@evil.example>' }, issue('username', 'INVALID_FORMAT')],
      [{ from: 'nobody' }, issue('from', 'INVALID_FORMAT')],
    ] as const) {
      await nothingChanges(tenant, () => connect(tenant, over), expected)
    }
    await new Promise((resolve) => silent.close(resolve))
    await nothingChanges(tenant, () => connect(tenant, { port }), issue('port', 'NOT_ALLOWED'))
  })

  test('when it answers drop by drop and its time is over, and no line is held open', async () => {
    const tenant = await house.workspace('Drips')
    const dripping = await openDrippingServer()
    for (const security of ['NONE', 'STARTTLS', 'TLS']) {
      // TLS is refused by what the server says, long before the time is over.
      connectMailServers(means(security === 'TLS' ? {} : { deadlineMs: 300 }))
      const field = security === 'TLS' ? 'security' : 'port'
      const refused = issue(field, 'NOT_ALLOWED')
      await nothingChanges(tenant, () => connect(tenant, { port: dripping.port, security }), refused)
    }
    await expect.poll(dripping.open).toBe(0)
    await dripping.close()
  })

  test('in a private network where that is not allowed, and without anybody knocking there', async () => {
    const tenant = await house.workspace('Private')
    const before = server.signedIn.length
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '169.254.169.254']) {
      connectMailServers(means({ allowPrivate: false }))
      await nothingChanges(tenant, () => connect(tenant, { host }), issue('host', 'NOT_ALLOWED'))
    }
    // A name that has led elsewhere when it was connected leads here by now.
    connectMailServers(means())
    await connect(tenant)
    connectMailServers(means({ allowPrivate: false }))
    await expect(send(tenant)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(server.signedIn.length).toBe(before + 1)
  })

  test('with a password over an open line through the world', async () => {
    const tenant = await house.workspace('Open line')
    connectMailServers(means({ resolve: async () => ['93.184.216.34'] }))
    await nothingChanges(tenant, () => connect(tenant, { host: 'smtp.acme.example' }), issue('security', 'NOT_ALLOWED'))
  })

  test('where the server has no key to seal its password with', async () => {
    const tenant = await house.workspace('No key')
    connectMailServers(means({ keyring: ring() }))
    const refused = { __typename: 'ConflictError', reason: 'NOT_CONFIGURED', current: null }
    await nothingChanges(tenant, () => connect(tenant), refused)
    expect(await connect(tenant, { username: null, password: null })).toMatchObject({
      __typename: 'ConnectMailServerPayload',
    })
  })

  test('without WORKSPACE_WRITE, and its server is not even asked', async () => {
    const tenant = await house.workspace('Rights')
    const member = await tenant.member('MEMBER')
    const before = server.signedIn.length
    await nothingChanges(tenant, () => connect(member), { __typename: 'ForbiddenError', needs: 'WORKSPACE_WRITE' })
    expect(server.signedIn.length).toBe(before)
    expect(await tenant.member('VIEWER').then(shown)).toBeNull()
  })
})

describe('the password of a mail server', () => {
  const forms = (text: string) => [
    text,
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ]

  test('stands nowhere: in no row of any table, no line of the log and no answer', async () => {
    const tenant = await house.workspace('Nowhere')
    const answers = [await connect(tenant, {}, 'nowhere'), await connect(tenant, { password: 'wrong-tulips-0815' })]
    answers.push(await connect(tenant))
    await send(tenant)
    await send(tenant, 'nobody@navy.example').catch(() => {})
    await expect.poll(async () => (await ask(`select 1 from event_outbox`)).rowCount).toBe(0)
    const { rows: tables } = await ask<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    )
    expect(tables.map(({ name }) => name)).toContain('public.idempotency_claim')
    for (const secret of [PASSWORD, 'wrong-tulips-0815']) {
      for (const { name } of tables) {
        for (const form of forms(secret)) {
          const { rowCount } = await ask(`select 1 from ${name} t where position($1 in t::text) > 0`, [form])
          expect({ name, form, rowCount }).toEqual({ name, form, rowCount: 0 })
        }
      }
      for (const form of forms(secret)) {
        expect(logged.join('')).not.toContain(form)
        expect(JSON.stringify(answers)).not.toContain(form)
      }
    }
    expect((await ask(`select 1 from public.mail_server where username = 'acme'`)).rowCount).toBeGreaterThan(0)
  })

  test('does not open with a byte changed, in another workspace’s row, or beside another host', async () => {
    const [acme, other] = [await house.workspace('Mine'), await house.workspace('Theirs')]
    await connect(acme)
    await connect(other)
    const sent = server.received.length
    await ask('update mail_server set host = $2 where workspace_id = $1', [acme.id, 'localhost'])
    await expect(send(acme)).rejects.toMatchObject(unreadable)
    await ask('update mail_server set host = $2 where workspace_id = $1', [acme.id, '127.0.0.1'])
    await ask(
      `update credential c set key_id = o.key_id, wrapped_key = o.wrapped_key, sealed = o.sealed from credential o
        where (c.workspace_id = $1 and o.workspace_id = $2) or (c.workspace_id = $2 and o.workspace_id = $1)`,
      [acme.id, other.id],
    )
    for (const each of [acme, other]) await expect(send(each)).rejects.toMatchObject(unreadable)
    expect(await shown(acme)).toMatchObject({ lastError: expect.stringContaining('Connect it anew') })
    await connect(acme)
    await ask('update credential set sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) where workspace_id = $1', [
      acme.id,
    ])
    await expect(send(acme)).rejects.toMatchObject(unreadable)
    expect(server.received.length).toBe(sent)
    for (const each of [acme, other]) {
      await connect(each)
      expect(await send(each)).toMatchObject({ via: 'SMTP' })
    }
  })

  test('does not open with another key of the server: mail is not sent, and the log says why', async () => {
    const tenant = await house.workspace('Wrong key')
    await connect(tenant)
    connectMailServers(means({ keyring: ring(randomBytes(32)) }))
    // It may be told the key in a moment: what waits is sent then.
    await expect(send(tenant)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('SECRET_KEY'),
      details: { retryAfterMs: 60_000 },
    })
    expect(logged.some((line) => line.includes('SECRET_KEY'))).toBe(true)
    connectMailServers(means())
    expect(await send(tenant)).toMatchObject({ via: 'SMTP' })
  })

  test('is sealed by a new key at a start, after which the old one may go; and a start without it says so', async () => {
    const [acme, other] = [await house.workspace('Rotates'), await house.workspace('Rotates too')]
    for (const each of [acme, other]) await connect(each)
    const newKey = randomBytes(32)
    const start = (keyring: Keyring) =>
      rewrapCredentials({ db: house.db, contextOf: (id) => systemContext(house.db, id), keyring, log })
    const { rows } = await ask<{ count: string }>('select count(*) from credential')
    const count = Number(rows[0]?.count)
    // What others have broken meanwhile is told and does not keep the rest.
    await ask('update credential set wrapped_key = $2 where workspace_id = $1', [other.id, Buffer.alloc(61)])
    const both = await Promise.all([start(ring(newKey, key)), start(ring(newKey, key))])
    expect(both.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(count - 1)
    expect(both.map(({ unreadable: broken }) => broken)).toEqual([1, 1])
    connectMailServers(means({ keyring: ring(newKey) }))
    expect(await send(acme)).toMatchObject({ via: 'SMTP' })
    // While some processes have been started anew and some not: OLD,NEW reads what NEW,OLD has sealed, and the other way round.
    const [before, after] = [ring(key, newKey), ring(newKey, key)]
    for (const [seals, reads] of [
      [before, after],
      [after, before],
    ] as const) {
      await start(seals)
      connectMailServers(means({ keyring: reads }))
      expect(await send(acme)).toMatchObject({ via: 'SMTP' })
    }
    await start(after)
    expect(await start(ring(newKey, key))).toEqual({ rewrapped: 0, unreadable: 1 })
    expect(await start(ring(randomBytes(32)))).toEqual({ rewrapped: 0, unreadable: count })
    expect(await start(ring())).toEqual({ rewrapped: 0, unreadable: count })
    expect(logged.at(-1)).toContain('credentials do not open with SECRET_KEY')
  })
})
