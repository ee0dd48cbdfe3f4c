// Everything that carries a secret goes through a running server that logs all it can; then none of them is found in what
// it has written: not as it was sent, nor in another spelling.

import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { openHouse } from '../front-door/house.ts'
import { formUrlOf, goodLead, post } from '../front-door/visitor.ts'
import { runProgram } from '../support/program.ts'
import { runSql } from '../support/sql.ts'

const SMTP_PASSWORD = 'smtp-S3cret-pass'
const MODEL_KEY = 'sk-ant-api03-S3cretModelKey0123456789'
const METRICS_TOKEN = 'metrics-S3cret-token'

const house = openHouse({
  LOG_LEVEL: 'debug',
  SMTP_URL: `smtp://mailer:${SMTP_PASSWORD}@127.0.0.1:9/`,
  ANTHROPIC_API_KEY: MODEL_KEY,
  // Nobody listens: each call of the model fails, with its request at hand.
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
  METRICS_TOKEN,
})

let count = 0
const secrets: string[] = []
/** A secret of a new kind, to be looked for at the end. */
const secret = (): string => {
  const made = `S3cret-${++count}-${Math.random().toString(36).slice(2)}`
  secrets.push(made)
  return made
}
const wrongKey = (): string => {
  const made = `cadre_live_${'S3cretKey'.padEnd(30, 'x')}${10 + ++count}`
  secrets.push(made)
  return made
}

const graphql = (query: string, variables: object = {}, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${house.server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${house.server.key}`, ...headers },
    body: JSON.stringify({ query, variables }),
  })

const CREATE = 'mutation ($input: CreateContactInput!) { createContact(input: $input) { __typename } }'

async function sendCredentials(): Promise<void> {
  const { url } = house.server
  for (const authorization of [`Bearer ${wrongKey()}`, `Basic ${secret()}`, `Bearer ${secret()}`, wrongKey()]) {
    await graphql('{ __typename }', {}, { authorization })
    await fetch(`${url}/metrics`, { headers: { authorization } })
  }
  await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
  await graphql(
    '{ __typename }',
    {},
    { cookie: `session=${secret()}`, 'proxy-authorization': secret(), 'x-api-key': secret() },
  )
  await fetch(`${url}/graphql?query=${encodeURIComponent(`{ deal(id: "${secret()}") { id } }`)}&token=${secret()}`)
  await fetch(`${url}/nowhere?token=${secret()}`, { headers: { origin: `https://${secret()}:x@evil.example` } })
}

async function speakNoHttp(): Promise<void> {
  for (const head of ['GET / HTTP/9.9', 'GET /graphql HTTP/1.1\r\nBad Header: x']) {
    const socket = connect(house.server.port, '127.0.0.1')
    socket.end(`${head}\r\nAuthorization: Bearer ${wrongKey()}\r\nCookie: a=${secret()}\r\n\r\n`)
    await once(socket.resume(), 'close')
  }
}

async function openSockets(): Promise<void> {
  const inits = [
    { authorization: `Bearer ${house.server.key}` },
    { authorization: `Bearer ${wrongKey()}` },
    { authorization: secret(), password: secret() },
  ].map((payload) => JSON.stringify({ type: 'connection_init', payload }))
  for (const message of [...inits, `{"type":"connection_init","payload":{"authorization":"Bearer ${wrongKey()}"`]) {
    const socket = new WebSocket(`${house.server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    const heard = Promise.race([once(socket, 'message'), once(socket, 'close')])
    socket.send(message)
    await heard
    socket.terminate()
  }
}

async function sendSecretsInOperations(): Promise<void> {
  const name = secret()
  await graphql(CREATE, { input: { name, externalReference: name } })
  // The same once more is refused by an index, whose detail has the value.
  await graphql(CREATE, { input: { name, externalReference: name } })
  await graphql(CREATE, { input: { password: secret() } })
  await graphql(`mutation { createContact(input: { name: "${secret()}" }) { __typename } }`)
  await graphql(`mutation { createContact(input: { name: "${secret()}", token: 7 }) { __typename } }`)
  await graphql(`mutation { createContact(input: { name: "${secret()} }) { __typename } }`)
  await graphql('{ __typename }', { [secret()]: secret() })
}

/** A fault of ours, whose PostgreSQL error repeats the whole row. */
async function failInTheDatabase(): Promise<void> {
  const { url } = house.database
  await runSql(
    url,
    `create function refuse() returns trigger language plpgsql as $$ begin
       raise exception 'a fault of the database' using errcode = 'XX000', detail = format('Failing row contains %s.', new),
         hint = new.name; end $$;
     create trigger refuse before insert on contact for each row execute function refuse()`,
  )
  const answer = await graphql(CREATE, { input: { name: secret(), externalReference: secret() } })
  expect(await answer.text()).toContain('INTERNAL')
  await post(formUrlOf(house.server), goodLead(`${secret()}@nimbus.example`))
  await runSql(url, 'drop trigger refuse on contact')
}

/** A link that carries a secret in its path, and a fault on the way. */
async function followLinkThatFails(): Promise<void> {
  const token = `cadre_invite_${'S3cretInvite'.padEnd(43, 'x')}`
  secrets.push(token)
  await runSql(house.database.url, 'alter table invite rename to invite_away')
  const answer = await fetch(`${house.server.url}/invite/${token}`)
  await runSql(house.database.url, 'alter table invite_away rename to invite')
  expect(answer.status).toBe(500)
}

async function useTheForm(): Promise<void> {
  const page = await (await fetch(formUrlOf(house.server), { headers: { accept: 'text/html' } })).text()
  const token = /name="_token"[^>]*value="([^"]+)"/.exec(page)?.[1] ?? ''
  expect(token).not.toBe('')
  secrets.push(token)
  for (const given of [token, secret()]) {
    const body = new URLSearchParams({ _token: given, email: `${secret()}@nimbus.example`, name: secret() })
    await fetch(formUrlOf(house.server), { method: 'POST', body, redirect: 'manual' })
  }
  await fetch(formUrlOf(house.server), {
    method: 'POST',
    body: `{"_token":"${secret()}"`,
    headers: { 'content-type': 'application/json' },
  })
}

/** As it is, and as Base64, in an address, and byte by byte as JSON writes a buffer. */
const spellingsOf = (text: string): string[] => [
  text,
  encodeURIComponent(text),
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  [...Buffer.from(text)].join(','),
]

test('no secret that the server was told, or sent, stands in anything that it writes', async () => {
  const { server, database } = house
  secrets.push(SMTP_PASSWORD, MODEL_KEY, METRICS_TOKEN, server.key, new URL(database.url).password)
  await sendCredentials()
  await speakNoHttp()
  await openSockets()
  await sendSecretsInOperations()
  await failInTheDatabase()
  await followLinkThatFails()
  await useTheForm()
  // The lead's run asks the model, which is not there, and that is told.
  await expect.poll(() => server.output).toMatch(/"msg":"a run |model/)
  expect(await server.stop()).toBe(0)
  for (const said of ['a request failed', 'a connection did not speak HTTP', 'a fault of the database', 'DBOS']) {
    expect(server.output).toContain(said)
  }
  const found = secrets.filter((each) => spellingsOf(each).some((text) => server.output.includes(text)))
  expect(found).toEqual([])
  expect(secrets.length).toBeGreaterThan(30)
})

test('a server that cannot start says so without the secrets of its settings', async () => {
  const password = secret()
  const given = new URL(house.database.url)
  given.password = password
  given.port = '9'
  for (const DATABASE_URL of [given.href, `postgres://me:${password}@[::1/x`]) {
    const settings = {
      DATABASE_URL,
      LOG_LEVEL: 'debug',
      SMTP_URL: `smtp://a:${password}@[`,
      METRICS_TOKEN: password.slice(0, 9),
    }
    for (const more of [{}, { SMTP_URL: '', METRICS_TOKEN: '' }]) {
      const { exitCode, stdout, stderr } = await runProgram(['server'], { ...settings, ...more })
      expect(exitCode).not.toBe(0)
      expect(stdout + stderr).not.toContain(password)
    }
  }
})
