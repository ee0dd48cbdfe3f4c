import {
  type GraphQLDirective,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  OperationTypeNode,
} from 'graphql'

/** The reference's address on the server. */
export const ROOT = '/docs'
/** Where the guide stands beside it. */
export const GUIDE = `${ROOT}/guide`

/** A chapter: a list, and a page for each thing in it. */
export interface Chapter {
  readonly key: string
  readonly title: string
  /** What one of its things is called. */
  readonly one: string
  readonly intro: string
}

export const CHAPTERS = {
  queries: {
    key: 'queries',
    title: 'Queries',
    one: 'Query',
    intro: 'What can be asked. Nothing here changes anything.',
  },
  mutations: {
    key: 'mutations',
    title: 'Mutations',
    one: 'Mutation',
    intro: 'What can be done. Each takes one `input` and answers with a union: its payload, or an error to be shown.',
  },
  subscriptions: {
    key: 'subscriptions',
    title: 'Subscriptions',
    one: 'Subscription',
    intro: 'What can be watched. Each goes on from a cursor where it was left, and loses nothing in between.',
  },
  objects: { key: 'objects', title: 'Objects', one: 'Object', intro: 'What answers are made of.' },
  interfaces: {
    key: 'interfaces',
    title: 'Interfaces',
    one: 'Interface',
    intro: 'What several objects have in common.',
  },
  unions: { key: 'unions', title: 'Unions', one: 'Union', intro: 'Where an answer is one of several objects.' },
  inputs: { key: 'inputs', title: 'Inputs', one: 'Input', intro: 'What arguments are made of.' },
  enums: { key: 'enums', title: 'Enums', one: 'Enum', intro: 'Where a value is one of a list. A list may grow.' },
  scalars: { key: 'scalars', title: 'Scalars', one: 'Scalar', intro: 'The single values, and how each is written.' },
  directives: {
    key: 'directives',
    title: 'Directives',
    one: 'Directive',
    intro: 'What may be written beside a field to change how it is carried out.',
  },
} as const satisfies Readonly<Record<string, Chapter>>

export type ChapterKey = keyof typeof CHAPTERS

/** A root field, a type or a directive: what has a page of its own. */
export type Entry =
  | {
      readonly chapter: ChapterKey
      readonly name: string
      readonly field: GraphQLField<unknown, unknown>
      readonly kind: OperationTypeNode
    }
  | { readonly chapter: ChapterKey; readonly name: string; readonly type: GraphQLNamedType }
  | { readonly chapter: ChapterKey; readonly name: string; readonly directive: GraphQLDirective }

export const hrefOf = ({ chapter, name }: Pick<Entry, 'chapter' | 'name'>): string => `${ROOT}/${chapter}/${name}`

export const descriptionOf = (entry: Entry): string =>
  ('field' in entry ? entry.field : 'type' in entry ? entry.type : entry.directive).description ?? ''

/** Everything that has a page, in the order of chapters and, within one, of names. */
export function entriesOf(schema: GraphQLSchema): Entry[] {
  const operations = [
    ['queries', OperationTypeNode.QUERY],
    ['mutations', OperationTypeNode.MUTATION],
    ['subscriptions', OperationTypeNode.SUBSCRIPTION],
  ] as const
  const roots = operations.map(([, kind]) => schema.getRootType(kind))
  const fields = operations.flatMap(([chapter, kind], index) =>
    Object.values(roots[index]?.getFields() ?? {}).map((field) => ({ chapter, kind, name: field.name, field })),
  )
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !roots.some((root) => root === type))
    .map((type) => ({ chapter: chapterOf(type), name: type.name, type }))
  // Those of the schema language itself are nothing that a caller writes.
  const directives = schema
    .getDirectives()
    .filter(({ locations }) => locations.some((location) => location === 'FIELD'))
    .map((directive) => ({ chapter: 'directives' as const, name: directive.name, directive }))
  const order = Object.keys(CHAPTERS)
  return [...fields, ...types, ...directives].sort(
    (a, b) => order.indexOf(a.chapter) - order.indexOf(b.chapter) || (a.name < b.name ? -1 : 1),
  )
}

function chapterOf(type: GraphQLNamedType): ChapterKey {
  if (isObjectType(type)) return 'objects'
  if (isInterfaceType(type)) return 'interfaces'
  if (isInputObjectType(type)) return 'inputs'
  if (isEnumType(type)) return 'enums'
  return isScalarType(type) ? 'scalars' : 'unions'
}
