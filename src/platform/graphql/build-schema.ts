import { type GraphQLSchema, specifiedDirectives } from 'graphql'
import { builder } from './builder.ts'
import { dryRunDirective } from './dry-run.ts'
import { idempotentDirective } from './idempotency.ts'
import './audit.ts'
import './root-fields.ts'

/** The schema of everything that was declared so far. Throws on a declaration that does not fit. */
export function buildSchema(): GraphQLSchema {
  return builder.toSchema({ directives: [...specifiedDirectives, idempotentDirective, dryRunDirective] })
}
