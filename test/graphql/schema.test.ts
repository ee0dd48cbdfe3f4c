import { isObjectType, validateSchema } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'

test('the schema is valid', () => {
  expect(validateSchema(schema)).toEqual([])
})

test('every mutation takes one input and answers with a union that ends in user errors, and with a cursor', () => {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const base = `${field.name[0]?.toUpperCase()}${field.name.slice(1)}`
    expect(field.args.map((arg) => `${arg.name}: ${arg.type}`)).toEqual([`input: ${base}Input!`])
    expect(String(field.type)).toBe(`${base}Result!`)
    const payload = schema.getType(`${base}Payload`)
    expect(isObjectType(payload) && String(payload.getFields().cursor?.type)).toBe('Cursor!')
  }
})

test('no payload has a field that an error has too: `... on UserError { code message }` may end every selection', () => {
  const payloads = Object.values(schema.getTypeMap()).filter(({ name }) => name.endsWith('Payload'))
  const clashing = payloads.filter(
    (type) => isObjectType(type) && ['code', 'message'].some((key) => key in type.getFields()),
  )
  expect(clashing.map(({ name }) => name)).toEqual([])
})

test('every subscription that can be resumed takes `after`', () => {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    expect([field.name, field.args.map((arg) => arg.name)]).toEqual([field.name, expect.arrayContaining(['after'])])
  }
})
