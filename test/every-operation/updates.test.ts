import {
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredInputField,
} from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addMember } from '../../src/domains/workspaces/service.ts'
import { type House, openHouse } from './house.ts'
import { answerOf, documentOf, kindOf, mutations, nodeTypes, type Operation, trialOf } from './operations.ts'
import { type Outcome, outcomeOf } from './outcomes.ts'
import { candidatesFor, findOwnCall, requestOf } from './own-calls.ts'
import { selectionOf } from './selections.ts'
import { type Given, plainValue } from './values.ts'

/** What a thing must be made with, so that its update can be tried. */
const MADE_WITH: Readonly<Record<string, Given>> = {
  updateGoal: { 'input.comparator': 'BETWEEN', 'input.target': 1, 'input.targetMax': 5 },
}

/** Values that a type cannot tell, by the field of the input; with a null beside them where one excludes the other. */
const VALUES: Readonly<Record<string, Given>> = {
  'updateContact.phone': { phone: '+4366012345' },
  'updateEmployee.tools': { tools: ['send_email'] },
  'updateForm.criteria': { criteria: { text: 'Made for this test' } },
  'updateForm.fields': { fields: [{ key: 'made', kind: 'TEXT', label: 'Made for this test' }] },
  'updateForm.limits': { limits: { perEmailPerHour: 3 } },
  'updateForm.requestedTools': { requestedTools: ['send_email'] },
  'updateGoal.baseline': { baseline: 0.25 },
  'updateGoal.comparator': { comparator: 'EQ', targetMax: null },
  'updateGoal.targetMax': { targetMax: 7 },
  'updateWorkspace.currency': { currency: 'USD' },
  'updateWorkspace.timeZone': { timeZone: 'Europe/Vienna' },
  'updateWorkspaceSettings.allowedOrigins': { allowedOrigins: ['https://www.made.example'] },
  'updateWorkspaceSettings.defaultModel': { defaultModel: 'claude-haiku-5-5' },
  'updateWorkspaceSettings.formLimits': { formLimits: { perEmailPerHour: 3 } },
  'updateWorkspaceSettings.roleModels': { roleModels: [{ role: 'SDR', model: 'claude-haiku-5-5' }] },
}

const NOT_CONTENT = ['id', 'ifVersion']

interface Field {
  readonly operation: Operation
  readonly name: string
}

let house: House
let things = 0

beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

const updates = mutations.filter(({ name }) => name.startsWith('update'))

const inputOf = ({ field, name }: Operation) => {
  const type = getNamedType(field.args.find((arg) => arg.name === 'input')?.type)
  if (!isInputObjectType(type)) throw new Error(`${name} takes no input`)
  return type
}

const fields: readonly Field[] = updates.flatMap((operation) =>
  Object.values(inputOf(operation).getFields())
    .filter((field) => !isRequiredInputField(field) && !NOT_CONTENT.includes(field.name))
    .map(({ name }) => ({ operation, name })),
)

/** Things that no mutation creates. */
const MAKERS: Readonly<Record<string, () => Promise<string>>> = {
  updateMember: async () => {
    things += 1
    const person = { name: `Thing ${things}`, email: `thing-${things}@made.example`, role: 'MEMBER' as const }
    const { id } = await house.db.inTransaction(house.a.ctx, (tx) => addMember(tx, person))
    return `member_${id}`
  },
  // There is one, and it stays the same one: so it is made as it was.
  updateWorkspace: async () => {
    const workspace = mutations.find(({ name }) => name === 'updateWorkspace') as Operation
    await update(workspace, '', { name: 'Thing', timeZone: 'UTC', currency: 'EUR', dailyBudget: '5' })
    return `workspace_${house.a.id}`
  },
  updateWorkspaceSettings: async () => {
    const settings = mutations.find(({ name }) => name === 'updateWorkspaceSettings') as Operation
    const names = fields.filter(({ operation }) => operation === settings).map(({ name }) => [name, null])
    await update(settings, '', Object.fromEntries(names))
    return `workspace_${house.a.id}`
  },
}

/** A thing that nobody has touched yet. */
async function makeThing({ name }: Operation): Promise<string> {
  const maker = MAKERS[name]
  if (maker !== undefined) return maker()
  const create = mutations.find((each) => each.name === name.replace(/^update/, 'create'))
  if (create === undefined) throw new Error(`there is no way to make what ${name} changes: say here how`)
  const { a } = house
  const call = await findOwnCall(create, a, a.all)
  const named = Object.keys(inputOf(create).getFields()).find((each) => /^(name|title)$/.test(each))
  things += 1
  const more = { ...MADE_WITH[name], ...(named === undefined ? {} : { [`input.${named}`]: `Thing ${things}` }) }
  const { data } = await a.all.ask(requestOf(documentOf(create, 1), create, call, more))
  const made = Object.values(answerOf(create, data) as object).find(
    (value) => typeof value === 'object' && value !== null,
  )
  const id = Object.entries((made ?? {}) as object).find(([key]) => /(^|_)id$/.test(key))?.[1]
  if (typeof id !== 'string') throw new Error(`${create.name} made nothing: ${JSON.stringify(data)}`)
  return id
}

const isList = (typename: string): boolean => typename.endsWith('Connection')

/** What can be read of a thing, by path; without what is told of any change. */
async function read(id: string): Promise<Readonly<Record<string, unknown>>> {
  const type = nodeTypes.find(({ name }) => id.startsWith(`${kindOf(name)}_`))
  if (type === undefined) throw new Error(`${id} is of no type`)
  const query = `query ($id: ID!) { node(id: $id) { ... on ${type.name} ${selectionOf(type, 2, isList)} } }`
  const { data } = await house.a.all.ask({ query, variables: { id } })
  const flat: Record<string, unknown> = {}
  flatten((data as { node: unknown }).node, '', flat)
  return flat
}

function flatten(value: unknown, path: string, into: Record<string, unknown>): void {
  if (/^((settings\.)?version|updatedAt|timeline|events)$/.test(path)) return
  // Of another thing that it is tied to, only which.
  const { id, nodeId = id } = (value ?? {}) as { readonly id?: unknown; readonly nodeId?: unknown }
  if (path !== '' && nodeId !== undefined) into[`${path}.id`] = nodeId
  else if (typeof value !== 'object' || value === null) into[path] = value
  else for (const [name, member] of Object.entries(value)) flatten(member, path === '' ? name : `${path}.${name}`, into)
}

const differences = (one: object, other: object): string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (path) => one[path as never] !== other[path as never],
  )

async function update(operation: Operation, id: string, input: Readonly<Record<string, unknown>>): Promise<Outcome> {
  const variables = { input: { ...('id' in inputOf(operation).getFields() ? { id } : {}), ...input } }
  return outcomeOf(operation, await house.a.all.ask({ query: trialOf(operation), variables }))
}

/** The first of some values that the update takes; and that makes a difference, where it is to be looked for. */
async function give({ operation, name }: Field, id: string, isLookedFor = true): Promise<Outcome> {
  const before = isLookedFor ? await read(id) : {}
  const known = VALUES[`${operation.name}.${name}`]
  const { type } = inputOf(operation).getFields()[name] ?? {}
  const inputs =
    known === undefined
      ? valuesOf(operation, name, getNamedType(type as GraphQLInputType)).map((value) => ({ [name]: value }))
      : [known]
  let last: Outcome = { code: 'UNTRIED', message: '' }
  for (const input of inputs) {
    last = await update(operation, id, input)
    if (last.code === 'DONE' && (!isLookedFor || differences(before, await read(id)).length > 0)) return last
  }
  return last
}

function valuesOf(operation: Operation, name: string, type: GraphQLNamedInputType | undefined): unknown[] {
  things += 1
  if (type === undefined) return []
  if (name === 'slug') return [`thing-${things}`]
  if (type.name === 'String') return [`Thing ${things}`]
  if (type.name === 'EmailAddress') return [`thing-${things}@made.example`]
  if (type.name === 'ID') return candidatesFor(house.a, operation, name)
  if (isEnumType(type)) return type.getValues().map((value) => value.name)
  if (!isInputObjectType(type)) return [plainValue(type)]
  const members = Object.values(type.getFields())
  const chosen = type.isOneOf ? members.slice(0, 1) : members.filter(isRequiredInputField)
  const of = (member: GraphQLInputField) => {
    const inner = getNamedType(member.type)
    const [first] = inner.name === 'ID' ? candidatesFor(house.a, operation, member.name) : [plainValue(inner)]
    return isListType(getNullableType(member.type)) ? [first] : first
  }
  return [Object.fromEntries(chosen.map((member) => [member.name, of(member)]))]
}

for (const field of fields) {
  const { operation, name } = field

  test(`${operation.name}: ${name} left out stays as it is, null clears it or is refused`, async () => {
    const id = await makeThing(operation)
    const fresh = await read(id)
    const given = await give(field, id)
    if (given.code !== 'DONE') {
      throw new Error(
        `${operation.name} does not take what was made for ${name}: ${JSON.stringify(given)}. Say in VALUES what it takes.`,
      )
    }
    const full = await read(id)
    const shown = differences(fresh, full)
    if (shown.length === 0) throw new Error(`${operation.name} took ${name}, and nothing that can be read is different`)

    expect(await update(operation, id, {})).toMatchObject({ code: 'DONE' })
    expect(await read(id)).toEqual(full)
    const isApart = (each: Field) =>
      !(each.name in (VALUES[`${operation.name}.${name}`] ?? {})) &&
      !(name in (VALUES[`${operation.name}.${each.name}`] ?? {}))
    for (const other of fields.filter((each) => each.operation === operation && each !== field && isApart(each))) {
      await give(other, id, false)
    }
    // What follows from several fields together, as whether a goal is met, may follow from another one too.
    const own = shown.filter((path) => path.split('.').includes(name))
    const later = await read(id)
    expect(own.filter((path) => later[path] !== full[path])).toEqual([])

    const last = await makeThing(operation)
    await give(field, last)
    const before = await read(last)
    const cleared = await update(operation, last, { [name]: null })
    const after = await read(last)
    if (cleared.code === 'DONE') {
      const left = shown.filter(
        (path) => after[path] !== null && after[path] !== undefined && after[path] !== fresh[path],
      )
      expect({ left, of: before }).toEqual({ left: [], of: before })
      expect(differences(before, after)).not.toEqual([])
    } else {
      expect(cleared).toMatchObject({ code: 'INVALID_INPUT' })
      expect(cleared.issues?.map((issue) => issue.field.split('.')[0])).toContain(name)
      expect(after).toEqual(before)
    }
  })
}
