// The one way to write a mutation.
//
// In this order, declared once: permission → parse → what only the network tells → transaction → idempotency claim → verb → result union. What the
// verb returns is the outcome: plain JSON, ids and little else. The payload's fields resolve from it, loading anew what
// the client selected, so a repetition with the same idempotency key answers as the first time, however it asks.
//
// In a dry run the transaction is still open when they do, and is rolled back after it (`dry-run.ts`): no key is heeded, no
// secret shown, and the log stays where it is.

import type { InputFieldMap, ObjectFieldsShape } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import type { z } from 'zod'
import { requirePermission, requireSession } from '../auth/permissions.ts'
import type { Permission, Viewer } from '../auth/viewer.ts'
import type { Tx } from '../db/transaction.ts'
import { type AppError, unauthenticated } from '../lib/errors.ts'
import { parseInput } from '../lib/parse.ts'
import { builder, type Types } from './builder.ts'
import { commitCursor, rememberCommit } from './commit-cursor.ts'
import type { GraphQLContext } from './context.ts'
import { NO_WORKSPACE } from './context-factory.ts'
import {
  ConflictError,
  expectedError,
  Failure,
  ForbiddenError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  typenameOfError,
} from './errors.ts'
import { hashInput, idempotencyKeyOf, runOnce, standingOf } from './idempotency.ts'
import { rememberSecret, ShownOnce, secretFields } from './shown-once.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** What a verb hands back: JSON that is stored for repetitions, e.g. `{ dealId }`. */
type Outcome<Result> = { readonly [Name in keyof Result]: Json }

interface MutationOptions<
  Valid,
  Result extends Outcome<Result>,
  Refused extends Outcome<Refused> = never,
  Prepared = undefined,
> {
  /** What it does for the caller, in a sentence. */
  readonly description: string
  /**
   * What the caller needs; `public` for nothing: then `workspace` says in whose house it happens. `session` is a person who
   * signed in, whatever they may: no key.
   */
  readonly permission: Permission | 'public' | 'session'
  /**
   * It is about an account, which is of no workspace: the transaction is the system's, and `tx.within` leads into the
   * workspaces that it is about.
   */
  readonly account?: true
  /**
   * An idempotency key is not heeded: for what takes a password, whose digest would be stored with the claim, and for what
   * tells a secret that must be told again.
   */
  readonly unkeyed?: true
  readonly input: (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => InputFieldMap
  /** Makes the valid input; what it refuses becomes InvalidInputError, issue by issue, with its path. */
  readonly parse: z.ZodType<Valid>
  /** What takes its time and is no change, as comparing a password: done before the transaction, and handed to the verb. */
  readonly prepare?: (ctx: GraphQLContext, input: Valid) => Promise<Prepared>
  /**
   * What must be known before the transaction and takes other servers to tell, e.g. whether a password opens a door: no
   * transaction waits for a network. What it throws is the caller's error, and nothing has happened then. It is not done for
   * a repetition whose outcome is stored, and not in a dry run, which turns to nobody outside: the verb foretells it instead.
   */
  readonly before?: (ctx: GraphQLContext, input: Valid) => Promise<void>
  /**
   * What of the input an idempotency key stands for, where the input holds a secret: what is stored is a fast digest of it,
   * from which a short secret could be guessed.
   */
  readonly claimed?: (input: Valid) => Promise<unknown>
  /** The change itself, in the transaction. */
  readonly verb: (tx: Tx, input: Valid, prepared: Prepared) => Promise<Result | Refused | ShownOnce<Result>>
  /**
   * For a verb that makes a secret and returns `ShownOnce`: what it is, in a sentence. The payload then has `secret` and
   * `replayed`; what is stored for repetitions is the outcome without it.
   */
  readonly secret?: string
  /**
   * The caller's error of an outcome that is committed and is none of success; undefined for success. What was refused is
   * not stored under the idempotency key: a repetition is looked at anew.
   */
  readonly refusal?: (outcome: Result | Refused) => AppError | undefined
  /** The payload's fields beside `cursor`; their parent is the verb's outcome. */
  readonly payload: ObjectFieldsShape<Types, Result>
  /** Errors the union holds beside InvalidInput, Conflict and (unless public) Forbidden. */
  readonly errors?: readonly ('NOT_FOUND' | 'LIMIT_EXCEEDED')[]
  /** For public mutations: the workspace that the input names, where the caller has no credential. */
  readonly workspace?: (input: Valid, ctx: GraphQLContext) => Promise<string>
  /**
   * For public mutations: whose an anonymous caller's idempotency key is. Undefined when that cannot be told: then the
   * key is not heeded, for two strangers may have chosen the same.
   */
  readonly credential?: (input: Valid) => string | undefined
}

/**
 * Declares a mutation: the field, `VerbNounInput`, `VerbNounPayload` and `VerbNounResult`.
 *
 * ```ts
 * mutation('moveDeal', {
 *   description: 'Moves a deal to another stage of its pipeline.',
 *   permission: 'DEALS_WRITE',
 *   input: (t) => ({
 *     id: t.id({ required: true, description: 'The deal.' }),
 *     stage: t.id({ required: true, description: 'Where it goes.' }),
 *     ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
 *   }),
 *   parse: z.object({ id: publicId('deal'), stage: publicId('stage'), ifVersion: z.number().int().nullish() }),
 *   verb: async (tx, input) => ({ dealId: (await moveDeal(tx, input)).id }),
 *   payload: (t) => ({
 *     deal: t.field({
 *       type: Deal,
 *       description: 'The deal as it is now.',
 *       resolve: ({ dealId }, _args, ctx, info) => getById('Deal', dealId, ctx, info),
 *     }),
 *   }),
 *   errors: ['NOT_FOUND'],
 * })
 * ```
 */
export function mutation<
  Valid,
  Result extends Outcome<Result>,
  Refused extends Outcome<Refused> = never,
  Prepared = undefined,
>(name: string, options: MutationOptions<Valid, Result, Refused, Prepared>): void {
  const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const input = builder.inputType(`${base}Input`, {
    description: `What \`${name}\` takes.`,
    fields: options.input,
  })
  const payload = builder.objectRef<Result>(`${base}Payload`).implement({
    description: `What \`${name}\` has done.`,
    showsOwnWrite: true,
    fields: (t) => ({
      ...options.payload(t),
      ...(options.secret === undefined ? {} : secretFields(t, options.secret)),
      cursor: t.field({
        type: 'Cursor',
        description: 'Position of this change in the log: wait for it in a subscription to see your own write.',
        resolve: (outcome, _args, ctx) => commitCursor(outcome as object, ctx),
      }),
    }),
  })
  const members = [
    InvalidInputError,
    ...(options.errors?.includes('NOT_FOUND') === true ? [NotFoundError] : []),
    ...(options.permission === 'public' || options.permission === 'session' ? [] : [ForbiddenError]),
    ConflictError,
    ...(options.errors?.includes('LIMIT_EXCEEDED') === true ? [LimitExceededError] : []),
  ]
  const shown = new Set(members.map((member) => member.name))
  const union = builder.unionType(`${base}Result`, {
    description: `The outcome of \`${name}\`, or why there is none.`,
    types: [payload, ...members],
    resolveType: (value) => (value instanceof Failure ? typenameOfError(value.err) : `${base}Payload`),
  })
  builder.mutationField(name, (t) =>
    t.field({
      type: union,
      description: options.description,
      // For the permission matrix; it is asked for below, so that lacking it is a member of the union.
      extensions: {
        permission: options.permission,
        account: options.account === true,
        unkeyed: options.unkeyed === true,
      },
      args: { input: t.arg({ type: input, required: true, description: `What \`${name}\` takes.` }) },
      resolve: (async (_root: unknown, args: { input: unknown }, ctx: GraphQLContext, info: GraphQLResolveInfo) => {
        try {
          return await run(name, options, args.input, ctx, info)
        } catch (thrown) {
          const err = expectedError(thrown)
          if (err !== undefined && shown.has(typenameOfError(err) ?? '')) return new Failure(err)
          throw err ?? thrown
        }
        // Pothos cannot tell the union's shape while `Result` is still a parameter.
      }) as never,
    }),
  )
}

async function run<Valid, Result extends Outcome<Result>, Refused extends Outcome<Refused>, Prepared>(
  name: string,
  options: MutationOptions<Valid, Result, Refused, Prepared>,
  rawInput: unknown,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<Result> {
  if (options.permission === 'session') requireSession(ctx.viewer)
  else if (options.permission !== 'public') requirePermission(ctx.viewer, options.permission)
  const input = parseInput(options.parse, rawInput)
  if (ctx.viewer.kind === 'anonymous' && options.account !== true) {
    if (options.workspace === undefined) throw unauthenticated()
    ctx.enterWorkspace(await options.workspace(input, ctx))
  }
  const key = options.unkeyed === true ? undefined : idempotencyKeyOf(ctx, info)
  const credential = credentialOf(ctx.viewer) ?? options.credential?.(input)
  const isDry = ctx.foretold !== undefined
  const claim =
    key === undefined || credential === undefined || isDry
      ? undefined
      : {
          credential,
          key,
          operation: name,
          inputHash: hashInput(await (options.claimed?.(input) ?? input)),
        }
  const isDone = options.before !== undefined && claim !== undefined && (await standingOf(ctx, claim)) === 'STORED'
  if (!isDone && !isDry) await options.before?.(ctx, input)
  const refusalOf = (outcome: Result | Refused) => options.refusal?.(outcome)
  let secret: string | undefined
  const prepared = (await options.prepare?.(ctx, input)) as Prepared
  const { outcome, outboxId, replayed } = await runOnce(
    // What is about an account is of no workspace, and so are its idempotency keys.
    options.account === true ? { ...ctx, workspaceId: NO_WORKSPACE } : ctx,
    claim,
    async (tx) => {
      const made = await options.verb(tx, input, prepared)
      if (!(made instanceof ShownOnce)) return made
      // Of the last attempt, which is the one that commits.
      secret = made.secret
      return made.outcome
    },
    {
      keeps: (outcome) => refusalOf(outcome) === undefined,
      transaction: options.account === true ? 'inAccountTransaction' : 'inTransaction',
    },
  )
  const refusal = refusalOf(outcome)
  if (refusal !== undefined) throw refusal
  if (!replayed && secret !== undefined) rememberSecret(outcome as Result & object, isDry ? null : secret)
  // What is no refusal is the result.
  return rememberCommit(outcome as Result & object, isDry ? null : outboxId)
}

function credentialOf(viewer: Viewer): string | undefined {
  switch (viewer.kind) {
    case 'apiKey':
      return `key:${viewer.keyId}`
    case 'member':
    case 'account':
      return `account:${viewer.accountId}`
    case 'employee':
      return `employee:${viewer.employeeId}`
    case 'system':
      return 'system'
    case 'anonymous':
      return undefined
  }
}
