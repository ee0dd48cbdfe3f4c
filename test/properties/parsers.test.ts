// What reads texts of callers without a server around it. A parser gives a value, says that it is none, or throws what is
// meant for the caller; never anything else, and never for longer than the text is worth.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { Kind, type ValueNode, valueFromASTUntyped } from 'graphql'
import { afterAll, expect, test } from 'vitest'
import { csvLeads } from '../../src/commands/demo/csv-leads.ts'
import type { FieldDescription } from '../../src/commands/demo/lead.ts'
import { networkOf, readPageToken } from '../../src/domains/submissions/page-token.ts'
import { scalarTypes } from '../../src/platform/graphql/scalars.ts'
import { addDuration, parseDuration } from '../../src/platform/lib/duration.ts'
import { isAppError } from '../../src/platform/lib/errors.ts'
import { fold, prefixEnd } from '../../src/platform/lib/fold.ts'
import { StartFault } from '../../src/platform/lib/start-fault.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { SEED } from './house.ts'
import { anyJson, anyText, scalarValues } from './wild-values.ts'

const holds = <Value>(values: fc.Arbitrary<Value>, predicate: (value: Value) => void, numRuns = 2_000): void =>
  fc.assert(
    fc.property(values, (value) => void predicate(value)),
    { seed: SEED, numRuns },
  )

const orRefused = (read: () => unknown): void => {
  try {
    read()
  } catch (err) {
    if (!isAppError(err)) throw err
  }
}

test.each(Object.values(scalarTypes))(
  'the scalar $name reads a value or refuses it, and writes whatever it read',
  (scalar) => {
    const values = fc.oneof(scalarValues(scalar.name), anyJson)
    holds(values, (value) => orRefused(() => scalar.serialize(scalar.parseValue(value))), 500)
    const kinds = fc.constantFrom(Kind.STRING, Kind.INT, Kind.FLOAT)
    holds(
      fc.tuple(kinds, fc.oneof(anyText, scalarValues(scalar.name).map(String))),
      ([kind, value]) => {
        const node = { kind, value } as ValueNode
        orRefused(() => scalar.parseLiteral(node, {}))
        valueFromASTUntyped(node)
      },
      500,
    )
  },
)

test('a moment that was read is one that PostgreSQL writes as it is read', () => {
  holds(fc.oneof(scalarValues('DateTime'), scalarValues('Date')), (text) => {
    for (const scalar of [scalarTypes.DateTime, scalarTypes.Date]) {
      orRefused(() => expect((scalar.parseValue(text) as Date).toISOString()).toMatch(/^(?!0000)\d{4}-/))
    }
  })
})

test('a duration is a length of time from any moment, or none', () => {
  const parts = fc
    .array(fc.constantFrom(...'+-PTYMWDHS.,0123456789e'), { maxLength: 30 })
    .map((signs) => signs.join(''))
  holds(fc.oneof(parts, scalarValues('Duration').map(String), anyText), (text) => {
    const duration = parseDuration(text)
    if (duration === undefined) return
    const moment = addDuration(new Date('2026-01-31T00:00:00Z'), duration)
    if (moment !== undefined) expect(moment.getTime()).not.toBeNaN()
  })
})

test('a text is folded, and the end of what begins with it lies behind it', () => {
  // PostgreSQL has no halves of characters: what begins with one is nothing.
  const whole = anyText.filter((text) => !/\p{Surrogate}/u.test(text))
  holds(whole, (text) => {
    const end = prefixEnd(fold(text))
    if (end !== undefined) expect(Buffer.compare(Buffer.from(fold(text)), Buffer.from(end))).toBeLessThan(0)
  })
})

test('an address of the network is shortened, or left as it is', () => {
  const groups = fc.array(fc.oneof(fc.constantFrom('', ':', '::', '%', 'ffff', '1.2.3.4', '10000'), anyText))
  holds(
    groups.map((parts) => parts.join(':')),
    (text) => expect(typeof networkOf(text)).toBe('string'),
  )
})

test('a page’s token that was not given out is none', () => {
  const tokens = fc.tuple(anyText, anyText).map((parts) => parts.join('.'))
  holds(fc.oneof(tokens, anyJson), (token) => expect(readPageToken('secret', 'form', token)).toBeUndefined())
})

const folder = openTemporaryFolder('cadre-csv-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a file of the demo has leads, or is refused with what is wrong with it', async () => {
  const field = (key: string, kind = 'TEXT'): FieldDescription => ({ key, label: key, kind })
  const fields = [field('email', 'EMAIL'), field('name'), field('message', 'LONG_TEXT')]
  const cells = fc.oneof(
    anyText,
    fc.constantFrom('"', '""', '"a', 'a"b', ',', ';', '\t', '__proto__', 'id', 'constructor'),
  )
  const heads = fc.constantFrom(
    'email,name\n',
    'email;id\n',
    '\ufeffE-mail\tNotes\n',
    '__proto__,email\n',
    'email,email\n',
    '',
  )
  const rows = fc.array(fc.array(cells, { maxLength: 4 }), { maxLength: 4 })
  const files = fc.oneof(
    fc.tuple(heads, rows).map(([head, lines]) => Buffer.from(head + lines.map((line) => line.join(',')).join('\n'))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )
  const read = async (content: Buffer): Promise<void> => {
    const file = join(folder, 'leads.csv')
    writeFileSync(file, content)
    try {
      for await (const lead of csvLeads(file, fields, () => {})) expect(typeof lead.label).toBe('string')
    } catch (err) {
      if (!(err instanceof StartFault)) throw err
    }
  }
  await fc.assert(fc.asyncProperty(files, read), { seed: SEED, numRuns: 300 })
})
