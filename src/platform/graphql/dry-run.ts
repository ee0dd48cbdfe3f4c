// What a mutation would do, and nothing of it done.
//
// A field with `@dryRun` is executed like any other, but over a database of its own (`DryDatabase`): the verb runs in a
// transaction, the payload is resolved while that is still open and so is the real thing's, and only then it is rolled
// back. So each root field of such an operation is executed by itself, one after the other as mutations are.
//
// Callbacks of a commit do not run, so nothing is sent, told or enqueued. A sequence that has moved stays where it is: the
// next event has a higher number than it would have had, which means nothing.

import {
  type ASTVisitor,
  DirectiveLocation,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  GraphQLDirective,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql'
import type { Database } from '../db/database.ts'
import type { DryDatabase } from '../db/dry-database.ts'
import type { RowsByTable } from '../db/row-counts.ts'
import { type AskedApproval, type Effect, Foretold } from '../foretold.ts'
import { encodeId } from '../lib/ids.ts'
import { formatMicros } from '../lib/money.ts'
import type { GraphQLContext } from './context.ts'
import { rootFieldCount } from './idempotency.ts'
import { fragmentsOf, rootFieldsOf, withFieldAlone } from './root-field.ts'

const NAME = 'dryRun'

export const dryRunDirective = new GraphQLDirective({
  name: NAME,
  description:
    'Tries a mutation: the same checks, the same errors and the payload it would have, and nothing is kept or sent. ' +
    '`extensions.dryRun` tells what it would do: `rows` it would insert, update and delete, by table; `effects`, what ' +
    'would be sent or set going; `approvals` that would be asked for; `cost` of models, left out where only doing it ' +
    'would tell. In a document with several mutations it is told by their names in the answer. A secret is null, ' +
    '`cursor` is where the log stands now, and an idempotency key is neither used up nor answered from. Ids of what ' +
    'would be made are gone with it.',
  locations: [DirectiveLocation.FIELD],
})

/** What the context of a dry run has of its own. */
export interface DryRunMeans {
  readonly db: Database
  readonly foretold: Foretold
}

/** What a dry run tells beside its payload: `extensions.dryRun`. */
export interface DryRunReport {
  /** By table; left out where the database server does not count. */
  readonly rows?: RowsByTable
  readonly effects: readonly Effect[]
  readonly approvals: readonly AskedApproval[]
  /** In dollars; left out where only doing it would tell. */
  readonly cost?: { readonly amount: string; readonly currency: string }
}

const isDry = ({ directives = [] }: FieldNode): boolean => directives.some(({ name }) => name.value === NAME)

/** Refuses `@dryRun` where it would be overlooked: anywhere but on a mutation itself. */
export function DryRunOnMutationsRule(context: ValidationContext): ASTVisitor {
  return {
    Field: (node) => {
      if (!isDry(node) || context.getParentType() === context.getSchema().getMutationType()) return
      context.reportError(new GraphQLError('@dryRun stands on a mutation itself, and nowhere else.', { nodes: node }))
    },
  }
}

/** Whether anything of the operation is to be tried only. */
export function hasDryRun({ document, operation }: { document: DocumentNode; operation: OperationDefinitionNode }) {
  if (operation.operation !== 'mutation') return false
  const sets = document.definitions.flatMap((definition) =>
    definition === operation || definition.kind === Kind.FRAGMENT_DEFINITION ? [definition.selectionSet] : [],
  )
  return sets.some(holdsDryRun)
}

const holdsDryRun = ({ selections }: SelectionSetNode): boolean =>
  selections.some((selection) => {
    if (selection.kind === Kind.FIELD) return isDry(selection)
    return selection.kind === Kind.INLINE_FRAGMENT && holdsDryRun(selection.selectionSet)
  })

/** Executes a mutation whose fields are partly or all dry runs; `makeContext` makes the context of each of those. */
export async function executeWithDryRuns(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  makeContext: (dry: DryRunMeans) => GraphQLContext,
): Promise<ExecutionResult> {
  const { document, contextValue } = args
  const { db, feed } = contextValue as GraphQLContext
  const isOneOfMany = rootFieldCount(operation.selectionSet, { fragments: fragmentsOf(document) }) > 1
  // Names in the answer are the client's: they must not meet an object's own.
  const data = Object.create(null) as Record<string, unknown>
  const errors: GraphQLError[] = []
  const reports = Object.create(null) as Record<string, DryRunReport>
  let isWhole = true
  for (const [key, nodes] of rootFieldsOf(args, operation)) {
    const alone = { ...args, document: withFieldAlone(document, operation, nodes) }
    let result: ExecutionResult
    if (nodes.some(isDry)) {
      // What was really done before stands in the log that is read in its transaction.
      await feed.ownChangesLogged()
      const { report, ...answer } = await executeDry(alone, db.dry(), makeContext)
      reports[key] = report
      result = answer
    } else {
      result = await execute(alone)
    }
    errors.push(...(result.errors ?? []))
    isWhole = result.data !== null && result.data !== undefined
    // As in any mutation: what was to come after a failure is not done.
    if (!isWhole) break
    Object.assign(data, result.data)
  }
  const [only] = Object.values(reports)
  return {
    ...(errors.length === 0 ? {} : { errors }),
    data: isWhole ? data : null,
    ...(only === undefined ? {} : { extensions: { dryRun: isOneOfMany ? reports : only } }),
  }
}

async function executeDry(
  args: ExecutionArgs,
  db: DryDatabase,
  makeContext: (dry: DryRunMeans) => GraphQLContext,
): Promise<ExecutionResult & { readonly report: DryRunReport }> {
  const foretold = new Foretold()
  let isClean = false
  try {
    const result = await execute({ ...args, contextValue: makeContext({ db, foretold }) })
    // After an error there may be resolvers left that nobody has waited for.
    isClean = result.errors === undefined
    return { ...result, report: reportOf(db.rows, foretold) }
  } finally {
    await db.end(isClean)
  }
}

function reportOf(rows: RowsByTable | undefined, { effects, approvals, costMicros }: Foretold): DryRunReport {
  return {
    ...(rows === undefined ? {} : { rows }),
    effects: effects.map((effect) => ('id' in effect ? { ...effect, id: encodeId('run', effect.id) } : effect)),
    approvals,
    ...(costMicros === undefined ? {} : { cost: { amount: formatMicros(costMicros), currency: 'USD' } }),
  }
}
