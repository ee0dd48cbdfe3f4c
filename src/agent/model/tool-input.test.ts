import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fitToolInput } from './tool-input.ts'

const shape = (schema: z.ZodType, known: Record<string, unknown>, onlyRequired = false) => {
  const input = fitToolInput(z.toJSONSchema(schema, { io: 'input' }), known, onlyRequired)
  if (input !== null) schema.parse(input)
  return input
}

describe('the arguments of a tool', () => {
  it('take only what the schema names, under the name it gives', () => {
    const schema = z.strictObject({ submissionId: z.string(), companyName: z.string(), name: z.string() })
    const known = { submission: 's1', company: 'Kite', name: 'Deal', secret: 'x' }
    expect(shape(schema, known)).toEqual({ submissionId: 's1', companyName: 'Kite', name: 'Deal' })
  })

  it('turn numbers and texts into what is asked for', () => {
    const schema = z.strictObject({ amount: z.string(), fit: z.number(), count: z.int() })
    expect(shape(schema, { amount: 24_000, fit: '0.5', count: 2.6 })).toEqual({ amount: '24000', fit: 0.5, count: 3 })
  })

  it('pick the constants, enum values and variants of the schema', () => {
    const block = z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('TEXT'), text: z.string() }),
      z.strictObject({ type: z.literal('LIST'), items: z.array(z.string()) }),
    ])
    const schema = z.strictObject({ priority: z.enum(['NORMAL', 'HIGH']), blocks: z.array(block) })
    const blocks = [
      { type: 'text', text: 'hello' },
      { type: 'list', items: ['a'] },
      { type: 'chart', points: [] },
    ]
    expect(shape(schema, { priority: 'high', blocks })).toEqual({
      priority: 'HIGH',
      blocks: [
        { type: 'TEXT', text: 'hello' },
        { type: 'LIST', items: ['a'] },
      ],
    })
  })

  it('respect the longest text and list', () => {
    const schema = z.strictObject({ subject: z.string().max(5), reasons: z.array(z.string().max(3)).max(2) })
    expect(shape(schema, { subject: 'too long', reasons: ['abcd', 'b', 'c'] })).toEqual({
      subject: 'too l',
      reasons: ['abc', 'b'],
    })
  })

  it('leave out what is optional and unknown, and null where nullable', () => {
    const schema = z.strictObject({
      name: z.string(),
      amount: z.string().nullable().optional(),
      stage: z.string().optional(),
    })
    expect(shape(schema, { name: 'Deal', amount: undefined, stage: null })).toEqual({ name: 'Deal' })
    expect(shape(schema, { name: 'Deal', amount: '5' })).toEqual({ name: 'Deal', amount: '5' })
  })

  it('are none when something required is not known', () => {
    expect(shape(z.strictObject({ name: z.string(), stage: z.string() }), { name: 'Deal' })).toBeNull()
    expect(
      shape(z.strictObject({ fields: z.strictObject({ name: z.string() }) }), { fields: { phone: '1' } }),
    ).toBeNull()
  })

  it('are as few as it takes on a second try', () => {
    const schema = z.strictObject({ name: z.string(), amount: z.string().optional() })
    expect(shape(schema, { name: 'Deal', amount: '5' }, true)).toEqual({ name: 'Deal' })
  })

  it('are all that is known where the schema names nothing', () => {
    const known = { a: 1, b: null, c: undefined }
    for (const schema of [undefined, 'text', {}, { properties: [] }])
      expect(fitToolInput(schema, known)).toEqual({ a: 1 })
  })

  it('take nothing of the wrong kind', () => {
    const schema = z.object({
      text: z.string().optional(),
      number: z.number().optional(),
      whole: z.int().optional(),
      flag: z.boolean().optional(),
      list: z.array(z.string()).optional(),
      thing: z.object({ a: z.string() }).optional(),
      exact: z.literal('A').optional(),
    })
    const wrong = { text: {}, number: 'many', whole: '', flag: 'yes', list: 'a', thing: 'b', exact: 'B' }
    expect(shape(schema, wrong)).toEqual({})
    const right = {
      text: 'a',
      number: 1,
      whole: 2,
      flag: false,
      list: ['a'],
      thing: { a: 'b' },
      exact: 'A',
    }
    expect(shape(schema, right)).toEqual(right)
  })

  it('take a value as it is where the schema says nothing of it, and any of several types', () => {
    const schema = {
      properties: {
        free: {},
        odd: 'schema',
        several: { type: ['null', 'number'] },
        list: { type: 'array' },
        either: { anyOf: [{ type: 'null' }, { type: 'number' }, { type: 'boolean' }] },
        neither: { oneOf: [{ type: 'number' }] },
      },
    }
    const known = { free: { a: 1 }, odd: 2, several: '3', list: [1, 'a', null], either: true, neither: 'x' }
    expect(fitToolInput(schema, known)).toEqual({ free: { a: 1 }, odd: 2, several: 3, list: [1, 'a'], either: true })
  })
})
