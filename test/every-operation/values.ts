// Arguments made of nothing but their types. What a type cannot tell stands in `NEEDS`.

import {
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import type { Operation } from './operations.ts'

/** Values by their places. */
export type Given = Readonly<Record<string, unknown>>

/** The token of the invite that a workspace has sent. */
export const inviteTokenOf = (mark: string): string => `cadre_invite_${mark.padEnd(43, '0')}`

/** What an operation wants beyond what its types say. A new one seldom needs to stand here: its test tells. */
const NEEDS: Record<string, Given> = {
  // No key gives what it does not hold itself.
  createApiKey: { 'input.permissions': ['KEYS_WRITE'] },
  invitePreview: { token: inviteTokenOf('Aalto') },
  submitForm: { 'input.answers': { email: 'somebody@visitors.example' } },
  updateWorkspaceSettings: { 'input.maxTurns': 30 },
  'Employee.spent': { 'period.last': 'P7D' },
  'Submission.answer': { key: 'email' },
}

/** What an operation wants that only the house knows, as where a server listens. */
export function addNeeds(operation: string, given: Given): void {
  NEEDS[operation] = given
}

const PLAIN: Readonly<Record<string, unknown>> = {
  Boolean: true,
  Cursor: '0',
  CurrencyCode: 'EUR',
  Date: '2031-05-06',
  DateTime: '2031-05-06T07:08:09Z',
  DateTimeOrDuration: '-P7D',
  Decimal: '1250.5',
  Duration: 'P7D',
  Float: 0.5,
  Int: 1,
  JSON: {},
  URL: 'https://made.example/thanks',
}

let made = 0

/** A value of a type; texts are new each time, for some must be. Throws for a scalar that is not known here. */
export function plainValue(type: GraphQLNamedInputType): unknown {
  if (isEnumType(type)) return type.getValues()[0]?.name
  if (type.name === 'String') return `Made for this test, ${++made}`
  if (type.name === 'EmailAddress') return `made-${++made}@made.example`
  if (type.name in PLAIN) return PLAIN[type.name]
  throw new Error(`no value of the scalar ${type.name} is known: add one to test/every-operation/values.ts`)
}

class MissingId extends Error {
  readonly path: string

  constructor(path: string) {
    super(`${path} must be given`)
    this.path = path
  }
}

/** The places of the ids without which the operation cannot be called, with what is given besides. */
export function neededIds(operation: Operation, given: Given = {}): string[] {
  const found: Record<string, string> = {}
  for (;;) {
    try {
      argumentsOf(operation, { ...given, ...found })
      return Object.keys(found)
    } catch (err) {
      if (!(err instanceof MissingId)) throw err
      found[err.path] = ''
    }
  }
}

/**
 * The arguments of a call: what is given by its place, what the operation is known to need, and a plain value for
 * whatever else is required. Required ids must be given.
 */
export function argumentsOf(operation: Operation, given: Given): Record<string, unknown> {
  const values: Given = { ...NEEDS[operation.name], ...given }
  const made: Record<string, unknown> = {}
  for (const arg of operation.field.args) {
    if (isRequiredArgument(arg) || isWanted(arg.name, values)) made[arg.name] = valueAt(arg.type, arg.name, values)
  }
  return made
}

const isWanted = (path: string, values: Given): boolean =>
  Object.keys(values).some((key) => key === path || key.startsWith(`${path}.`))

function valueAt(type: GraphQLInputType, path: string, values: Given): unknown {
  if (path in values) return values[path]
  const inner = getNullableType(type)
  if (isListType(inner)) return [valueAt(inner.ofType, `${path}.[]`, values)]
  const named = getNamedType(inner)
  if (!isInputObjectType(named)) {
    if (named.name === 'ID') throw new MissingId(path)
    return plainValue(named)
  }
  const members = Object.values(named.getFields())
  const wanted = members.filter((member) => isWanted(`${path}.${member.name}`, values))
  const chosen = named.isOneOf
    ? [oneOf(members, path, values)]
    : members.filter((member) => isRequiredInputField(member) || wanted.includes(member))
  return Object.fromEntries(
    chosen.map((member) => [member.name, valueAt(member.type, `${path}.${member.name}`, values)]),
  )
}

/** What was given last; else the id. */
function oneOf(members: readonly GraphQLInputField[], path: string, values: Given): GraphQLInputField {
  const last = Object.keys(values).findLast((key) => key.startsWith(`${path}.`))
  const given = members.find(({ name }) => last === `${path}.${name}` || last?.startsWith(`${path}.${name}.`))
  const usual = members.find(({ type }) => getNamedType(type).name === 'ID') ?? members[0]
  const chosen = given ?? usual
  if (chosen === undefined) throw new Error(`${path} has no members`)
  return chosen
}
