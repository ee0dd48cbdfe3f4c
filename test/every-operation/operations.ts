// What can be asked of the API, read from the schema alone: every root field, and every field with arguments of a thing
// that has an id. A new operation, argument or input field is among them by itself.

import {
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isRequiredArgument,
} from 'graphql'
import { schema } from '../../src/schema.ts'
import { selectionOf } from './selections.ts'

export interface Operation {
  readonly kind: 'query' | 'mutation' | 'subscription'
  /** As people say it: `deals`, `Contact.deals`. */
  readonly name: string
  readonly field: GraphQLField<unknown, unknown>
  /** The type that the field belongs to. */
  readonly parent: GraphQLObjectType
  /** The parent has an id, and is asked for by it first. */
  readonly isBelow: boolean
}

/** Where in the arguments one value stands: `filter.contact.owner.id.eq`, `ids.[]`. */
export interface Place {
  readonly path: string
  readonly type: GraphQLNamedInputType
  /** The same for all places that mean the same: a field of a filter is one wherever the filter stands. */
  readonly meaning: string
}

const nodeInterface = () => {
  const type = schema.getType('Node')
  if (!isInterfaceType(type)) throw new Error('the schema has no Node')
  return type
}

/** Every type of things that have an id. */
export const nodeTypes: readonly GraphQLObjectType[] = schema.getPossibleTypes(nodeInterface()) as GraphQLObjectType[]

/** What the ids of a type begin with. */
export const kindOf = (typename: string): string =>
  typename.replace(/[A-Z]/g, (letter, index) => `${index === 0 ? '' : '_'}${letter.toLowerCase()}`)

function operationsOf(kind: Operation['kind'], parent: GraphQLObjectType | null | undefined): Operation[] {
  if (parent === null || parent === undefined) throw new Error(`the schema has no ${kind}`)
  return Object.values(parent.getFields()).map((field) => ({ kind, name: field.name, field, parent, isBelow: false }))
}

export const queries = operationsOf('query', schema.getQueryType())
const allMutations = operationsOf('mutation', schema.getMutationType())
const isOfAccounts = ({ field: { extensions } }: Operation): boolean =>
  extensions.account === true || extensions.permission === 'session'

/** What changes a workspace: whoever may, with a key or signed in. */
export const mutations = allMutations.filter((operation) => !isOfAccounts(operation))
/** What is about the account of a person who signs in, or about signing in: of no workspace, and for no key. */
export const accountMutations = allMutations.filter(isOfAccounts)
export const subscriptions = operationsOf('subscription', schema.getSubscriptionType())

/** Fields with arguments of things that have an id. */
export const fieldsBelow: readonly Operation[] = nodeTypes.flatMap((parent) =>
  Object.values(parent.getFields())
    .filter(({ args }) => args.length > 0)
    .map((field) => ({
      kind: 'query' as const,
      name: `${parent.name}.${field.name}`,
      field,
      parent,
      isBelow: true,
    })),
)

/**
 * Everything that a stranger can try. What a stranger may make, under an id of another's too, comes last: from then on it
 * has a thing with that id itself.
 */
export const strangersOrder: readonly Operation[] = [
  ...queries,
  ...fieldsBelow,
  ...mutations.filter(({ name }) => !/^(create|submit)/.test(name)),
  ...mutations.filter(({ name }) => /^(create|submit)/.test(name)),
]

/** Every place of the arguments at which a plain value stands. */
export const placesOf = ({ name, field }: Operation): Place[] =>
  field.args.flatMap((arg) => placesIn(arg.type, arg.name, `${name}.${arg.name}`, []))

/** The ones where an id stands. */
export const idPlacesOf = (operation: Operation): Place[] =>
  placesOf(operation).filter(({ type }) => type.name === 'ID')

function placesIn(type: GraphQLInputType, path: string, meaning: string, within: readonly string[]): Place[] {
  const inner = getNullableType(type)
  if (isListType(inner)) return placesIn(inner.ofType, `${path}.[]`, meaning, within)
  const named = getNamedType(inner)
  if (!isInputObjectType(named)) return [{ path, type: named, meaning }]
  const times = within.filter((name) => name === named.name).length
  // A filter within itself, in `and`, `or` and `not`, is entered once, and from the outermost only.
  if (times > 1 || (times === 1 && within.length > 1)) return []
  const start = isFilterName(named.name) ? named.name : meaning
  return Object.values(named.getFields()).flatMap((member) => {
    if (times === 1 && isFilter(member)) return []
    const further = named.name.endsWith('Comparator') ? start : `${start}.${member.name}`
    return placesIn(member.type, `${path}.${member.name}`, further, [...within, named.name])
  })
}

/** Filters of things; who somebody is means another thing wherever it stands. */
const isFilterName = (name: string): boolean => name.endsWith('Filter') && name !== 'ActorFilter'

const isFilter = ({ type }: GraphQLInputField): boolean => getNamedType(type).name.endsWith('Filter')

/** The operation as a document, with a variable for each argument. */
export const documentOf = (operation: Operation, depth = 2): string =>
  document(operation, selectionOf(operation.field.type, depth))

/** The same where only what becomes of it matters: behind a door that keeps nothing there is nothing else to show. */
export const trialOf = (operation: Operation): string =>
  operation.kind !== 'mutation'
    ? bareDocumentOf(operation)
    : document(operation, selectionOf(operation.field.type, 0, isPayload))

/** The operation as a document that asks for nothing of what it leads to. */
export const bareDocumentOf = (operation: Operation): string =>
  document(operation, selectionOf(operation.field.type, 0) === '' ? '' : '{ __typename }')

const isPayload = (typename: string): boolean => typename.endsWith('Payload')

export const payloadOf = ({ name }: Operation): string => `${name[0]?.toUpperCase()}${name.slice(1)}Payload`

/** A mutation as one document that asks for it several times: by its name in the answer, with these directives. */
export function documentOfMany(
  operation: Operation,
  fields: Readonly<Record<string, string>>,
  selection: string,
): string {
  return document(operation, selection, fields)
}

function document(
  { kind, field, parent, isBelow }: Operation,
  selection: string,
  fields: Readonly<Record<string, string>> = { [field.name]: '' },
): string {
  // What has a default may be left out, and so may its variable.
  const variables = field.args.map(
    (arg) => `$${arg.name}: ${isRequiredArgument(arg) ? arg.type : getNullableType(arg.type)}`,
  )
  if (isBelow) variables.push('$parent: ID!')
  const passed = field.args.map(({ name }) => `${name}: $${name}`).join(', ')
  const call = Object.entries(fields)
    .map(([name, directives]) => {
      const alias = name === field.name ? '' : `${name}: `
      return `${alias}${field.name}${passed === '' ? '' : `(${passed})`} ${directives} ${selection}`
    })
    .join(' ')
  const root = isBelow ? `node(id: $parent) { __typename ... on ${parent.name} { ${call} } }` : call
  return `${kind} ${variables.length === 0 ? '' : `(${variables.join(', ')})`} { ${root} }`
}

/** What the field itself has answered. */
export function answerOf(operation: Operation, data: unknown): unknown {
  const root = data as Readonly<Record<string, unknown>> | null | undefined
  const parent = operation.isBelow ? (root?.node as Readonly<Record<string, unknown>> | null | undefined) : root
  return parent?.[operation.field.name]
}
