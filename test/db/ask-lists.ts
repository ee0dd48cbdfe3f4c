// Asks the schema what a probe asks, and gives back the statements that it would send to PostgreSQL for it, to the letter.
// They are kept instead of sent and find nothing; only the thing that a list stands below is really read.

import {
  coerceInputValue,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  graphql,
  isLeafType,
  isObjectType,
} from 'graphql'
import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { Database } from '../../src/platform/db/database.ts'
import { readInWorkspace } from '../../src/platform/db/read.ts'
import { createEventFeed } from '../../src/platform/events/feed.ts'
import type { Sequencer } from '../../src/platform/events/sequencer.ts'
import type { Tail } from '../../src/platform/events/tail.ts'
import { type GraphQLContext, Loaders } from '../../src/platform/graphql/context.ts'
import { systemContext } from '../support/context.ts'
import { type Comparison, filterOfType } from './comparisons.ts'
import { EPOCH, listFieldsOf, type Probe } from './list-probes.ts'

export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Asker {
  /** The statements of a page and of what is counted over all its pages. */
  ask(probe: Probe): Promise<Statement[]>
  /** The statement that finds the rows of a filter by one comparison and nothing else. */
  askFilter(type: GraphQLInputType, comparison: Comparison): Promise<Statement[]>
}

/** A database that keeps the statements of lists; reads by Prisma, which are of single things, go through. */
function recording(db: Database, kept: Statement[]): Database {
  const client = {
    query: async ({ name, text, values = [] }: pg.QueryConfig) => {
      if (name !== 'bind_workspace') kept.push({ text, values })
      return { rows: [], rowCount: 0 }
    },
    release: () => {},
  }
  const pool = { connect: async () => client } as unknown as pg.Pool
  return { ...db, read: (workspaceId, work) => readInWorkspace(pool, workspaceId, work) }
}

const IN_PAGES = ['nodes', 'edges', 'pageInfo']

/** What a connection tells of the whole list: its counts and sums. */
function ofWhole(type: GraphQLObjectType): string {
  const fields = Object.values(type.getFields()).filter(({ name }) => !IN_PAGES.includes(name))
  return fields.map(({ name, type: of }) => (isLeafType(getNamedType(of)) ? name : `${name} { __typename }`)).join(' ')
}

function documentOf(schema: GraphQLSchema, { field: name, below, arguments: given }: Probe): string {
  const type = below === undefined ? schema.getQueryType() : schema.getType(below.type)
  const field = isObjectType(type) ? listFieldsOf(type).find((each) => each.name === name) : undefined
  const connection = field === undefined ? undefined : getNamedType(field.type)
  if (field === undefined || !isObjectType(connection)) throw new Error(`there is no list ${name}`)
  const names = Object.keys(given)
  const declared = names.map((arg) => `$${arg}: ${field.args.find((each) => each.name === arg)?.type}`).join(', ')
  const passed = names.length === 0 ? '' : `(${names.map((arg) => `${arg}: $${arg}`).join(', ')})`
  const list = `${name}${passed} { nodes { __typename } ${ofWhole(connection)} }`
  const root = below === undefined ? list : `node(id: "${below.id}") { ... on ${below.type} { ${list} } }`
  return `query ${declared === '' ? '' : `(${declared})`} { ${root} }`
}

/** Asks in the name of the system, in one workspace. */
export function createAsker(schema: GraphQLSchema, db: Database, workspaceId: string): Asker {
  const kept: Statement[] = []
  const recorder = recording(db, kept)
  const context = systemContext(recorder, workspaceId)
  const place = { epoch: { number: EPOCH, startsAt: 0n }, position: 0n, resolve: async (cursor: unknown) => cursor }
  const feed = createEventFeed({
    db: recorder,
    sequencer: { isBehind: false } as Sequencer,
    tail: place as unknown as Tail,
    clock: context.clock,
  })
  return {
    async ask(probe) {
      kept.length = 0
      const contextValue = { ...context, feed, loaders: new Loaders(), signal: new AbortController().signal }
      const { errors } = await graphql({
        schema,
        source: documentOf(schema, probe),
        variableValues: probe.arguments,
        contextValue: contextValue as unknown as GraphQLContext,
      })
      if (errors !== undefined)
        throw new Error(`${probe.field} ${JSON.stringify(probe.arguments)}: ${errors[0]?.message}`)
      if (kept.length === 0) throw new Error(`${probe.field} ${JSON.stringify(probe.arguments)} read nothing`)
      return [...kept]
    },
    async askFilter(type, { filter: given }) {
      kept.length = 0
      const filter = filterOfType(type)
      if (filter === undefined) throw new Error(`${type} is no filter`)
      const at = { alias: 'item', now: context.clock.now(), viewer: context.viewer, path: [] }
      const condition = filter.condition(coerceInputValue(given, type) as never, at)
      await recorder.read(workspaceId, (sql) => {
        const tables = sql as unknown as Kysely<Record<string, Record<string, unknown>>>
        return tables.selectFrom(`${filter.table} as item`).select('item.id').where(condition).execute()
      })
      return [...kept]
    },
  }
}
