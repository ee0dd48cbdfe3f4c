// Operations with wild arguments, made from the schema alone.

import fc from 'fast-check'
import { getNamedType, isInterfaceType, isRequiredArgument } from 'graphql'
import {
  bareDocumentOf,
  documentOf,
  fieldsBelow,
  kindOf,
  mutations,
  type Operation,
  type Place,
  placesOf,
  queries,
  subscriptions,
} from '../every-operation/operations.ts'
import { candidatesFor } from '../every-operation/own-calls.ts'
import { argumentsOf, type Given, neededIds } from '../every-operation/values.ts'
import type { Request } from './house.ts'
import { literalOf } from './literals.ts'
import { anyId, fewOf, leafOf, type Making, valueFor } from './wild-values.ts'

/** What is answered once; subscriptions are asked over a socket. */
export const answered: readonly Operation[] = [...queries, ...fieldsBelow, ...mutations]
export { subscriptions }

/** Small enough for the limits, and yet a list's page is picked, counted and loaded. */
const document = (operation: Operation): string =>
  isInterfaceType(getNamedType(operation.field.type)) ? bareDocumentOf(operation) : documentOf(operation, 0)

/** The operation with arguments of every sort, some of them left out. */
export function anyCall(operation: Operation, making: Making): fc.Arbitrary<Request> {
  const { args } = operation.field
  const required = args.filter(isRequiredArgument)
  const optional = args.filter((arg) => !isRequiredArgument(arg))
  const values = fewOf(optional).chain((chosen) =>
    fc.record(
      Object.fromEntries([
        ...[...required, ...chosen].map((arg) => [arg.name, valueFor(arg.type, making)]),
        ...(operation.isBelow ? [['parent', anyId(making.ids)]] : []),
      ]) as Record<string, fc.Arbitrary<unknown>>,
    ),
  )
  return fc
    .tuple(values, fc.integer({ min: 0, max: 9 }))
    .map(([variables, how]) => (how < 3 ? written(operation, variables) : { query: document(operation), variables }))
}

/** The same call with its arguments in the document, where scalars are read by another way. */
function written(operation: Operation, variables: Readonly<Record<string, unknown>>): Request {
  const { field, name, isBelow } = operation
  if (isBelow) return { query: document(operation), variables }
  const given = field.args.filter((arg) => arg.name in variables)
  const texts = given.map((arg) => `${arg.name}: ${literalOf(arg.type, variables[arg.name])}`)
  const whole = document(operation)
  const from = whole.indexOf('{', whole.indexOf(')') + 1)
  const rest = whole.slice(whole.indexOf(name, from) + name.length).replace(/^\([^)]*\)/, '')
  return { query: `${operation.kind} { ${name}${texts.length === 0 ? '' : `(${texts.join(', ')})`}${rest}` }
}

export interface At {
  readonly operation: Operation
  readonly place: Place
}

/** Every place at which an argument or a part of one stands; `each` meaning once, or wherever it stands. */
export function placesOfAll(operations: readonly Operation[], each: 'MEANING' | 'PLACE'): At[] {
  const seen = new Set<string>()
  return operations.flatMap((operation) =>
    placesOf(operation).flatMap((place) => {
      if (each === 'MEANING' && seen.has(place.meaning)) return []
      seen.add(place.meaning)
      return [{ operation, place }]
    }),
  )
}

/** A call that is as it should be but for one place. */
export function callWith({ operation, place }: At, making: Making): fc.Arbitrary<Request> {
  const usual = Object.fromEntries(
    neededIds(operation, { [place.path]: null }).map((path) => [path, candidatesFor(making, operation, path)[0]]),
  ) as Given
  const parent = operation.isBelow ? making.ids[kindOf(operation.parent.name)]?.[0] : undefined
  return leafOf(place.type, making).map((value) => ({
    query: document(operation),
    variables: {
      ...argumentsOf(operation, { ...usual, [place.path]: value }),
      ...(parent === undefined ? {} : { parent }),
    },
  }))
}
