import {
  type GraphQLField,
  type GraphQLOutputType,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql'
import { schema } from '../../src/schema.ts'

type Without = (typename: string) => boolean

const nothing: Without = () => false

/** Thousands of documents are made of a few hundred selections. */
const known = new WeakMap<Without, Map<string, string>>()

/**
 * Everything that can be asked of a type without arguments, so many things deep; '' for a plain value. Fields of
 * fragments have aliases: two types may have one name for different things. `without` tells of which types nothing is
 * asked; the same function always tells the same.
 */
export function selectionOf(type: GraphQLOutputType, depth: number, without: Without = nothing): string {
  const selections = known.get(without) ?? new Map<string, string>()
  known.set(without, selections)
  const name = `${getNamedType(type).name} ${depth}`
  const selection = selections.get(name) ?? makeSelection(type, depth, without)
  selections.set(name, selection)
  return selection
}

function makeSelection(type: GraphQLOutputType, depth: number, without: Without): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  const parts = ['__typename']
  if (isUnionType(named) || isInterfaceType(named)) {
    for (const member of schema.getPossibleTypes(named)) {
      if (without(member.name)) continue
      const fields = fieldsOf(member.getFields(), depth, `${member.name}_`, without)
      if (fields !== '') parts.push(`... on ${member.name} { ${fields} }`)
    }
  } else if (isObjectType(named)) {
    parts.push(fieldsOf(named.getFields(), depth, '', without))
  }
  return `{ ${parts.join(' ')} }`
}

type Fields = Readonly<Record<string, GraphQLField<unknown, unknown>>>

function fieldsOf(fields: Fields, depth: number, prefix: string, without: Without): string {
  return Object.values(fields)
    .filter((field) => !field.args.some(isRequiredArgument) && !without(getNamedType(field.type).name))
    .flatMap((field) => {
      const left = depth - (isLeafType(getNamedType(field.type)) ? 0 : stepsInto(field))
      if (left < 0 || (field.name === 'edges' && left < 2)) return []
      const alias = prefix === '' ? '' : `${prefix}${field.name}: `
      return [`${alias}${field.name} ${selectionOf(field.type, left, without)}`]
    })
    .join(' ')
}

/** The parts of a page or an error are not things of their own. */
const stepsInto = ({ name, type }: GraphQLField<unknown, unknown>): number =>
  /^(nodes|edges|node|pageInfo|issues)$/.test(name) || getNamedType(type).name.endsWith('Payload') ? 0 : 1
