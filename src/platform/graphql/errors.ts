// What a caller is told when something fails.
//
// Expected failures (AppError) of a mutation are members of its result union; everywhere else, and for what no union
// holds, they are top-level errors with `extensions.code`. Anything else is a fault of ours: it is logged once with the
// request's id, and the caller reads "Internal error" and that id.

import { GraphQLError } from 'graphql'
import { PERMISSIONS, type Permission } from '../auth/viewer.ts'
import { translateDatabaseError } from '../db/errors.ts'
import { CommitUnknown } from '../db/transaction.ts'
import { type AppError, type ErrorCode, INTERNAL, isAppError, unavailable } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { builder } from './builder.ts'
import { describeEnum } from './enum.ts'
import { loadNode } from './node.ts'

export const ErrorCodeEnum = describeEnum<ErrorCode>('ErrorCode', 'What kind of failure it is, for programs.', {
  UNAUTHENTICATED: 'No credential, or one that is not valid (any more).',
  FORBIDDEN: 'The credential lacks a permission.',
  NOT_FOUND: 'There is no such thing, or it is not yours.',
  INVALID_INPUT: 'Something in the input is wrong; `issues` says what and where.',
  CONFLICT: 'It does not fit what is there now.',
  LIMIT_EXCEEDED: 'A limit was reached.',
  UNAVAILABLE: 'Not at the moment; try again after `retryAfterMs`.',
  CURSOR_EXPIRED: 'The log no longer serves this cursor.',
})

const IssueCodeEnum = describeEnum('IssueCode', 'What is wrong with a field, for a wording of your own.', {
  REQUIRED: 'It must be given.',
  TOO_SHORT: 'The text or list is too short.',
  TOO_LONG: 'The text or list is too long.',
  TOO_SMALL: 'The number or moment is too small.',
  TOO_LARGE: 'The number or moment is too large.',
  INVALID_FORMAT: 'It is not written as it should be.',
  NOT_ALLOWED: 'This value is not allowed here.',
  DUPLICATE: 'It is there already.',
  UNKNOWN_REFERENCE: 'What it refers to does not exist.',
})

const ConflictReasonEnum = describeEnum('ConflictReason', 'Why it does not fit what is there now.', {
  STALE_VERSION: 'It was changed since the version you named in `ifVersion`.',
  DUPLICATE: 'Another thing has this name, address or key already.',
  ILLEGAL_TRANSITION: 'From its present status there is no way to the one you want.',
  IDEMPOTENCY_MISMATCH: 'The idempotency key was used before with another input.',
  STALE_APPROVAL: 'What was to be approved has changed since it was shown.',
  CLOSED: 'It is closed and takes no further changes.',
  NOT_CONFIGURED: 'The server lacks a setting that this needs; the message says which.',
})

const LimitKindEnum = describeEnum('LimitKind', 'Which kind of limit was reached.', {
  RATE: 'Too many requests in a period.',
  COST: 'The operation asks for too much at once.',
  BUDGET: 'The money for the period is spent.',
  QUOTA: 'There may not be more of them.',
  SIZE: 'It is too large.',
  TIME: 'It took too long.',
})

/** Where the noun alone would not say how far it reaches. */
const REACH: Partial<Record<Permission, string>> = {
  WORKSPACE_WRITE:
    'Change the workspace: its name, time zone, currency, what a day may cost, its settings and its mail server.',
  PERSONAL_DATA_ERASE: 'Erase people and what is known of them, for good.',
  MEMBERS_WRITE: 'Change and remove members; with KEYS_WRITE, change and revoke their keys.',
  OWNERS_WRITE: 'Make owners, and change and remove them.',
  KEYS_READ: 'See which keys there are, whose they are and what they may do; never a key itself.',
  KEYS_WRITE: 'Create, change, rotate and revoke your own keys.',
}

export const PermissionEnum = describeEnum(
  'Permission',
  'What a credential may do.',
  Object.fromEntries(
    PERMISSIONS.map((permission) => {
      const split = permission.lastIndexOf('_')
      const noun = permission.slice(0, split).toLowerCase().replace('_', ' ')
      const verbs: Record<string, string> = { READ: 'See', WRITE: 'Create and change', DECIDE: 'Decide' }
      return [permission, REACH[permission] ?? `${verbs[permission.slice(split + 1)] ?? 'Use'} ${noun}.`]
    }),
  ) as Record<Permission, string>,
)

/** An expected failure as a member of a result union. Not the error itself: GraphQL takes an Error for a thrown one. */
export class Failure {
  readonly err: AppError

  constructor(err: AppError) {
    this.err = err
  }
}

const UserError = builder.interfaceRef<Failure>('UserError').implement({
  description:
    'What a person or program can act on. Every member of a result union but the payload implements it: ' +
    'end a selection with `... on UserError { code message }`, and a new kind of error needs no change.',
  resolveType: ({ err }) => typenameOfError(err),
  fields: (t) => ({
    code: t.field({
      type: ErrorCodeEnum,
      description: 'What kind of failure it is, for programs.',
      resolve: ({ err }) => err.code,
    }),
    message: t.string({ description: 'What happened, in words for a person.', resolve: ({ err }) => err.message }),
  }),
})

interface Issue {
  readonly path: readonly string[]
  readonly code: string
  readonly message: string
}

const InputIssue = builder.objectRef<Issue>('InputIssue').implement({
  description: 'One thing wrong with one field.',
  fields: (t) => ({
    field: t.string({
      description: 'The dotted path (`fields.2.label`) that form libraries use.',
      resolve: (issue) => issue.path.join('.'),
    }),
    path: t.stringList({ description: 'The same path in parts.', resolve: (issue) => [...issue.path] }),
    code: t.expose('code', { type: IssueCodeEnum, description: 'What is wrong, for a wording of your own.' }),
    message: t.exposeString('message', { description: 'What is wrong, in words for a person.' }),
  }),
})

export const InvalidInputError = builder.objectRef<Failure>('InvalidInputError').implement({
  description: 'The input does not hold what is needed.',
  interfaces: [UserError],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssue],
      description: 'Everything that is wrong, field by field.',
      resolve: ({ err }) => [...(err.details.issues ?? [])],
    }),
  }),
})

export const NotFoundError = builder.objectRef<Failure>('NotFoundError').implement({
  description: 'There is no such thing, or it is not yours: the answer is the same.',
  interfaces: [UserError],
  fields: (t) => ({
    id: t.id({
      nullable: true,
      description: 'The id that leads nowhere, as you wrote it.',
      resolve: ({ err }) => err.details.id ?? null,
    }),
  }),
})

export const ForbiddenError = builder.objectRef<Failure>('ForbiddenError').implement({
  description: 'The credential lacks a permission.',
  interfaces: [UserError],
  fields: (t) => ({
    needs: t.field({
      type: PermissionEnum,
      description: 'The permission it lacks.',
      resolve: ({ err }) => err.details.needs ?? '',
    }),
  }),
})

export const ConflictError = builder.objectRef<Failure>('ConflictError').implement({
  description: 'It does not fit what is there now.',
  interfaces: [UserError],
  fields: (t) => ({
    reason: t.field({
      type: ConflictReasonEnum,
      description: 'Why it does not fit.',
      resolve: ({ err }) => err.details.reason ?? 'DUPLICATE',
    }),
    current: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: 'The thing as it is now.',
      resolve: ({ err }, _args, ctx, info) =>
        err.details.current === undefined ? null : loadNode(err.details.current, ctx, info),
    }),
  }),
})

export const LimitExceededError = builder.objectRef<Failure>('LimitExceededError').implement({
  description: 'A limit was reached.',
  interfaces: [UserError],
  fields: (t) => ({
    limit: t.field({
      type: LimitKindEnum,
      description: 'Which kind of limit.',
      resolve: ({ err }) => err.details.limit ?? 'RATE',
    }),
    retryAfterMs: t.int({
      nullable: true,
      description: 'When to try again, in milliseconds; null where waiting does not help.',
      resolve: ({ err }) => err.details.retryAfterMs,
    }),
  }),
})

const memberTypes: Partial<Record<ErrorCode, string>> = {
  INVALID_INPUT: 'InvalidInputError',
  NOT_FOUND: 'NotFoundError',
  FORBIDDEN: 'ForbiddenError',
  CONFLICT: 'ConflictError',
  LIMIT_EXCEEDED: 'LimitExceededError',
}

/** The union member that shows an error; undefined for those that are top-level errors always. */
export const typenameOfError = (err: AppError): string | undefined => memberTypes[err.code]

/** What is thrown, as an AppError where it is an expected failure; undefined when it is a fault. */
export function expectedError(thrown: unknown): AppError | undefined {
  const err = translateDatabaseError(thrown)
  if (isAppError(err)) return err
  if (err instanceof CommitUnknown) {
    return unavailable(
      'The connection to the database was lost while saving: the change may or may not have been made. ' +
        'Send an Idempotency-Key with mutations to repeat them safely.',
    )
  }
  return undefined
}

/** The extensions of a top-level error. */
export function errorExtensions({ code, details }: AppError): Record<string, unknown> {
  const { retryAfterMs, oldest, issues, needs, limit, reason } = details
  const extensions: Record<string, unknown> = { code }
  for (const [name, value] of Object.entries({ retryAfterMs, oldest, needs, limit, reason })) {
    if (value !== undefined) extensions[name] = value
  }
  if (issues !== undefined) extensions.issues = issues.map((issue) => ({ field: issue.path.join('.'), ...issue }))
  return extensions
}

export interface ErrorContext {
  readonly log: Logger
  readonly requestId: string
}

/**
 * An error of an execution as its caller sees it. Faults are logged here, and only here. Errors without a cause are
 * GraphQL's own (a wrong type, an unknown field): the caller's, so not logged.
 */
export function presentError(err: GraphQLError, { log, requestId }: ErrorContext): GraphQLError {
  const cause = err.originalError ?? undefined
  if (cause === undefined || cause instanceof GraphQLError) return err
  const expected = expectedError(rootOf(cause))
  const { nodes, source, positions, path } = err
  const place = { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null }
  if (expected !== undefined) {
    if (expected.code === 'UNAVAILABLE') log.debug({ err: expected, requestId }, 'unavailable')
    return new GraphQLError(expected.message, { ...place, extensions: errorExtensions(expected) })
  }
  log.error({ err: cause, requestId, path: err.path?.join('.') }, 'a request failed')
  return new GraphQLError('Internal error', { ...place, extensions: { code: INTERNAL, requestId } })
}

/** Coercion wraps what a scalar threw into a GraphQLError; the first cause is what counts. */
function rootOf(err: Error): Error {
  let root: Error = err
  while (root instanceof GraphQLError && root.originalError !== undefined && root.originalError !== null) {
    root = root.originalError
  }
  return root
}

/** A top-level error made from an AppError, for what fails before execution. */
export const topLevelError = (err: AppError): GraphQLError =>
  new GraphQLError(err.message, { extensions: errorExtensions(err) })

/** As `presentError`, for what was thrown outside of an execution. */
export function presentThrown(thrown: unknown, context: ErrorContext): GraphQLError {
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown))
  return presentError(new GraphQLError(cause.message, { originalError: cause }), context)
}
