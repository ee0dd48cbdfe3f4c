// An operation from its text to its answer, the same way for HTTP, WebSocket and SSE.
//
//   prepare     length and nesting → parse (token limit) → field, depth, alias and directive limits → validate → variables
//               → cost
//   execute     queries and mutations: one answer, within the time limit
//   subscribe   a source of items; each is one execution in a context of its own, its cursor goes out as an extension
//
// Parsed and validated documents are kept; variables and cost are looked at anew for each request. Errors of the
// caller's are never logged; a fault is logged once, by `presentError`.

import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../lib/clock.ts'
import { limitExceeded } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { GraphQLContext } from './context.ts'
import { costOf } from './cost.ts'
import { type DryRunMeans, DryRunOnMutationsRule, executeWithDryRuns, hasDryRun } from './dry-run.ts'
import { presentError, presentThrown, topLevelError } from './errors.ts'
import { checkDocument, checkText, isNestedAtMost, type OperationLimits, tooMuch } from './limits.ts'
import type { Streamed } from './subscription.ts'

/** A request as all transports carry it. */
export interface OperationParameters {
  readonly query?: string | null | undefined
  /** Names a document that is known; see `trusted-documents.ts`. */
  readonly documentId?: unknown
  readonly operationName?: string | null | undefined
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined
}

/** An operation that may be executed. */
export interface Prepared {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  readonly variables: Readonly<Record<string, unknown>>
  readonly cost: number
}

export interface Refused {
  readonly errors: readonly GraphQLError[]
  readonly cost?: number
}

export interface EngineOptions {
  readonly schema: GraphQLSchema
  readonly limits: OperationLimits
  readonly introspection: boolean
  readonly log: Logger
  readonly clock: Clock
}

/**
 * Makes the context of one execution. Called once for a query or mutation; for a subscription once for its source and
 * once for every item; for a mutation once more for each field that is a dry run. The signal is aborted when the operation is
 * over, however it ends.
 */
export type ContextFactory = (signal: AbortSignal, dry?: DryRunMeans) => GraphQLContext

export interface Engine {
  readonly limits: OperationLimits
  prepare(parameters: OperationParameters): Prepared | Refused
  execute(prepared: Prepared, makeContext: ContextFactory): Promise<ExecutionResult>
  /** Answers that end when the source does; `return()` ends the source, also while it is silent. */
  subscribe(prepared: Prepared, makeContext: ContextFactory): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult>
  /** What a refusal looks like as an answer. */
  refusal(refused: Refused): ExecutionResult
}

interface CheckedDocument {
  readonly document?: DocumentNode
  readonly errors: readonly GraphQLError[]
}

const MAX_ERRORS = 10
const MAX_DOCUMENTS = 1_000
// Characters of all kept documents; a parsed one takes about fifty times its text.
const MAX_DOCUMENTS_LENGTH = 1_024 * 1_024

export function createEngine({ schema, limits, introspection, log, clock }: EngineOptions): Engine {
  const documents = new LRUCache<string, CheckedDocument>({
    max: MAX_DOCUMENTS,
    maxSize: MAX_DOCUMENTS_LENGTH,
    sizeCalculation: (_checked, query) => query.length,
  })
  const ownRules = [...specifiedRules, DryRunOnMutationsRule]
  const rules = introspection ? ownRules : [...ownRules, NoSchemaIntrospectionCustomRule]

  /** The caller's mistake. Who may not ask for the schema is not told either what they may have meant. */
  const refused = (err: GraphQLError): GraphQLError => invalid(introspection ? err : withoutSuggestion(err))

  const check = (query: string): CheckedDocument => {
    const unread = checkText(query, limits)
    if (unread.length > 0) return { errors: unread }
    let document: DocumentNode
    try {
      document = parse(query, { maxTokens: limits.maxTokens })
    } catch (err) {
      if (!(err instanceof GraphQLError)) throw err
      const long = err.message.includes('token limit') || err.message.includes('tokens')
      return { errors: [long ? tooMuch('TOKENS', `A document has at most ${limits.maxTokens} tokens.`) : refused(err)] }
    }
    const excess = checkDocument(document, limits)
    if (excess.length > 0) return { errors: excess }
    const errors = validate(schema, document, rules, { maxErrors: MAX_ERRORS })
    if (errors.length > 0) return { errors: errors.map(refused) }
    return { document, errors: [] }
  }

  const checked = (query: string): CheckedDocument => {
    const known = documents.get(query)
    if (known !== undefined) return known
    const made = withinStack(() => check(query)) ?? { errors: [tooDeep()] }
    // A refused document is not worth keeping: the next one will be another.
    if (made.errors.length === 0) documents.set(query, made)
    return made
  }

  const present = (result: ExecutionResult, ctx: GraphQLContext): ExecutionResult => {
    if (result.errors === undefined) return result
    return {
      ...result,
      errors: result.errors.map((err) => {
        const shown = presentError(err, { log, requestId: ctx.origin.requestId })
        return introspection ? shown : withoutSuggestion(shown)
      }),
    }
  }

  const argumentsOf = (prepared: Prepared, ctx: GraphQLContext, rootValue?: unknown): ExecutionArgs => ({
    schema,
    document: prepared.document,
    rootValue,
    contextValue: ctx,
    variableValues: prepared.variables as Record<string, unknown>,
    operationName: prepared.operation.name?.value ?? null,
  })

  const withinTime = async (work: Promise<ExecutionResult>, ctx: GraphQLContext): Promise<ExecutionResult> => {
    const timer = new AbortController()
    const timeout = clock.sleep(limits.timeoutMs, timer.signal).then(
      () => undefined,
      () => undefined,
    )
    const result = await Promise.race([work, timeout])
    timer.abort()
    if (result !== undefined) return present(result, ctx)
    // The work goes on without us; what it throws must not go unheard of as an unhandled rejection.
    work.catch((err: unknown) =>
      log.error({ err, requestId: ctx.origin.requestId }, 'an operation failed after its time'),
    )
    const err = limitExceeded('TIME', `This took longer than ${limits.timeoutMs / 1_000} s. Ask for less at once.`)
    return { data: null, errors: [topLevelError(err)] }
  }

  const sourceOf = async (prepared: Prepared, ctx: GraphQLContext) =>
    await createSourceEventStream({
      schema,
      document: prepared.document,
      contextValue: ctx,
      variableValues: prepared.variables as Record<string, unknown>,
      operationName: prepared.operation.name?.value ?? null,
    })

  return {
    limits,

    prepare({ query, operationName, variables }) {
      if (typeof query !== 'string' || query.trim() === '') {
        return { errors: [invalid(new GraphQLError('Send the operation as text in `query`.'))] }
      }
      const { document, errors } = checked(query)
      if (document === undefined || errors.length > 0) return { errors }
      const operation = getOperationAST(document, operationName ?? undefined)
      if (operation === null || operation === undefined) {
        const named = operationName === null || operationName === undefined || operationName === ''
        const message = named
          ? 'The document has several operations or none: name one in `operationName`.'
          : `The document has no operation "${operationName.slice(0, 100)}".`
        return { errors: [invalid(new GraphQLError(message))] }
      }
      const given = (variables ?? {}) as Record<string, unknown>
      if (!isNestedAtMost(given, limits.maxVariableDepth)) {
        return { errors: [tooMuch('VARIABLES', `Variables are nested at most ${limits.maxVariableDepth} deep.`)] }
      }
      const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: MAX_ERRORS })
      if (coerced.errors !== undefined) return { errors: coerced.errors.map(refused) }
      const cost = costOf(schema, document, operation, coerced.coerced)
      if (cost > limits.maxCost) {
        const message = `This operation costs ${cost}; one may cost ${limits.maxCost}. Ask for fewer items or fields.`
        return { errors: [tooMuch('COST', message)], cost }
      }
      return { document, operation, variables: given, cost }
    },

    async execute(prepared, makeContext) {
      const over = new AbortController()
      const ctx = makeContext(over.signal)
      const args = argumentsOf(prepared, ctx)
      const work = hasDryRun(prepared)
        ? executeWithDryRuns(args, prepared.operation, (dry) => makeContext(over.signal, dry))
        : Promise.resolve(execute(args))
      const result = await withinTime(work, ctx)
      over.abort()
      return result
    },

    async subscribe(prepared, makeContext) {
      const over = new AbortController()
      const ctx = makeContext(over.signal)
      const source = await sourceOf(prepared, ctx)
      if (!(Symbol.asyncIterator in source)) {
        return present(source, ctx)
      }
      const items = (source as AsyncIterable<Streamed<unknown>>)[Symbol.asyncIterator]()
      const answer = async (root: Streamed<unknown>): Promise<ExecutionResult> => {
        const itsCtx = makeContext(over.signal)
        const result = await withinTime(Promise.resolve(execute(argumentsOf(prepared, itsCtx, root))), itsCtx)
        return root.cursor === undefined
          ? result
          : { ...result, extensions: { ...result.extensions, cursor: root.cursor } }
      }
      return answers(items, over, answer, (err) => {
        return { errors: [presentThrown(err, { log, requestId: ctx.origin.requestId })] }
      })
    },

    refusal: ({ errors }) => ({ errors: [...errors] }),
  }
}

const tooDeep = (): GraphQLError => tooMuch('NESTING', 'The document is nested too deep.')

/** What `work` returns; undefined when it went deeper than the stack: what is read there is all the caller's. */
function withinStack<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch (err) {
    if (err instanceof RangeError) return undefined
    throw err
  }
}

/** The caller's mistake, for every transport; HTTP answers it with 400 where the media type allows. */
function invalid(err: GraphQLError): GraphQLError {
  const { nodes, source, positions, path, originalError } = err
  return new GraphQLError(err.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    originalError: originalError ?? null,
    extensions: { ...err.extensions, code: err.extensions.code ?? 'INVALID_INPUT' },
  })
}

function withoutSuggestion(err: GraphQLError): GraphQLError {
  const message = err.message.replace(/ Did you mean [^?]*\?/g, '')
  if (message === err.message) return err
  const { nodes, source, positions, path, originalError, extensions } = err
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    originalError: originalError ?? null,
    extensions,
  })
}

/** By hand and not as a generator: one that waits for its source cannot be returned before the source speaks. */
function answers(
  items: AsyncIterator<Streamed<unknown>>,
  over: AbortController,
  answer: (item: Streamed<unknown>) => Promise<ExecutionResult>,
  failure: (err: unknown) => ExecutionResult,
): AsyncGenerator<ExecutionResult> {
  let ended = false
  const end = async (): Promise<IteratorResult<ExecutionResult>> => {
    ended = true
    over.abort()
    await items.return?.()
    return { done: true, value: undefined }
  }
  return {
    next: async () => {
      if (ended) return { done: true, value: undefined }
      try {
        const item = await items.next()
        if (item.done === true || ended) return await end()
        return { done: false, value: await answer(item.value) }
      } catch (err) {
        if (ended) return { done: true, value: undefined }
        ended = true
        over.abort()
        return { done: false, value: failure(err) }
      }
    },
    return: end,
    throw: async (err) => {
      await end()
      throw err
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
