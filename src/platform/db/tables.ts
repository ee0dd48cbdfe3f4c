import type { JsonValue } from '@prisma/client/runtime/client'
import type { ColumnType } from 'kysely'
import type * as models from '../../generated/prisma/models.ts'

/** JSON on its way into a column. `pg` would write an array as a PostgreSQL array, so JSON is handed over as text. */
export type JsonText = string & { readonly __json: never }

export const json = (value: unknown): JsonText => JSON.stringify(value) as JsonText

// Prisma's generated types are the one description of the tables; Kysely's are derived from them, so that the
// two cannot drift: what is optional in Prisma's create input is optional in an INSERT.
type Column<Value, Key, Create> = Key extends keyof Create
  ? JsonValue extends Value
    ? ColumnType<Value, JsonText | Optional<Create[Key]>, JsonText | Extract<Value, null>>
    : ColumnType<Value, Value | Optional<Create[Key]>, Value>
  : ColumnType<Value, never, Value>

type Optional<Input> = Extract<Input, undefined | null>

type Table<Model, Create> = { [Key in keyof Model]: Column<Model[Key], Key, Create> }

/** Every table by its camelCase name, for Kysely. */
export interface Tables {
  workspace: Table<models.WorkspaceModel, models.WorkspaceUncheckedCreateInput>
  member: Table<models.MemberModel, models.MemberUncheckedCreateInput>
  account: Table<models.AccountModel, models.AccountUncheckedCreateInput>
  accountIdentity: Table<models.AccountIdentityModel, models.AccountIdentityUncheckedCreateInput>
  session: Table<models.SessionModel, models.SessionUncheckedCreateInput>
  refreshToken: Table<models.RefreshTokenModel, models.RefreshTokenUncheckedCreateInput>
  accountToken: Table<models.AccountTokenModel, models.AccountTokenUncheckedCreateInput>
  signInAttempt: Table<models.SignInAttemptModel, models.SignInAttemptUncheckedCreateInput>
  invite: Table<models.InviteModel, models.InviteUncheckedCreateInput>
  apiKey: Table<models.ApiKeyModel, models.ApiKeyUncheckedCreateInput>
  mailServer: Table<models.MailServerModel, models.MailServerUncheckedCreateInput>
  credential: Table<models.CredentialModel, models.CredentialUncheckedCreateInput>
  employee: Table<models.EmployeeModel, models.EmployeeUncheckedCreateInput>
  employeeVersion: Table<models.EmployeeVersionModel, models.EmployeeVersionUncheckedCreateInput>
  goal: Table<models.GoalModel, models.GoalUncheckedCreateInput>
  handlerGroup: Table<models.HandlerGroupModel, models.HandlerGroupUncheckedCreateInput>
  handlerGroupMember: Table<models.HandlerGroupMemberModel, models.HandlerGroupMemberUncheckedCreateInput>
  form: Table<models.FormModel, models.FormUncheckedCreateInput>
  formVersion: Table<models.FormVersionModel, models.FormVersionUncheckedCreateInput>
  submission: Table<models.SubmissionModel, models.SubmissionUncheckedCreateInput>
  submissionRejection: Table<models.SubmissionRejectionModel, models.SubmissionRejectionUncheckedCreateInput>
  contact: Table<models.ContactModel, models.ContactUncheckedCreateInput>
  pipeline: Table<models.PipelineModel, models.PipelineUncheckedCreateInput>
  stage: Table<models.StageModel, models.StageUncheckedCreateInput>
  deal: Table<models.DealModel, models.DealUncheckedCreateInput>
  run: Table<models.RunModel, models.RunUncheckedCreateInput>
  runStep: Table<models.RunStepModel, models.RunStepUncheckedCreateInput>
  effect: Table<models.EffectModel, models.EffectUncheckedCreateInput>
  approval: Table<models.ApprovalModel, models.ApprovalUncheckedCreateInput>
  inboxMessage: Table<models.InboxMessageModel, models.InboxMessageUncheckedCreateInput>
  budgetDay: Table<models.BudgetDayModel, models.BudgetDayUncheckedCreateInput>
  budgetReservation: Table<models.BudgetReservationModel, models.BudgetReservationUncheckedCreateInput>
  idempotencyClaim: Table<models.IdempotencyClaimModel, models.IdempotencyClaimUncheckedCreateInput>
  erasure: Table<models.ErasureModel, models.ErasureUncheckedCreateInput>
  accountErasure: Table<models.AccountErasureModel, models.AccountErasureUncheckedCreateInput>
  eventOutbox: Table<models.EventOutboxModel, models.EventOutboxUncheckedCreateInput>
  eventLog: Table<models.EventLogModel, models.EventLogUncheckedCreateInput>
  eventEpoch: Table<models.EventEpochModel, models.EventEpochUncheckedCreateInput>
  process: Table<models.ProcessModel, models.ProcessUncheckedCreateInput>
  serverSecret: Table<models.ServerSecretModel, models.ServerSecretUncheckedCreateInput>
  costBudget: Table<models.CostBudgetModel, models.CostBudgetUncheckedCreateInput>
}

export type TableName = keyof Tables & string

/** Tables whose rows belong to no workspace, or (workspace) are the workspace. */
export const TABLES_WITHOUT_TENANT: ReadonlySet<string> = new Set([
  'workspace',
  'account',
  'accountIdentity',
  'session',
  'refreshToken',
  'accountToken',
  'accountErasure',
  'signInAttempt',
  'eventEpoch',
  'process',
  'serverSecret',
  'costBudget',
])
