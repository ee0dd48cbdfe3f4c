import fc from 'fast-check'
import { isEnumType } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'
import { queries } from '../every-operation/operations.ts'
import { ask, holds, openHouse } from './house.ts'
import { openSocket } from './socket.ts'
import { anyCursor, anyJson, anyText } from './wild-values.ts'

const house = openHouse()

/** Every list with every order that it can be asked in. */
const ordered = queries.flatMap(({ name, field }) => {
  const type = String(field.args.find((arg) => arg.name === 'orderBy')?.type).replace(/\W/g, '')
  const fields = schema.getType(`${type}Field`)
  if (!isEnumType(fields)) return []
  return fields.getValues().map((value) => ({ name, type, orderBy: [{ field: value.name, direction: 'DESC' }] }))
})

/** A paging cursor that the server gave out, with other values in it. */
const forged = (cursor: string): fc.Arbitrary<string> => {
  const [digest, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
  const other = fc.oneof(
    anyJson,
    anyText,
    fc.constantFrom('infinity', '-infinity', 'now', '-4714-01-01', '294277-01-01'),
  )
  return fc
    .tuple(...values.map((value) => fc.oneof(fc.constant(value), other)))
    .map((others) => Buffer.from(JSON.stringify([digest, ...others])).toString('base64url'))
}

test('no paging cursor makes a fault, not even one whose values were exchanged', async () => {
  expect(ordered.length).toBeGreaterThan(15)
  const untried: string[] = []
  for (const { name, type, orderBy } of ordered) {
    const page = async (cursor?: string, at = 'after'): Promise<string> => {
      const args = `${at}: $cursor, ${at === 'after' ? 'first' : 'last'}: 2, orderBy: $orderBy`
      const query = `query ($cursor: String, $orderBy: [${type}!]) { ${name}(${args}) { pageInfo { endCursor } } }`
      return (await ask(house, { query, variables: { cursor, orderBy } })).text
    }
    const given = /"endCursor":"([^"]+)"/.exec(await page())?.[1]
    if (given === undefined) untried.push(name)
    else {
      await holds(fc.tuple(forged(given), fc.constantFrom('after', 'before')), 8, async ([cursor, at]) => {
        expect(await page(cursor, at)).toMatch(/"data":|"INVALID_INPUT"/)
      })
    }
  }
  expect(untried).toEqual([])
})

const after = fc.oneof(anyCursor, anyJson)

test('no place in the log makes a fault, wherever it is sent', async () => {
  const query = 'query ($after: Cursor) { events(after: $after, first: 1) { pageInfo { endCursor } } }'
  const check = 'query ($head: String) { verifyAuditLog(after: $head) { __typename } }'
  await holds(after, 60, async (cursor) => {
    await ask(house, { query, variables: { after: cursor } })
    await ask(house, { query, extensions: { after: cursor } })
    await ask(house, { query: check, variables: { head: cursor } })
  })
})

test('no Last-Event-ID makes a fault: what cannot be gone on from is said in the stream or before it', async () => {
  const query = 'subscription { events(last: 1) { id } }'
  await holds(
    anyCursor.filter((text) => /^[\x21-\x7e]+$/.test(text)),
    40,
    async (cursor) => {
      const leave = new AbortController()
      const response = await fetch(house.endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${house.key}`,
          'last-event-id': cursor,
        },
        body: JSON.stringify({ query }),
        signal: leave.signal,
      })
      expect(response.status).toBeLessThan(500)
      const { value } = (await response.body?.getReader().read()) ?? {}
      expect(Buffer.from(value ?? []).toString()).not.toContain('INTERNAL')
      leave.abort()
    },
  )
})

test('no `extensions` of a subscription make a fault, and the socket goes on', async () => {
  const socket = await openSocket(house, { authorization: `Bearer ${house.key}` })
  let id = 0
  await holds(after, 80, async (cursor) => {
    id += 1
    const payload = { query: 'subscription { events(last: 1) { id } }', extensions: { after: cursor } }
    socket.send({ type: 'subscribe', id: `${id}`, payload })
    await socket.probe()
    socket.send({ type: 'complete', id: `${id}` })
    expect(socket.faults).toEqual([])
  })
  socket.close()
})
