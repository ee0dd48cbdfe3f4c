import type { GraphQLSchema } from 'graphql'
import './domains/approvals/schema.ts'
import './domains/budgets/schema.ts'
import './domains/contacts/schema.ts'
import './domains/deals/schema.ts'
import './domains/employees/schema.ts'
import './domains/erasures/schema.ts'
import './domains/forms/schema.ts'
import './domains/goals/schema.ts'
import './domains/inbox/schema.ts'
import './domains/keys/schema.ts'
import './domains/runs/schema.ts'
import './domains/submissions/schema.ts'
import './domains/workspaces/schema.ts'
import { buildSchema } from './platform/graphql/build-schema.ts'

/** The API, whole: what the platform offers and what each domain declared. */
export const schema: GraphQLSchema = buildSchema()
