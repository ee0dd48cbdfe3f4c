import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  type OperationTypeNode,
  parse,
  print,
} from 'graphql'

export interface ExampleOperation {
  readonly text: string
  readonly variables: Readonly<Record<string, unknown>>
}

const MAX_LEAVES = 6
const MAX_OBJECTS = 2
const DEPTH = 2
/** What a reader wants to see first. */
const TELLING = ['id', 'name', 'title', 'summary', 'text', 'status', 'kind', 'type', 'occurredAt', 'cursor']
const UUID = '0192f3a4-7c3e-7000-8000-000000000000'

const SCALARS: Readonly<Record<string, unknown>> = {
  Int: 1,
  Float: 0.5,
  Boolean: true,
  BigInt: '18000000000',
  CurrencyCode: 'EUR',
  Date: '2026-12-01',
  DateTime: '2026-12-01T09:00:00Z',
  DateTimeOrDuration: '-P7D',
  Decimal: '18000.00',
  Duration: 'P7D',
  EmailAddress: 'kim@nimbus.example',
  JSON: { email: 'kim@nimbus.example' },
  URL: 'https://nimbus.example',
}

/**
 * An operation that shows a root field: what it needs as variables, and what one would look at first. Valid against the
 * schema, variables included; ids are of things that do not exist. Throws for a scalar that has no example yet.
 */
export function exampleOperation(
  schema: GraphQLSchema,
  kind: OperationTypeNode,
  field: GraphQLField<unknown, unknown>,
): ExampleOperation {
  const named = getNamedType(field.type)
  const thing = thingOf(schema, named)
  const needed = field.args.filter(isRequiredArgument)
  const variables = Object.fromEntries(
    needed.map(({ name, type }) => [name, exampleOf(schema, type, name, thing)] as const),
  )
  const declared = needed.map(({ name, type }) => `$${name}: ${type}`).join(', ')
  const pages = named.name.endsWith('Connection') && field.args.some(({ name }) => name === 'first')
  const given = [...needed.map(({ name }) => `${name}: $${name}`), ...(pages ? ['first: 10'] : [])].join(', ')
  const title = `${field.name[0]?.toUpperCase()}${field.name.slice(1)}`
  const text = `${kind} ${title}${declared && `(${declared})`} {
    ${field.name}${given && `(${given})`} ${selectionOf(schema, field.type, DEPTH)}
  }`
  return { text: print(parse(text)), variables }
}

function selectionOf(schema: GraphQLSchema, type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isLeafType(named)) return ''
  if (isUnionType(named)) return unionSelection(schema, named.getTypes(), depth)
  if (isInterfaceType(named)) return `{ __typename ${leavesOf(named.getFields()).join(' ')} }`
  const fields = named.getFields()
  const leaves = leavesOf(fields)
  const objects = depth > 0 ? objectsOf(named) : []
  const nested = objects.map(({ name, type: inner }) => `${name} ${selectionOf(schema, inner, depth - 1)}`)
  const chosen = [...leaves, ...nested]
  return `{ ${chosen.length === 0 ? '__typename' : chosen.join(' ')} }`
}

function unionSelection(schema: GraphQLSchema, members: readonly GraphQLObjectType[], depth: number): string {
  const isError = (member: GraphQLObjectType) => member.getInterfaces().some(({ name }) => name === 'UserError')
  const answers = members
    .filter((member) => !isError(member))
    .map((member) => `... on ${member.name} ${depth > 0 ? selectionOf(schema, member, depth - 1) : '{ __typename }'}`)
  const errors = members.some(isError) ? ['... on UserError { code message }'] : []
  return `{ __typename ${[...(depth > 0 ? answers : []), ...errors].join(' ')} }`
}

type Fields = Readonly<Record<string, GraphQLField<unknown, unknown>>>

const isAskable = ({ args, deprecationReason }: GraphQLField<unknown, unknown>): boolean =>
  !args.some(isRequiredArgument) && deprecationReason == null

function leavesOf(fields: Fields): string[] {
  const leaves = Object.values(fields)
    .filter((field) => isAskable(field) && isLeafType(getNamedType(field.type)))
    .map(({ name }) => name)
  const telling = TELLING.filter((name) => leaves.includes(name))
  return [...telling, ...leaves.filter((name) => !telling.includes(name))].slice(0, MAX_LEAVES)
}

/** A page's nodes and not its edges; elsewhere the first things that are no pages. */
function objectsOf(type: GraphQLObjectType): GraphQLField<unknown, unknown>[] {
  const fields = Object.values(type.getFields()).filter(
    (field) => isAskable(field) && isCompositeType(getNamedType(field.type)),
  )
  if (type.name.endsWith('Connection')) return fields.filter(({ name }) => name === 'nodes' || name === 'pageInfo')
  return fields.filter((field) => !getNamedType(field.type).name.endsWith('Connection')).slice(0, MAX_OBJECTS)
}

/** What an operation is about: what it returns, or what its payload carries. */
function thingOf(schema: GraphQLSchema, type: GraphQLNamedType): GraphQLNamedType {
  if (isUnionType(type)) {
    const payload = type.getTypes().find(({ name }) => name.endsWith('Payload'))
    const carried = Object.values(payload?.getFields() ?? {}).map((field) => getNamedType(field.type))
    return carried.find((each) => isNode(each)) ?? type
  }
  return isNode(type) ? type : (schema.getType('Node') ?? type)
}

const isNode = (type: GraphQLNamedType | undefined): boolean =>
  isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node')

function exampleOf(schema: GraphQLSchema, type: GraphQLInputType, name: string, thing: GraphQLNamedType): unknown {
  if (isNonNullType(type)) return exampleOf(schema, type.ofType, name, thing)
  if (isListType(type)) return [exampleOf(schema, type.ofType, name, thing)]
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
    const needed = fields.filter(isRequiredInputField)
    const chosen = type.isOneOf || needed.length === 0 ? fields.slice(0, 1) : needed
    return Object.fromEntries(chosen.map((field) => [field.name, exampleOf(schema, field.type, field.name, thing)]))
  }
  if (type.name === 'ID') return idOf(schema, name, thing)
  if (type.name === 'String') return wordsOf(name)
  if (!(type.name in SCALARS)) throw new Error(`there is no example of the scalar ${type.name}`)
  return SCALARS[type.name]
}

/** An id as it looks: of the thing that the name speaks of, else of what the operation is about. */
function idOf(schema: GraphQLSchema, name: string, thing: GraphQLNamedType): string {
  const singular = name.replace(/s$/, '')
  const spoken = schema.getType(`${singular[0]?.toUpperCase()}${singular.slice(1)}`)
  const type = isNode(spoken) ? spoken : thing
  return `${isNode(type) && type !== undefined ? kindOf(type.name) : 'deal'}_${UUID}`
}

const kindOf = (typename: string): string => typename.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()

/** `closeReason`: "A close reason". */
function wordsOf(name: string): string {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
  return `${/^[aeiou]/.test(words) ? 'An' : 'A'} ${words}`
}
