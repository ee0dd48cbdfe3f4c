import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, validateSchema } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'

const ownTypes = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'))

test('the schema is valid', () => {
  expect(validateSchema(schema)).toEqual([])
})

test('every type, field, argument and enum value says what it is', () => {
  const silent: string[] = []
  const check = (name: string, { description }: { readonly description?: string | null | undefined }) => {
    if (description === undefined || description === null || description.trim() === '') silent.push(name)
  }
  for (const type of ownTypes) {
    check(type.name, type)
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        check(`${type.name}.${field.name}`, field)
        for (const arg of field.args) check(`${type.name}.${field.name}(${arg.name}:)`, arg)
      }
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) check(`${type.name}.${field.name}`, field)
    }
    if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value)
  }
  for (const directive of schema.getDirectives()) {
    check(`@${directive.name}`, directive)
    for (const arg of directive.args) check(`@${directive.name}(${arg.name}:)`, arg)
  }
  expect(silent).toEqual([])
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

test('every subscription that can be resumed takes `after`', () => {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    expect([field.name, field.args.map((arg) => arg.name)]).toEqual([field.name, expect.arrayContaining(['after'])])
  }
})
